"""A run folder of a stranger may hold any text: in the page it stays text."""

import json
import shutil

import pytest
import torch
import yaml

from intro_dl.inference.load import load_run
from intro_dl.page.content import entry_of
from intro_dl.page.write import scripts, shipped, to_page
from intro_dl.runs.files import shown_path
from tests.page.test_command import Parts

ATTACK = "<script>window.attacked = true</script>"
IMAGE = "<img src=x onerror=window.attacked=true>"
END = "</script><!--<script>"
LINES = "\u2028\u2029</script>\x00"
POINTS = ("trainer=smoke", "model=softmax", "data=moons")
IMAGES = ("trainer=smoke", "model=softmax", "data=digits")
TEXT = ("trainer=smoke", "model=char_rnn", "data=pydoc", "model.hidden_size=6", "data.batch_size=64")
CLASSES = [ATTACK, IMAGE, END, "'\"><svg onload=window.attacked=true>", "&lt;b&gt;", *"56789"]


@pytest.fixture
def hostile(trained_run, tmp_path):
    """Return a copy of a run in a hostile folder, with a changed description of its data."""

    def make(words, **changes):
        # A slash in a name is not possible, but the path has one: .../<, then script>...
        folder = tmp_path / "<" / f"script>{IMAGE}" / f"{words[2]}<!--"
        shutil.copytree(trained_run(*words), folder)
        file = folder / "checkpoints" / "best.ckpt"
        checkpoint = torch.load(file, weights_only=True)
        checkpoint["metadata"] |= changes
        torch.save(checkpoint, file)
        overrides = ["model=softmax", f"data.root={ATTACK}", f"+x={LINES}", f"seed='{END}'"]
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(overrides), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def entries(hostile):
    """Return the entries of three hostile runs: on images, on points and on words."""
    words = [f"{number} {text}" for number in range(26) for text in (ATTACK, IMAGE, END, LINES)][:103]
    folders = [
        hostile(IMAGES, classes=CLASSES, data=f"Digits {ATTACK}"),
        hostile(POINTS, classes=CLASSES[:2], features=CLASSES[2:4], data=f"Moons {IMAGE}"),
        hostile(TEXT, alphabet=words, data=f"Pydoc {END}"),
    ]
    found = [entry_of(load_run(folder), shown_path(folder))[0] for folder in folders]
    found[0]["examples"] = shipped()[0]["examples"]  # those of the run have other classes, and are left out
    return found


def test_the_texts_of_a_stranger_stay_data(entries):
    page = to_page(entries, f"intro-dl page {ATTACK}")
    parts = Parts(page)
    found = json.loads(parts.scripts[0])
    assert found["runs"] == json.loads(json.dumps(entries)) and found["command"].endswith(ATTACK)
    assert found["runs"][0]["classes"] == CLASSES and LINES in found["runs"][2]["alphabet"][3]
    assert found["runs"][0]["command"].endswith(f"'data.root={ATTACK}' 'seed='\"'\"'{END}'\"'\"''")
    assert "</script>" in found["runs"][0]["run"]
    assert parts.tags == Parts(to_page([], "intro-dl page")).tags
    assert parts.tags.count("script") == 1 + len(scripts()) and "img" not in parts.tags


def test_the_page_of_a_stranger_runs_only_our_scripts_and_shows_the_texts(page_with, entries):
    tab = page_with(entries)
    tab.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    assert f"Digits {ATTACK}" in tab.locator("body").inner_text()
    seen = ""
    for button in tab.get_by_role("tab").all():
        button.click()
        seen += tab.locator("main").inner_text()
        assert tab.evaluate("window.attacked") is None
        assert tab.locator("img, main script, svg[onload]").count() == 0
    assert [text for text in (f"'data.root={ATTACK}'", *CLASSES) if text not in seen] == []


@pytest.mark.browser
def test_the_browser_runs_no_script_that_the_command_did_not_write(chromium, written):
    tab = chromium.new_page()
    tab.goto(written().as_uri())
    tab.evaluate(
        "const late = document.createElement('script'); late.textContent = 'window.attacked = true';"
        "addEventListener('securitypolicyviolation', (event) => (window.refused = event.violatedDirective));"
        "document.body.append(late)"
    )
    tab.wait_for_function("() => window.refused")
    assert tab.evaluate("window.attacked") is None and tab.evaluate("window.refused") == "script-src-elem"
    tab.close()
