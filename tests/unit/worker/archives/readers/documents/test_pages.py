"""Pages of Markdown: what their front matter and their names say."""

import io
from typing import Any

from worker.archives.readers.documents import pages


def page(text: str, name: str) -> Any:
    return pages.row(io.BytesIO(text.encode()), name).values


def test_the_name_of_a_file_is_its_title_without_what_notion_puts_behind() -> None:
    name = f"FAQ/Is it free? {'0a1b2c3d' * 4}.md"

    found = page("Yes.\n", name)

    assert pages.is_page("Yes.\n", name)
    assert (found["page_title"], found["asks"], found["page_body"]) == (
        "Is it free?",
        "yes",
        "Yes.\n",
    )


def test_a_broken_front_matter_is_no_front_matter() -> None:
    text = "+++\ntitle = Why?\n+++\nText\n"

    assert not pages.is_page(text, "a.md")
    assert page(text, "a.md")["asks"] == "no"


def test_a_list_of_questions_without_front_matter_is_no_page() -> None:
    assert not pages.is_page("## How?\n\nSo.\n", "faq.md")
    assert not pages.is_page("---\ntitle: Why?\n---\n", "faq.txt")


def test_each_way_to_hide_a_page_hides_it() -> None:
    said = ["draft: true", "published: false", "private: yes", "status: draft", "hidden: true"]

    reasons = {page(f"---\ntitle: Why?\n{one}\n---\n", "a.md")["hidden_by"] for one in said}

    assert "" not in reasons
    assert page("---\ntitle: Why?\ndraft: false\ntype: docs\n---\n", "a.md")["hidden_by"] == ""
