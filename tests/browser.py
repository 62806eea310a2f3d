"""Chromium and axe-core for the tests of the site and of the page; tests/conftest.py loads this plugin."""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason='pip install -e ".[docs]"')
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    assert program, "Chromium is missing: apt-get install chromium"
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        # The sandbox needs a user that is not root; the pages are our own.
        browser = started.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """Return the script of axe-core, from the registry of npm."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        subprocess.run(
            ["npm", "pack", "axe-core@4"], cwd=folder, check=True, capture_output=True, timeout=120
        )
    except FileNotFoundError:
        pytest.fail("npm is missing, and axe-core comes from it: apt-get install npm")
    (archive,) = folder.glob("*.tgz")
    subprocess.run(["tar", "xzf", archive.name], cwd=folder, check=True)
    return folder / "package" / "axe.min.js"


def serious_findings(tab, axe, rules=()) -> list[str]:
    """Return what axe-core finds serious or critical in a page; by all its rules, or by some."""
    if not tab.evaluate("typeof axe === 'object'"):
        tab.evaluate(axe.read_text(encoding="utf-8"))  # the page itself allows no further script
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = tab.evaluate("(options) => axe.run(options)", options)["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:5]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def watch(tab) -> tuple[list[str], list[str]]:
    """Return the lists that fill with the addresses that a page asks for, and with its errors."""
    requests, errors = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("requestfailed", lambda request: errors.append(f"cannot load {request.url}"))
    return requests, errors
