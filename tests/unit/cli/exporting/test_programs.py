"""Redirects for other programs: harmless until they are applied, whatever stands in an address."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.exporting.programs import discourse_script, is_number, phpbb_sql
from db.errors import InvalidInputError
from db.groups.redirects import Redirect


def redirect(old: str = "12", new: str = "3", url: str | None = None) -> Redirect:
    return Redirect(
        question_id=1,
        id=old,
        canonical_id=new,
        url=None,
        canonical_url=url,
        title="'); DROP TABLE phpbb_topics; --",
        canonical_title='"""',
        score=0.9,
        decided_by="ana",
        group_id=1,
    )


@pytest.mark.parametrize("old", ["1", "9999999999"])
def test_numbers_are_ids_of_topics(old: str) -> None:
    assert is_number(redirect(old, "2"))


@pytest.mark.parametrize(
    "other", ["0", "01", "q-2", "1 OR 1=1", "1\n", "\u0661", "", "12345678901"]
)
def test_other_texts_are_no_ids_of_topics(other: str) -> None:
    assert not is_number(redirect(other, "2"))
    assert not is_number(redirect("2", other))


@pytest.mark.parametrize(("apply", "end"), [(False, "ROLLBACK"), (True, "COMMIT")])
def test_nothing_is_changed_until_it_is_applied(apply: bool, end: str) -> None:
    sql = "".join(phpbb_sql([redirect(), redirect("13")], prefix="forum_", apply=apply))

    assert sql.rstrip().splitlines()[-1].startswith(end)
    assert ("COMMIT" in sql) == apply
    assert "VALUES (12, 3)" in sql
    assert "UPDATE forum_topics SET topic_status = 1 WHERE topic_id = 13" in sql
    assert "DROP" not in sql


@pytest.mark.parametrize("prefix", ["a b", "x;", "`", "a-b", "x" * 41, "a.b"])
def test_a_prefix_cannot_be_sql(prefix: str) -> None:
    with pytest.raises(InvalidInputError):
        list(phpbb_sql([], prefix=prefix, apply=False))


URLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(URLS, max_size=5))
def test_the_script_holds_every_address_as_it_is(urls: list[str | None]) -> None:
    script = "".join(discourse_script(redirect(str(n), "9", url) for n, url in enumerate(urls, 1)))

    names: dict[str, object] = {}
    code = script.split("DONE =")[0]
    exec(compile(code, "script", "exec"), names)  # noqa: S102  # our own script
    rows = names["ROWS"]
    assert isinstance(rows, list)
    assert [row["canonical_url"] for row in rows] == urls
    assert [row["id"] for row in rows] == [str(n) for n in range(1, len(urls) + 1)]


def test_the_script_says_what_it_would_do_and_calls_nobody(tmp_path: Path) -> None:
    path = tmp_path / "close.py"
    rows = [redirect(url="https://f.example/t/3"), redirect("7")]
    path.write_text("".join(discourse_script(rows)))
    (tmp_path / "askedbefore-done.txt").write_text("7\n")

    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "topic 12: post and close, This question was asked before: https://f.example/t/3",
        "Nothing was changed: run it with --apply.",
    ]
