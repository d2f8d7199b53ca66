"""Documents of editors."""

import json

import pytest

from worker.archives.readers.values.rich import rich_text

DOCUMENTS: dict[str, object] = {
    "ProseMirror": {"type": "doc", "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "a "}, {"type": "text", "text": "b"}]}]},
    "Quill": {"ops": [{"insert": "a "}, {"insert": "b\n"}, {"insert": {"image": "x"}}]},
    "Draft.js": {"blocks": [{"text": "a b", "type": "unstyled"}], "entityMap": {}},
    "Slate": [{"type": "paragraph", "children": [{"text": "a "}, {"text": "b"}]}],
    "Lexical": {"root": {"children": [{"type": "paragraph", "children": [{"text": "a b"}]}]}},
    "Editor.js": {"time": 1, "blocks": [{"type": "paragraph", "data": {"text": "a b"}}]},
}  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_text_of_a_document_is_read_as_an_object_and_as_json(document: object) -> None:
    assert rich_text(document) == "a b"
    assert rich_text(json.dumps(document)) == "a b"


@pytest.mark.parametrize(
    "other", ["a b", "[1] see below", "{x}", ["a"], {"html": "<p>a</p>"}, None]
)
def test_another_value_is_none(other: object) -> None:
    assert rich_text(other) is None


def test_a_document_that_is_nested_without_end_is_cut() -> None:
    inner: dict[str, object] = {"text": "deep"}
    for _ in range(400):
        inner = {"children": [inner]}

    assert rich_text({"root": inner}) == ""
