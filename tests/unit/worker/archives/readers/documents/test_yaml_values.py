"""Values of YAML as texts, lists and objects, and nothing else."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.documents.yaml_values import BrokenError, Values

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)
DOCUMENTS = st.recursive(
    st.none() | TEXTS | st.sampled_from(["null", "~", "0123", "yes", "1.0", "2024-05-01", "<<x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS, st.sampled_from([None, True, False]), st.booleans())
def test_what_was_written_comes_back(document: Any, flow: bool | None, uni: bool) -> None:
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=uni)

    assert Values().read(text) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("id: 0123", {"id": "0123"}),
        ("on: yes", {"on": "yes"}),
        ("at: 2024-05-01", {"at": "2024-05-01"}),
        ("a: ~\nb: 'null'\nc:", {"a": None, "b": "null", "c": None}),
        ("a: !!python/object/apply:os.system ['x']", {"a": ["x"]}),
        ("a: !!int '7'", {"a": "7"}),
        ("? [1, 2]\n: x", {"['1', '2']": "x"}),
        ("? \n: x", {"": "x"}),
        ("a: &n {b: c}\nd: *n", {"a": {"b": "c"}, "d": {"b": "c"}}),
        (
            "a: &n {b: c, e: f}\nd:\n  <<: *n\n  b: own",
            {"a": {"b": "c", "e": "f"}, "d": {"b": "own", "e": "f"}},
        ),
        ("a: 1\na: 2", {"a": "2"}),
        ("", None),
        ("# nothing", None),
        ("--- x\n--- y", "x"),
        ("a\x07b", "ab"),
    ],
)
def test_every_scalar_stays_a_text(text: str, value: object) -> None:
    assert Values().read(text) == value


def test_the_first_of_several_merged_objects_wins() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], own: 3}"

    assert Values().read(text)["c"] == {"x": "1", "y": "1", "z": "2", "own": "3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [b", "it is not valid YAML"),
        ("a: b: c", "it is not valid YAML: mapping values are not allowed"),
        ("\ta: b", "it is not valid YAML"),
        ("a: *nobody", r"it repeats \*nobody, which is not there"),
        ("[" * 50 + "]" * 50, "nested too deeply"),
        ("a: \udc80", "is --encoding right"),
        ("&a [*a]", r"it repeats \*a, which is not there"),
    ],
)
def test_what_has_no_value_says_why(text: str, said: str) -> None:
    with pytest.raises(BrokenError, match=said):
        Values().read(text)


def test_names_hold_until_another_document_begins() -> None:
    values = Values()
    values.read("a: &n [1]")

    again = values.read("b: *n")
    values.forget()

    assert again == {"b": ["1"]}
    with pytest.raises(BrokenError, match="not there"):
        values.read("b: *n")


def test_aliases_that_double_at_each_level_are_refused() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}x]" for n in range(1, 30))

    with pytest.raises(BrokenError, match=r"too long|far more|longer than"):
        Values().read(f"a0: &a0 {'x' * 1_000}\n{levels}")


@given(st.text(max_size=60) | st.text("-:[]{}&*!|>'\"%@`#? \na", max_size=40))
def test_any_text_has_a_value_or_says_why_not(text: str) -> None:
    try:
        value = Values().read(text)
    except BrokenError as error:
        assert str(error)  # noqa: PT017  # both ends are right
        return

    assert value is None or isinstance(value, (str, list, dict))
