"""Names the languages of a domain, because the models know English alone."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping

from training.data.suites import Domain, MiningDomain
from worker.text.language import ENGLISH, language_of
from worker.text.normal import TextFields, foreign_share, full_text

SAMPLE = 300
"""So many questions of a domain are looked at, drawn at random but always the same."""
_LEAST = 0.05
"""Smallest share with which a language is named."""


def languages_of(domain: Domain) -> dict[str, float]:
    """Return the share of each language among the questions of *domain*, the largest first.

    The keys are those of `language_of`. The shares add up to 1.
    """
    questions = list(_questions(domain))
    if len(questions) > SAMPLE:
        questions = random.Random(1).sample(questions, SAMPLE)  # noqa: S311  # no secret
    counts = Counter(_language(title, body) for title, body in questions)
    return {code: count / len(questions) for code, count in counts.most_common()}


def named(languages: Mapping[str, float]) -> str:
    """Return the languages for people, such as "en", or "zh 45 %, en 50 %"."""
    shown = {code: share for code, share in languages.items() if share >= _LEAST}
    if tuple(shown) == (ENGLISH,):
        return ENGLISH
    return ", ".join(f"{code} {100 * share:.0f} %" for code, share in shown.items())


def is_other(languages: Mapping[str, float]) -> bool:
    """Return whether most of a domain's questions are not English."""
    return languages.get(ENGLISH, 0.0) < 1 / 2


def _questions(domain: Domain) -> Iterator[tuple[str, str]]:
    if isinstance(domain, MiningDomain):
        yield from zip(domain.titles, domain.bodies, strict=True)
        return
    for pair in domain.pairs:
        yield pair.question1, pair.body1
        yield pair.question2, pair.body2


def _language(title: str, body: str) -> str:
    full = full_text(title, body, fields=TextFields.TITLE_BODY)
    return language_of(title, foreign_share=foreign_share(full))
