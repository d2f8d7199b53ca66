"""The sample forum: questions written for this project, and labels of their pairs."""

import csv
import json
from importlib.resources import files
from typing import Any

FORUM = "sample"


def load_questions() -> list[dict[str, Any]]:
    """Return the sample questions as the API takes them."""
    text = (files("cli.sample") / "questions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def labels() -> dict[frozenset[str], str]:
    """Return the labelled pairs: ``duplicate``, ``same_text`` or ``near_miss``."""
    text = (files("cli.sample") / "labels.csv").read_text(encoding="utf-8")
    return {
        frozenset((row["id1"], row["id2"])): row["label"]
        for row in csv.DictReader(text.splitlines())
    }
