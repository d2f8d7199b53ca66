"""The shipped sample archive is what the tour and the acceptance tests take it for."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from worker.text.normal import clean, text_digest

SAMPLE = files("cli") / "sample"
TITLE_LIMIT = 500


@pytest.fixture(scope="module")
def questions() -> dict[str, dict[str, Any]]:
    lines = (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.fixture(scope="module")
def labels() -> dict[tuple[str, str], str]:
    lines = (SAMPLE / "labels.csv").read_text(encoding="utf-8").splitlines()
    return {(row["id1"], row["id2"]): row["label"] for row in csv.DictReader(lines)}


def _label_of(
    first: str, second: str, questions: dict[str, Any], labels: dict[tuple[str, str], str]
) -> str | None:
    ids = {row["title"]: key for key, row in questions.items()}
    low, high = sorted((ids[first], ids[second]))
    return labels.get((low, high))


def test_holds_enough_questions_in_several_topics(questions: dict[str, dict[str, Any]]) -> None:
    topics = Counter(row["category"] for row in questions.values())

    assert len(questions) >= 450
    assert len(topics) >= 8
    assert min(topics.values()) >= 30


def test_ids_are_unique_strings(questions: dict[str, dict[str, Any]]) -> None:
    lines = (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()

    assert len(lines) == len(questions)
    assert all(isinstance(key, str) for key in questions)


def test_every_row_is_acceptable_input(questions: dict[str, dict[str, Any]]) -> None:
    for row in questions.values():
        asked_at = datetime.fromisoformat(row["asked_at"])
        assert set(row) <= {"id", "title", "body", "category", "author", "asked_at", "url"}
        assert 1 <= len(row["title"]) <= TITLE_LIMIT
        assert row["title"] == clean(row["title"])
        assert row["author"]
        assert datetime(2019, 1, 1, tzinfo=UTC) <= asked_at < datetime(2027, 1, 1, tzinfo=UTC)


def test_labels_are_ordered_and_refer_to_questions(
    questions: dict[str, dict[str, Any]], labels: dict[tuple[str, str], str]
) -> None:
    for first, second in labels:
        assert first < second
        assert {first, second} <= questions.keys()


def test_holds_enough_of_each_kind_of_pair(labels: dict[tuple[str, str], str]) -> None:
    kinds = Counter(labels.values())

    assert kinds["duplicate"] >= 90
    assert kinds["near_miss"] >= 60
    assert kinds["same_text"] >= 12
    assert set(kinds) == {"duplicate", "near_miss", "same_text"}


def test_exactly_the_twins_are_the_same_text(
    questions: dict[str, dict[str, Any]], labels: dict[tuple[str, str], str]
) -> None:
    twins = {pair for pair, label in labels.items() if label == "same_text"}
    by_digest: dict[bytes, list[str]] = {}
    for key, row in questions.items():
        by_digest.setdefault(text_digest(row["title"]), []).append(key)

    found = {tuple(sorted(keys)) for keys in by_digest.values() if len(keys) > 1}

    assert found == twins
    assert all(questions[a]["title"] != questions[b]["title"] for a, b in twins)


def test_duplicates_are_labelled_in_whole_groups(labels: dict[tuple[str, str], str]) -> None:
    partners: dict[str, set[str]] = {}
    for (first, second), label in labels.items():
        if label == "duplicate":
            partners.setdefault(first, {first}).add(second)
            partners.setdefault(second, {second}).add(first)

    assert all(partners[one] == group for group in partners.values() for one in group)
    assert max(map(len, partners.values())) >= 4


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [
        ("What do apples consist of?", "What are in Apple devices?", "near_miss"),
        ("How do I get good at programming?", "How to become a good programmer?", "duplicate"),
        ("How do I boil eggs?", "How do I poach eggs?", "near_miss"),
        (
            "Are there direct flights from Oslo to Rome?",
            "Are there direct flights from Rome to Oslo?",
            "near_miss",
        ),
    ],
)
def test_holds_the_pairs_that_the_documentation_names(
    first: str,
    second: str,
    label: str,
    questions: dict[str, dict[str, Any]],
    labels: dict[tuple[str, str], str],
) -> None:
    assert _label_of(first, second, questions, labels) == label
