"""The parameters of an upload that say how its file is read if it is not recognised."""

from typing import Annotated, Any, Literal

from fastapi import Query

_Encoding = Annotated[str | None, Query(max_length=40, description="Encoding, such as cp1252")]
_Columns = Annotated[
    str, Query(max_length=2_000, description="Names of all columns of a file without a header: a,b")
]
_Records = Annotated[
    str, Query(max_length=500, description="Table, or path in JSON, that holds the questions")
]
_Shape = Annotated[
    str, Query(alias="as", max_length=60, description="Program that wrote it, such as phpbb")
]
_VisibleIf = Annotated[
    list[str],
    Query(
        max_length=20,
        description="Import only rows with COLUMN=VALUE, which everybody may see; repeatable",
    ),
]
_BaseUrl = Annotated[str, Query(max_length=500, description="Address to put before relative links")]
_Dates = Annotated[
    Literal["auto", "dmy", "mdy", "excel"],
    Query(description="What 03/04/2014 or 41732 means, where the file does not say"),
]
_Strict = Annotated[
    bool, Query(description="Whether a row is rejected if one of its values cannot be used")
]


def how_read(
    *,
    encoding: _Encoding = None,
    columns: _Columns = "",
    records: _Records = "",
    shape: _Shape = "",
    visible_if: _VisibleIf = [],  # noqa: B006  # FastAPI copies it
    base_url: _BaseUrl = "",
    dates: _Dates = "auto",
    strict: _Strict = False,
) -> dict[str, Any]:
    """Return what was given, as `worker.archives.loading.options.means_of` takes it."""
    return {
        "encoding": encoding,
        "columns": columns,
        "records": records,
        "shape": shape,
        "visible_if": visible_if,
        "base_url": base_url,
        "dates": dates,
        "strict": strict,
    }
