"""The pages in Chromium, from the disk: silent, offline, readable by everyone and on a phone."""

import pytest

from tests.browser import serious_findings, watch

# One page of each kind.
KINDS = {
    "home": "index.html",
    "lecture": "lectures/lecture_004.html",
    "lectures": "lectures.html",
    "gallery": "figures/index.html",
    "figure": "figures/lecture_000/g05_gradient_descent.html",
    "options": "reference/options/model.html",
    "commands": "reference/commands.html",
    "api": "reference/api/scratch.html",
    "tables": "project/results.html",
    "text": "RELIABILITY.html",
    "systems": "SYSTEMS.html",
    "tutorial": "tutorial/index.html",
    "howto": "howto/index.html",
    "notebooks": "notebooks/index.html",
}
pages = pytest.mark.parametrize("page", KINDS.values(), ids=KINDS.keys())


@pytest.fixture
def tab(chromium):
    tab = chromium.new_page(viewport={"width": 1280, "height": 800})
    yield tab
    tab.close()


@pages
def test_a_page_asks_for_nothing_off_the_disk_and_has_no_error(html, tab, page):
    requests, errors = watch(tab)
    tab.goto((html / page).as_uri(), wait_until="load")
    assert len(requests) > 3
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert errors == []


def test_formulas_are_typeset_from_the_disk(html, tab):
    tab.goto((html / KINDS["lecture"]).as_uri(), wait_until="load")
    assert tab.locator(".katex-html").count() > 0
    assert tab.locator(".katex-error").count() == 0
    assert tab.evaluate("document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pages
def test_axe_finds_nothing_serious(html, tab, axe, page, theme):
    tab.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    tab.goto((html / page).as_uri(), wait_until="load")
    assert tab.evaluate("document.body.dataset.theme") == theme
    assert serious_findings(tab, axe) == []


@pages
def test_a_page_fits_on_a_phone(html, tab, page):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto((html / page).as_uri(), wait_until="load")
    wide = tab.evaluate(
        """[...document.querySelectorAll("article *")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
        .map(each => each.tagName + " " + each.className + " " + each.textContent.trim().slice(0, 40))"""
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360, wide[:5]
