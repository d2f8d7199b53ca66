from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict

from training.data.hub import HubError, HubName, parse
from training.data.pairs import LabelledPair, PairsError
from training.data.reading import read_pairs

PAIRS = [
    LabelledPair("How do I bake bread?", "How is bread baked?", 1.0),
    LabelledPair("Why is it hot?", "Is it Monday?", 0.0),
]
CARD = """---
configs:
- config_name: pair
  data_files: [{split: train, path: pair/train.parquet}]
- config_name: pair-class
  data_files: [{split: train, path: pair-class/train.parquet}]
- config_name: triplet
  data_files: [{split: train, path: triplet/train.parquet}]
---
"""
FIRST, SECOND = ([getattr(p, name) for p in PAIRS] for name in ("question1", "question2"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def saved(folder: Path, columns: dict[str, list[Any]]) -> str:
    Dataset.from_dict(columns).save_to_disk(str(folder))
    return f"hub:{folder}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of a hub's repository with several configurations, as `hf download` leaves it."""
    folder = tmp_path / "clone"
    tables: dict[str, dict[str, list[Any]]] = {
        "pair": {"anchor": FIRST[:1], "positive": SECOND[:1]},
        "pair-class": {"sentence1": FIRST, "sentence2": SECOND, "label": [1, 0]},
        "triplet": {"anchor": FIRST[:1], "positive": SECOND[:1], "negative": SECOND[1:]},
    }
    for name, columns in tables.items():
        (folder / name).mkdir(parents=True)
        Dataset.from_dict(columns).to_parquet(folder / name / "train.parquet")
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "columns",
    [
        {"question1": FIRST, "question2": SECOND, "is_duplicate": [True, False]},
        {"question1": FIRST, "question2": SECOND, "label": [1, 0], "idx": [7, 8]},
        {"sentence1": FIRST, "sentence2": SECOND, "label": [1.0, 0.0]},
        {
            "questions": [
                {"id": [2 * i, 2 * i + 1], "text": [p.question1, p.question2]}
                for i, p in enumerate(PAIRS)
            ],
            "is_duplicate": [True, False],
        },
    ],
    ids=["is_duplicate", "glue", "sentences", "nested"],
)
def test_the_columns_of_the_hubs_datasets_are_known(
    tmp_path: Path, columns: dict[str, list[Any]]
) -> None:
    assert read_pairs(saved(tmp_path / "data", columns)).pairs == PAIRS


def test_a_label_with_a_name_is_read_by_its_number(tmp_path: Path) -> None:
    rows = Dataset.from_dict({"sentence1": FIRST, "sentence2": SECOND, "label": [1, 0]})
    named = rows.cast_column("label", ClassLabel(names=["not_duplicate", "duplicate"]))
    named.save_to_disk(str(tmp_path / "data"))

    assert read_pairs(f"hub:{tmp_path / 'data'}").pairs == PAIRS


def test_labelled_pairs_are_taken_where_there_are_several_configurations(clone: Path) -> None:
    assert read_pairs(f"hub:{clone}").pairs == PAIRS
    assert read_pairs(f"hub:{clone}#pair-class:train").pairs == PAIRS


def test_pairs_without_a_label_are_duplicates(clone: Path) -> None:
    assert read_pairs(f"hub:{clone}#pair").pairs == PAIRS[:1]


def test_a_split_is_chosen_by_name(tmp_path: Path) -> None:
    parts = {
        name: Dataset.from_dict(
            {"question1": [p.question1], "question2": [p.question2], "label": [int(p.label)]}
        )
        for name, p in zip(("train", "validation"), PAIRS, strict=True)
    }
    DatasetDict(parts).save_to_disk(str(tmp_path / "data"))

    assert read_pairs(f"hub:{tmp_path / 'data'}").pairs == PAIRS[:1]
    assert read_pairs(f"hub:{tmp_path / 'data'}#:validation").pairs == PAIRS[1:]
    with pytest.raises(HubError, match=r"no split 'dev' \(splits: train, validation\)"):
        read_pairs(f"hub:{tmp_path / 'data'}#:dev")


def test_the_hash_tells_other_rows_apart(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"question1": FIRST, "question2": SECOND, "label": [1, 0]}
    one, again = (saved(tmp_path / name, columns) for name in ("one", "again"))
    other = saved(tmp_path / "other", {**columns, "label": [0, 0]})

    assert read_pairs(one).sha256 == read_pairs(again).sha256 != read_pairs(other).sha256


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"title": FIRST, "label": [1, 0]}, r"no pair of columns .*\(columns: title, label\)"),
        ({"question1": FIRST, "question2": SECOND}, "no column is_duplicate or label"),
        ({"questions": [{"text": ["Why?"]}], "is_duplicate": [True]}, "must hold two texts"),
    ],
)
def test_columns_that_are_no_pairs_are_named(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises(HubError, match=message):
        read_pairs(saved(tmp_path / "data", columns))


def test_a_label_that_is_none_is_an_error_with_its_row(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"question1": FIRST, "question2": SECOND, "label": [1, -1]}

    with pytest.raises(PairsError, match="data:2: is_duplicate must be 0 or 1"):
        read_pairs(saved(tmp_path / "data", columns))


def test_a_configuration_nobody_has_is_answered_with_those_there_are(clone: Path) -> None:
    with pytest.raises(HubError, match="triplet"):
        read_pairs(f"hub:{clone}#pairs")


def test_where_nothing_tells_the_configurations_apart_one_must_be_named(clone: Path) -> None:
    card = CARD.replace("pair-class\n", "classes\n")
    (clone / "README.md").write_text(card, encoding="utf-8")

    with pytest.raises(HubError, match=r"say which configuration: .*#pair\|classes\|triplet"):
        read_pairs(f"hub:{clone}")


def test_an_unreachable_hub_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(HubError, match="hf download --repo-type dataset someone/pairs"):
        read_pairs("hub:someone/pairs")


def test_the_parts_of_a_name_may_be_missing() -> None:
    assert parse("hub:a/b#c:d") == HubName(name="a/b", config="c", split="d")
    assert parse("hub:a/b#c") == HubName(name="a/b", config="c")
    assert parse("hub:a/b") == HubName(name="a/b")
    with pytest.raises(HubError, match="names no dataset"):
        parse("hub:#c")
