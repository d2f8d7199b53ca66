"""An archive's report as files: JSON, CSV of the pairs, and an HTML page with plots."""

import csv
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from db.archives.report import FoundPair
from db.wording import counted
from worker.archives.report import Report
from worker.text.cells import as_cell

_WIDTH, _HEIGHT, _BASE = 640, 180, 24
_PAIR_COLUMNS = ("id1", "id2", "question1", "question2", "kind", "status", "cosine", "score")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto;
       padding: 0 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.5rem }
h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #d0d7de }
td.number { text-align: right; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto }
svg rect { fill: #0b62c4 }
svg text { font-size: 11px; fill: #57606a; text-anchor: middle }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117 }
  svg rect { fill: #5aa9ff }
  svg text { fill: #9198a1 }
  td, th { border-color: #30363d }
}
"""


def write_files(folder: Path, report: Report, pairs: Iterable[FoundPair]) -> list[Path]:
    """Write ``report.json``, ``pairs.csv`` and ``report.html`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("report.json", "pairs.csv", "report.html")]
    paths[0].write_text(json.dumps(report.as_dict(), indent=2) + "\n", encoding="utf-8")
    with paths[1].open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(_PAIR_COLUMNS)
        writer.writerows(_pair_row(pair) for pair in pairs)
    paths[2].write_text(as_html(report), encoding="utf-8")
    return paths


def _pair_row(pair: FoundPair) -> tuple[str, ...]:
    return (
        as_cell(pair.low_external_id),
        as_cell(pair.high_external_id),
        as_cell(pair.low_title),
        as_cell(pair.high_title),
        pair.kind,
        pair.status,
        "" if pair.cosine is None else f"{pair.cosine:.4f}",
        f"{pair.score:.4f}",
    )


def facts(report: Report) -> list[tuple[str, str]]:
    """Return the names and values of the report's figures, as text."""
    speed = report.questions / report.elapsed_s if report.elapsed_s else 0.0
    told = [
        ("questions", f"{report.questions:,}"),
        ("of them new", f"{report.created:,}"),
        ("rejected rows", f"{report.rejected:,}"),
        ("near pairs", f"{report.candidates:,}"),
        ("read by the CrossEncoder", f"{report.reranked:,}"),
        ("duplicate pairs", f"{report.pairs:,}"),
        ("groups", f"{report.groups:,} of {counted(report.grouped, 'question')}"),
        ("weak links not followed", f"{report.cut:,}"),
        ("threshold", f"{report.threshold:g}"),
        ("time", f"{report.elapsed_s:,.0f} s, {counted(round(speed), 'question')} a second"),
    ]
    if report.slowest:
        seconds = report.stages_s[report.slowest]
        told.append(("slowest stage", f"{report.slowest}, {seconds:,.0f} s of work"))
    if report.set_aside:
        told.append(
            ("set aside after failing", counted(report.set_aside, "unit of work", "units of work"))
        )
    return told


def as_html(report: Report) -> str:
    """Return the report as one page without other files."""
    bins = len(report.histogram) or 1
    scores = [(f"{place / bins:.2f}", count) for place, count in enumerate(report.histogram)]
    groups = "".join(
        f'<tr><td class="number">{one["size"]}</td><td>{escape(str(one["canonical"]))}'
        f'{" (chained)" if one["chained"] else ""}</td><td class="number">{one["weakest"]:.3f}</td>'
        "</tr>"
        for one in report.largest
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(value)}</td></tr>'
        for name, value in facts(report)
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(report.archive)}'
        f"</title><style>{_STYLE}</style><h1>Duplicates in {escape(report.archive)}</h1>"
        f"<p>Forum {escape(report.forum)}; the archive is {escape(report.state)}.</p>"
        f"<table>{rows}</table>"
        f"{_plot('Reranked pairs by probability', scores)}"
        f"{_plot('Duplicate pairs at or above each score', list(report.by_score.items()))}"
        f"{_plot('Groups by size', list(report.group_sizes.items()))}"
        f"{_plot('Seconds of work by stage', list(report.stages_s.items()))}"
        "<h2>The largest groups</h2><table><tr><th>size</th><th>suggested canonical question</th>"
        f"<th>weakest link</th></tr>{groups}</table>"
        f"<h2>Recall</h2><p>{escape(report.recall)}</p>"
        f"<h2>Precision</h2><p>{escape(report.precision)}</p></html>"
    )


def _plot(title: str, bars: Sequence[tuple[str, float]]) -> str:
    if not bars:
        return ""
    top = max(count for _, count in bars) or 1
    step = _WIDTH / len(bars)
    every = max(1, len(bars) // 20)
    drawn = []
    for place, (label, count) in enumerate(bars):
        height = (_HEIGHT - 2 * _BASE) * count / top
        x, y = place * step, _HEIGHT - _BASE - height
        drawn.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(step - 2, 1):.1f}"'
            f' height="{height:.1f}">'
            f"<title>{escape(label)}: {count:,}</title></rect>"
        )
        if place % every == 0:
            middle = x + step / 2
            drawn.append(
                f'<text x="{middle:.1f}" y="{_HEIGHT - 8}">{escape(label)}</text>'
                f'<text x="{middle:.1f}" y="{y - 4:.1f}">{count:,.0f}</text>'
            )
    told = escape(", ".join(f"{label}: {count:,}" for label, count in bars))
    return (
        f'<h2>{escape(title)}</h2><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}. {told}">{"".join(drawn)}</svg>'
    )
