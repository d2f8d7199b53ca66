"""Pages: everything escaped, nothing inline, and addresses that change with what they lead to."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jinja2 import UndefinedError

from api.console.rendering import render
from api.console.rendering.render import POLICY, STATIC_URL, html, mount_static, page

TEMPLATES = sorted((Path(render.__file__).parents[1] / "templates").glob("*.html"))
SIGN_IN = {"next": "/console", "error": "", "name": ""}


def test_a_text_is_never_markup() -> None:
    shown = html("sign_in.html", **SIGN_IN | {"name": '"><script>alert(1)</script>'})

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_a_value_that_was_forgotten_is_an_error_and_no_empty_place() -> None:
    with pytest.raises(UndefinedError):
        html("sign_in.html")


def test_a_page_is_not_kept_and_loads_nothing_from_elsewhere() -> None:
    answer = page("sign_in.html", status=401, headers={"Retry-After": "7"}, **SIGN_IN)

    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_has_what_the_policy_forbids(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert not re.search(r"\son[a-z]+\s*=", text)
    assert not re.search(r"\sstyle\s*=", text)
    assert "javascript:" not in text
    assert not re.search(r"<(script|style)(?![^>]*\bsrc=)[^>]*>", text)
    assert "|safe" not in text.replace(" ", "")


def test_what_the_pages_load_may_be_kept_for_ever() -> None:
    app = FastAPI()
    mount_static(app)
    client = TestClient(app)

    script, gone = client.get(f"{STATIC_URL}/review.js"), client.get(f"{STATIC_URL}/x.js")

    assert script.status_code == 200
    assert "immutable" in script.headers["cache-control"]
    assert gone.status_code == 404
    assert client.get(f"{STATIC_URL}/../templates/base.html").status_code == 404


def test_every_script_that_is_imported_is_there() -> None:
    static = Path(render.__file__).parents[1] / "static"
    for script in static.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', script.read_text(encoding="utf-8")):
            assert (static / name).exists(), f"{script.name} imports {name}"
