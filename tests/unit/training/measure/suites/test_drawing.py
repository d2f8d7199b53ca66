import csv
from pathlib import Path

import pytest

from db.errors import InvalidInputError
from training.measure.figures.bootstrap import Interval
from training.measure.figures.curves import Point
from training.measure.suites.domains import STAGES, DomainFigures
from training.measure.suites.drawing import COLUMNS, require_drawable, write_curves

POINTS = [
    Point(threshold=0.9, precision=1.0, recall=0.2),
    Point(threshold=0.6, precision=0.75, recall=0.5),
]


def domain(name: str, *, is_flagged: bool = True) -> DomainFigures:
    interval = Interval(value=0.5, low=0.4, high=0.6)
    return DomainFigures(
        name=name,
        label=f"{name} & <co>",
        is_mining=False,
        languages={"en": 1.0},
        unknown_script=0.0,
        unknown_script_weight=1.0,
        pairs=10,
        same=5,
        average_precision=dict.fromkeys(STAGES, interval),
        threshold=0.6,
        flagged=4 if is_flagged else 0,
        precision=0.75 if is_flagged else None,
        recall=0.5 if is_flagged else 0.0,
        recall_at={"0.75": 0.5, "0.90": 0.2},
        curves={"cosine_whole": POINTS[:1], "served": POINTS if is_flagged else []},
        calibration_error=0.1,
        asymmetry=0.02,
    )


def test_the_table_has_a_row_for_each_point(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"

    write_curves([domain("shop"), domain("work", is_flagged=False)], path)

    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        list(COLUMNS),
        ["shop & <co>", "cosine", "0.9", "1.0", "0.2"],
        ["shop & <co>", "served", "0.9", "1.0", "0.2"],
        ["shop & <co>", "served", "0.6", "0.75", "0.5"],
        ["work & <co>", "cosine", "0.9", "1.0", "0.2"],
    ]


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_picture_can_be_drawn_of_any_number_of_domains(
    tmp_path: Path, suffix: str, start: bytes
) -> None:
    path = tmp_path / f"curves.{suffix}"

    write_curves([domain("shop"), domain("work", is_flagged=False), *map(domain, "abc")], path)

    assert path.read_bytes().startswith(start)


def test_equal_figures_give_equal_pictures(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        write_curves([domain("shop")], tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "shop &amp; &lt;co&gt;" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_a_file_of_another_kind_is_refused_before_the_work() -> None:
    with pytest.raises(InvalidInputError, match=r"must end in \.svg, \.png or \.csv"):
        require_drawable(Path("curves.pdf"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be written: No such file"):
        write_curves([domain("shop")], tmp_path / "none" / "curves.csv")
