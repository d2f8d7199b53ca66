"""Options of `askedbefore forums set`: the settings of a forum."""

from typing import Annotated

import typer

from db.groups.canonical import CanonicalBy
from db.rows import Within
from worker.text.normal import TextFields

Threshold = Annotated[
    float | None,
    typer.Option(help="Probability from which a pair is flagged; 0 for the model's own threshold."),
]
ObserveOnly = Annotated[
    bool | None, typer.Option(help="Record what would be flagged and show it to nobody.")
]
PendingLimit = Annotated[
    int | None,
    typer.Option(help="How many questions may wait; with more, the API answers 429."),
]
ModelsSee = Annotated[
    TextFields | None,
    typer.Option(help="Fields that the models read. Run a recheck after a change."),
]
SearchDays = Annotated[
    int | None, typer.Option(help="Compare only with questions of the last N days; 0 for all.")
]
SearchWithin = Annotated[
    Within | None,
    typer.Option(help="Compare only with questions of the same category or author."),
]
Canonical = Annotated[
    CanonicalBy | None,
    typer.Option(help="Rule that proposes the canonical question of a group."),
]
Prefix = Annotated[
    list[str] | None,
    typer.Option(
        help="Beginning of titles that the models do not read, such as 'Re:'. Repeatable; ''"
        " for none. Run a recheck after a change."
    ),
]
Boilerplate = Annotated[
    list[str] | None,
    typer.Option(
        help="Text that the models do not read anywhere; * means the rest of a line."
        " Repeatable; '' for none. Run a recheck after a change."
    ),
]
