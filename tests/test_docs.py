"""The documents name tests, files and links that exist, and the README stays short."""

import re
import runpy

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page):
    named = re.findall(r"`(test_\w+)(\.\.\.)?`", page.read_text(encoding="utf-8"))
    missing = [name for name, more in named if f"def {name}" + ("" if more else "(") not in TESTS]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [
        ROOT / path for path in re.findall(r"`((?:intro_dl|tests|configs|scripts|docs)/[\w/]+\.\w+)`", text)
    ]
    missing = [str(path) for path in (*linked, *named) if not path.exists() and "my_net" not in path.name]
    assert not missing


def test_the_first_run_of_the_readme_is_written_where_it_stands():
    before = runpy.run_path(str(ROOT / "docs" / "make_first_run.py"))["BEFORE"]
    assert (ROOT / "README.md").read_text(encoding="utf-8").count(before) == 1


def test_the_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
