"""The built site."""

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
