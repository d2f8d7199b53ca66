"""A real Chromium against a real server, for the tests of the console and its screenshots."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 60_000
"""Milliseconds to wait for a page on a busy machine."""


def _is_ci() -> bool:
    return bool(os.environ.get("CI"))  # noqa: TID251  # only tests run here


def find_chromium(*, required: bool) -> str:
    """Return the path of a Chromium, which is installed if that is possible.

    If there is none and it cannot be installed, skips the test with the reason, or fails if
    *required*.
    """
    found = _which()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
        found = _which()
    if found is None:
        reason = "no Chromium here, and only root can install one: apt-get install chromium"
        if required:
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _which() -> str | None:
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextmanager
def chromium(*, required: bool | None = None) -> Iterator[Browser]:
    """Run a browser for the block. In CI it is *required* by default."""
    path = find_chromium(required=_is_ci() if required is None else required)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/console/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password or personal key").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/review*")


def settle(page: Page) -> None:
    """Wait until the page is drawn after all styles and scripts have run."""
    page.evaluate(
        "() => document.fonts.ready.then(() => new Promise((done) =>"
        " requestAnimationFrame(() => requestAnimationFrame(done))))"
    )


def shoot(page: Page, path: Path, *, width: int, height: int, scheme: str) -> None:
    """Save a picture of the page at this size in this colour scheme."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    settle(page)
    page.screenshot(path=path)
