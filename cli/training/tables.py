"""The tables that `askedbefore train` and `askedbefore evaluate` print."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from training.data.pairs import LabelledPair
    from training.measure.evaluate import Comparison
    from training.measure.figures.bootstrap import Interval
    from training.measure.report import Figures
    from training.measure.suites.suite import SuiteFigures


def show_figures(figures: "Figures", *, console: Console) -> None:
    """Print the figures of each model of a run."""
    table = Table("model", "pairs", "average precision", "best F1", "recall at 0.90 precision")
    for name, found in figures.items():
        kept = (found["average_precision"], found["f1"], found["recall_at_0.90"])
        table.add_row(name, f"{found['pairs']:,.0f}", *(f"{value:.4f}" for value in kept))
    console.print(table)


def show_comparison(found: "Comparison", *, console: Console) -> None:
    """Print the figures of two models, and the pairs on which their scores differ most."""
    table = Table("", *found.names)
    first, second = found.average_precision
    table.add_row("average precision (95 %)", str(first), str(second))
    for name in ("f1", "recall_at_0.90", "recall_at_0.95", "calibration_error", "asymmetry"):
        values = [f"{s[name]:.4f}" if name in s else "-" for s in found.summaries]
        table.add_row(name.replace("_", " "), *values)
    console.print(table)
    console.print(f"difference in average precision: {found.difference}", highlight=False)
    rows = Table(*found.names, "label", "question 1", "question 2", title="They disagree most on")
    for item in found.disagreements:
        scores = (f"{item.first:.3f}", f"{item.second:.3f}")
        rows.add_row(*scores, *_texts(item.pair))
    console.print(rows)


def _texts(pair: "LabelledPair") -> tuple[str, Text, Text]:
    # As `Text`: otherwise [brackets] in a question would be read as markup.
    return f"{pair.label:.0f}", Text(pair.question1), Text(pair.question2)


def show_suite(found: "SuiteFigures", *, console: Console) -> None:
    """Print each stage's average precision on every domain, the best in bold, and the decisions."""
    from training.measure.suites import suite_report as report  # noqa: PLC0415  # heavy and optional

    ranking = Table("average precision", *report.RANKING)
    decided = Table("decisions", *report.DECISION)
    for one in found.domains:
        best = report.best_stage(one)
        figures = one.average_precision.items()
        stages = [_with_interval(figure, is_best=name == best) for name, figure in figures]
        ranking.add_row(one.label, *report.counts(one), *stages)
        decided.add_row(one.label, *report.decision(one))
    ranking.add_section()
    for kind, means in found.means.items():
        values = [f"{value:.3f}" for value in means.values()]
        ranking.add_row(report.MEANS[kind], "", "", "", *values)
    for table in (ranking, decided):
        for column in table.columns:  # a narrow terminal wraps the names, and does not cut them
            column.overflow = "fold"
        console.print(table)
    for line in report.cautions(found):
        console.print(line, highlight=False, markup=False)
    if found.is_left_out:
        console.print(report.LEFT_OUT, highlight=False)


def _with_interval(found: "Interval", *, is_best: bool) -> str:
    value = f"[bold]{found.value:.3f}[/bold]" if is_best else f"{found.value:.3f}"
    return f"{value}\n[dim]{found.low:.2f}-{found.high:.2f}[/dim]"
