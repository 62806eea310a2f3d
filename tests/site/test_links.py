"""The files of the built site: every link leads somewhere, and nothing is loaded from a network."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "manifest",
}  # the rel of a link that a browser loads


class Page(HTMLParser):
    """What a page loads, where its links lead, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        loads = [found[name] for name in ("src", "poster", "data") if name in found]
        loads += [part.split()[0] for part in found.get("srcset", "").split(",") if part.strip()]
        loads += re.findall(r"url\(['\"]?([^)'\"]+)", found.get("style", ""))
        if tag == "link" and LOADED & set(found.get("rel", "").split()):
            loads.append(found["href"])
        self.loads += loads
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


@cache
def parsed(path: Path) -> Page:
    return Page(path)


def pages(html: Path) -> list[Path]:
    return sorted(html.rglob("*.html"))


def test_no_page_loads_anything_from_a_network(html):
    loaded = [(page.name, address) for page in pages(html) for address in parsed(page).loads]
    for sheet in html.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        loaded += [(sheet.name, address) for address in re.findall(r"url\(['\"]?([^)'\"]+)", text)]
        loaded += [(sheet.name, address) for address in re.findall(r"@import ['\"]([^'\"]+)", text)]
    assert len(loaded) > 1000
    remote = {(name, address) for name, address in loaded if re.match(r"(https?:)?//", address)}
    assert not remote


def test_every_file_that_a_page_loads_exists(html):
    missing = set()
    for page in pages(html):
        for address in parsed(page).loads:
            parts = urlsplit(address)
            if parts.scheme != "data" and not (page.parent / unquote(parts.path)).is_file():
                missing.add((page.name, address))
    assert not missing


def test_every_link_on_the_site_leads_to_a_file_and_an_anchor(html):
    broken, seen = set(), 0
    for page in pages(html):
        for link in parsed(page).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            seen += 1
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchor = unquote(parts.fragment)
            if not target.is_file():
                broken.add((page.relative_to(html).as_posix(), link))
            elif anchor and target.suffix == ".html" and anchor not in parsed(target).anchors:
                broken.add((page.relative_to(html).as_posix(), link))
    assert seen > 1000
    assert not broken


def test_no_page_shows_markup_that_was_not_read(html):
    """A fence directly below a line of HTML is text, not a formula."""
    # Not the page of `intro-dl page`, which Sphinx did not write.
    written = [page for page in pages(html) if page != html / "page.html"]
    shown = [
        page.name for page in written if re.search(r"```\s*\{|:::\s*\{|\{%|\{\{ ", page.read_text("utf-8"))
    ]
    assert not shown
