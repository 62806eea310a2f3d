"""The built site, and Chromium to open it in."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT

HTML = ROOT / "docs" / "_build" / "html"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("site")


@pytest.fixture(scope="session")
def html() -> Path:
    assert (HTML / "index.html").is_file(), "The site is not built: python docs/build.py"
    return HTML


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason='pip install -e ".[docs]"')
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    assert program, "Chromium is missing: apt-get install chromium"
    with playwright.sync_playwright() as started:
        # The sandbox needs a user that is not root; the pages are our own.
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
