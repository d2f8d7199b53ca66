"""Makes questions that can be stored from a block of an archive, column by column.

For each question the result is that of `worker.text.intake.question_of`. Questions that are not
plain are left to that function.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from db.imports.incoming import Incoming, beside_each_other, shared_by_all, whole_of
from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.records import Block
from worker.text.cuts import NO_CUTS, Cuts
from worker.text.intake import body_of, facts_of, id_of, label_of, quoted, title_of
from worker.text.many import foreign_shares, is_plain, text_digests, token_estimates
from worker.text.normal import TextFields, full_text

_NULL = "null"
Odd = set[int]
"""Places of the questions that are left to `question_of`."""


def questions_of(block: Block, *, text_fields: str, cuts: Cuts = NO_CUTS) -> tuple[Incoming, Odd]:
    """Return the questions of *block*, and the places of those that are left out."""
    odd: Odd = set()
    fields = TextFields(text_fields)
    titles = _titles(block.titles, odd)
    bodies = _each(block.bodies, body_of, odd) if any(block.bodies) else block.bodies
    read_titles, read_bodies = _cut(titles, bodies, cuts)
    texts = _texts(
        _instead(read_titles, titles),
        _instead(read_bodies, bodies),
        fields,
    )
    none: Sequence[None] = [None] * len(titles)
    columns = {
        "external_id": _ids(block.external_ids, odd),
        "title": titles,
        "body": bodies,
        "url": block.urls,
        "category": _labels(block.categories, odd),
        "author": _labels(block.authors, odd),
        "asked_at": block.asked_at,
        "visible": ["t"] * len(titles),
        "facts": _facts(block.facts, odd),
        "edited_at": block.updated_at,
        "revision": none,
        "text_fields": [str(fields)] * len(titles),
        "read_title": read_titles,
        "read_body": read_bodies,
        "text_digest": text_digests(texts),
        "foreign_share": _shares(texts),
    }
    columns["content_digest"] = _content_digests(columns)
    incoming = Incoming(columns, token_estimates(texts))
    return incoming.picked([at not in odd for at in range(len(titles))]) if odd else incoming, odd


def _shares(texts: Sequence[str]) -> list[str]:
    shares = foreign_shares(texts)
    return list(map(str, shares)) if any(shares) else ["0.0"] * len(shares)


def _each(values: Sequence[Any], read: Callable[[Any], Any], odd: Odd) -> list[Any]:
    """Return the values; those that are not plain ASCII are changed by *read*."""
    found = []
    for place, value in enumerate(values):
        if not value or (value.isascii() and value.isprintable()):
            found.append(value)
            continue
        try:
            found.append(read(value))
        except ValueError:
            odd.add(place)
            found.append("")
    return found


def _ids(ids: Sequence[str], odd: Odd) -> Sequence[str]:
    if "." in ids or ".." in ids:
        odd.update(at for at, one in enumerate(ids) if one in {".", ".."})
    return ids if is_plain(ids) else _each(ids, id_of, odd)


def _titles(titles: Sequence[str], odd: Odd) -> Sequence[str]:
    if is_plain(titles) and "  " not in "\n".join(titles):
        return titles
    return [" ".join(title.split()) for title in _each(titles, title_of, odd)]


def _labels(labels: Sequence[str | None], odd: Odd) -> Sequence[str | None]:
    texts = list(filter(None, labels))
    if is_plain(texts) and "  " not in "\n".join(texts):
        return labels
    known: dict[str, str | None] = {}
    for text in dict.fromkeys(texts):
        try:
            known[text] = label_of(text)
        except ValueError:
            odd.update(at for at, one in enumerate(labels) if one == text)
    return [known.get(text) if text else None for text in labels]


def _cut(
    titles: Sequence[str], bodies: Sequence[str], cuts: Cuts
) -> tuple[Sequence[str | None], Sequence[str | None]]:
    if cuts is NO_CUTS or not titles:
        none: Sequence[None] = [None] * len(titles)
        return none, none
    read = [cuts.read(title, body) for title, body in zip(titles, bodies, strict=True)]
    return [title for title, _ in read], [body for _, body in read]


def _instead(read: Sequence[str | None], stored: Sequence[str]) -> Sequence[str]:
    """Return the texts that models read: *read*, or *stored* where that is None."""
    if read.count(None) == len(read):
        return stored
    return [text if one is None else one for one, text in zip(read, stored, strict=True)]


def _texts(titles: Sequence[str], bodies: Sequence[str], fields: TextFields) -> Sequence[str]:
    if not any(bodies):
        return titles if fields is TextFields.TITLE else [f"{title} " for title in titles]
    return [
        full_text(title, body, fields=fields) for title, body in zip(titles, bodies, strict=True)
    ]


def _facts(facts: Sequence[Facts], odd: Odd) -> Sequence[str | None]:
    ids = list(map(id, facts))
    known: dict[int, str | None] = {}
    for own, one in dict(zip(ids, facts, strict=True)).items():
        try:
            checked = facts_of(one)
        except ValueError:
            odd.update(place for place, other in enumerate(ids) if other == own)
            checked = NO_FACTS
        known[own] = None if checked is NO_FACTS else _stored(checked)
    return list(map(known.__getitem__, ids))


@functools.lru_cache(4_096)
def _stored(facts: Facts) -> str:
    return json.dumps(facts.stored())


def _content_digests(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the same digests as `question_of` for these fields."""
    said: list[str | Sequence[str]] = ["["]
    for name in ("title", "body", "url", "category", "author", "asked_at"):
        said += [*_as_json(columns[name]), ", "]
    beside = _beside(columns["facts"], columns["edited_at"])
    whole = "\n".join(beside_each_other([*said, "true", beside, "]"], len(beside)))
    digest = hashlib.sha256
    return [digest(row).hexdigest() for row in whole.encode().split(b"\n")] if beside else []


def _as_json(column: Sequence[str | None]) -> list[str | Sequence[str]]:
    """Return the pieces of a column's JSON in order: texts that all rows share, and columns."""
    if (shared := shared_by_all(column)) is not None:
        return [_json(shared[0])]
    whole = whole_of(column)
    if whole is None or '"' in whole or "\\" in whole or not is_plain([whole]):
        return [list(map(_json, column))]
    return ['"', column, '"']  # type: ignore[list-item]  # none is null


def _json(text: str | None) -> str:
    return _NULL if text is None else quoted(text)


def _beside(facts: Sequence[str | None], edited_at: Sequence[str | None]) -> list[str]:
    """Return the last part of each digested text; empty without facts and a date of change."""
    if shared_by_all(edited_at) == (None,):
        known = {said: _said_beside(said, None) for said in set(facts)}
        return list(map(known.__getitem__, facts))
    return list(map(_said_beside, facts, edited_at))


def _said_beside(said: str | None, at: str | None) -> str:
    if said is None and at is None:
        return ""
    moment = "None" if at is None else at.replace("T", " ")
    return f', [{said or _NULL}, "{moment}", null]'
