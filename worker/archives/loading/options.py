"""Options of reading a file, from a command or request, in the form that the readers take."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.errors import InvalidInputError
from worker.archives.load_job import Format
from worker.archives.readers.archive import Means
from worker.archives.readers.meaning.reading import Wishes
from worker.archives.readers.table import Hints
from worker.archives.readers.values.conditions import Condition
from worker.archives.readers.values.dates import DateOrder


def means_of(  # noqa: PLR0913  # each is an option of the command
    *,
    form: Format | None = None,
    encoding: str | None = None,
    columns: str = "",
    chosen: Mapping[str, str] | None = None,
    records: str = "",
    shape: str = "",
    visible_if: Sequence[str] = (),
    base_url: str = "",
    dates: str = DateOrder.AUTO,
    strict: bool = False,
) -> Means:
    """Return the options of reading; *columns* are names with commas between them.

    Raises `InvalidInputError` if a condition, the encoding or *base_url* is not valid.
    """
    for one in visible_if:
        Condition.parse(one)
    if encoding is not None:
        _check_encoding(encoding)
    if base_url and not base_url.startswith(("http://", "https://")):
        raise InvalidInputError("--base-url must begin with http:// or https://")
    names = [name.strip() for name in columns.split(",")] if columns else []
    return Means(
        hints=Hints(form=form, encoding=encoding, columns=names),
        wishes=Wishes(
            chosen=dict(chosen or {}),
            visible_if=tuple(visible_if),
            base_url=base_url if not base_url or base_url.endswith("/") else f"{base_url}/",
            dates=DateOrder(dates),
            strict=strict,
        ),
        records=records,
        shape=shape,
    )


def _check_encoding(encoding: str) -> None:
    try:
        "a".encode(encoding).decode(encoding)  # an empty text would accept any name
    except (LookupError, ValueError, TypeError) as error:
        raise InvalidInputError(f"there is no encoding {encoding!r}") from error


def mapping_of(said: Sequence[str] | None, *, option: str) -> dict[str, str]:
    """Return the column of each field, from options of the form ``FIELD=COLUMN``.

    Raises `InvalidInputError` for another form.
    """
    chosen: dict[str, Any] = {}
    for one in said or ():
        field, sign, column = one.partition("=")
        if not sign:
            raise InvalidInputError(f"{option}{one}: must be FIELD=COLUMN")
        chosen[field.strip()] = column.strip()
    return chosen
