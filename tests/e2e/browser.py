"""A real Chromium that looks at a server's web interface, and what no page may do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flowmaker.web.app import BUNDLE
from tests.house import House, flowmaker


def chromium() -> str:
    """Skips, with the reason, where there is none."""
    pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the web interface was not built: make setup, where npm can fetch packages")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs what containers do not give.
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@contextmanager
def signed_in(
    running: Any, server: House, theme: str = "light", *, excused: str = ""
) -> Iterator[Any]:
    """A page of the owner; at the end it must not have printed an error.

    `excused` is in what it may print: what the browser itself says of a connection that is gone.
    """
    link = flowmaker("open", "--print", "--data", str(server.data)).stdout.strip()
    context = running.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type in _WRONG else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(link)
    try:
        yield page
        assert not [one for one in said if not excused or excused not in one]
    finally:
        context.close()


_WRONG = ("error", "warning")
