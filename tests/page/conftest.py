"""The page of `intro-dl page`, opened in Chromium from the disk."""

import hashlib
import json

import pytest

from intro_dl.page.write import shipped, to_page
from tests.browser import watch


def pytest_collection_modifyitems(items):
    for item in items:
        if "page_with" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def page_of(entries) -> str:
    """Return the page of entries; without entries, of the models that ship with the package."""
    return to_page(shipped() if entries is None else entries, "intro-dl page")


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Return a function that writes a page of entries, once for the same entries, and returns its file."""
    folder = tmp_path_factory.mktemp("page")

    def write(entries=None):
        name = hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:12]
        file = folder / f"{name}.html"
        if not file.exists():
            file.write_text(page_of(entries), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="module")
def page_with(chromium, written):
    """Return a function that opens the page: of the shipped models, or of the entries given.

    `page_with(address="#draw", color_scheme="dark")`; further options are those of a browser context.
    `tab.reopen(address)` starts the page again, as a reader does who pastes an address. The pages of a test
    file are closed after its last test, which fails if a page had an error or asked for anything but itself.
    """
    contexts, watched = [], []

    def open_page(entries=None, address="", **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        tab = context.new_page()
        watched.append(watch(tab))
        file = written(entries).as_uri()

        def reopen(address):
            tab.goto("about:blank")
            tab.goto(file + address, wait_until="load")

        tab.reopen = reopen
        tab.goto(file + address, wait_until="load")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    for requests, errors in watched:
        assert errors == []
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
