"""`python scripts/lectures.py`: what it prints, writes, and answers to typing mistakes."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine import claims, command, page
from intro_dl.lectures.engine.claims import Check, Claim, MissingResult, Outcome
from intro_dl.lectures.engine.command import main, parse
from intro_dl.lectures.engine.report import show, show_check
from intro_dl.runs.program import run_script
from tests.conftest import ROOT


def waits():
    raise MissingResult("results/mnist_softmax.json")


def breaks():
    raise RuntimeError("the layer is missing")


HOLDS = Outcome([Check("x_1 plus x_2", 3.0, 3.0)], ["1 + 2 = 3"])
DIFFER = Outcome([Check("slide, right", 2.0, 3.0, differ=True), Check("right", 3, 3)])
SMALL = (
    Claim("N1", ("000", "003"), "A slide", "x < y & [2]: W_hh^T h_{t-1} | `a_b`", "holds", lambda: HOLDS),
    Claim("E1", ("000",), "A slide", "[2]", "erratum", lambda: DIFFER, right="3 < 4"),
    Claim("N28", ("002",), "A slide", "A brain", "cited", lambda: Outcome([], ["Nothing to run."])),
    Claim("H1", ("001",), "A slide", "92%", "measured", waits),
)
FAILING = Claim("N2", ("004",), "A slide", "1 + 1 = 3", "holds", lambda: Outcome([Check("1 + 1", 2, 3)]))
BROKEN = Claim("N3", ("004",), "A slide", "A layer", "holds", breaks)


@pytest.fixture
def small(monkeypatch):
    """Use four claims instead of all, and empty pictures of their figures: to draw those takes seconds."""
    monkeypatch.setattr(command, "png", lambda script, width: b"")

    def use(*more):
        monkeypatch.setattr(claims, "all_claims", lambda: SMALL + more)

    use()
    return use


# What it prints --------------------------------------------------------------------------------------------


def test_the_last_line_counts_the_verdicts(small, capsys):
    assert main([]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "4 claims: 1 hold, 1 errata, 0 measured, 0 not reproduced, 1 cited, 0 fail, 1 waiting"


def test_every_lecture_has_its_table(small, capsys):
    main([])
    out = capsys.readouterr().out
    for lecture in ("000", "001", "002"):
        assert f"{lecture}  {LECTURES[lecture]}" in out
    assert "waiting for results/mnist_softmax.json" in out
    assert "Nothing to run." in out


@pytest.mark.parametrize("wrong", [FAILING, BROKEN], ids=["wrong", "broken"])
def test_a_failing_claim_is_the_exit_code(wrong, small, capsys):
    small(wrong)
    assert main([]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith(
        "5 claims: 1 hold, 1 errata, 0 measured, 0 not reproduced, 1 cited, 1 fail"
    )
    assert ("1 + 1: 2, expected 3" if wrong is FAILING else "RuntimeError: the layer is missing") in out


def test_a_lecture_shows_the_claims_that_it_repeats(small, capsys):
    main(["lecture=003"])
    out = capsys.readouterr().out
    assert f"003  {LECTURES['003']}" in out
    assert out.splitlines()[-1] == "1 claim: 1 hold, 0 errata, 0 measured, 0 not reproduced, 0 cited, 0 fail"


def test_an_id_shows_its_working(capsys):
    assert main(["id=n20"]) == 0
    out = capsys.readouterr().out
    working = out[out.index("│   dz/dw5") :]
    order = [working.index(f"dz/d{name} =") for name in ("w5", "w3", "w4", "w2", "w1")]
    assert order == sorted(order)
    assert "2.583853" in working
    assert out.splitlines()[-1] == "1 claim: 1 hold, 0 errata, 0 measured, 0 not reproduced, 0 cited, 0 fail"


def test_two_ids_show_both(small, capsys):
    main(["id=N1,E1"])
    out = capsys.readouterr().out
    assert "1 + 2 = 3" in out and "2 ≠ 3" in out
    assert out.splitlines()[-1].startswith("2 claims")


def test_brackets_on_a_slide_are_no_markup(small, capsys):
    main([])
    assert "[2]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "Right: 3 < 4"),
        (["id=E1"], "Right: 3 < 4"),
        (["format=json"], '"right": "3 < 4"'),
        (["format=markdown"], r"\[2\]<br>**Right:** 3 \< 4 |"),
    ],
)
def test_every_format_shows_the_right_version_of_an_erratum(arguments, shown, small, capsys):
    main(arguments)
    assert shown in capsys.readouterr().out


# What it writes --------------------------------------------------------------------------------------------


def test_json_holds_what_was_computed(small, capsys):
    small(FAILING)
    assert main(["format=json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [each["verdict"] for each in report["claims"]] == ["holds", "erratum", "cited", "waiting", "fails"]
    assert report["claims"][1]["checks"][0]["measured"] == 2.0
    assert report["claims"][3]["waiting"] == "results/mnist_softmax.json"


def test_json_has_no_nan(small, capsys):
    odd = Outcome([Check("", torch.tensor([float("nan"), 1.0]), float("inf"))])
    small(Claim("N2", ("004",), "", "", "holds", lambda: odd))
    main(["format=json"])

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(capsys.readouterr().out, parse_constant=refuse)


def test_markdown_escapes_what_would_break_its_table(small, capsys):
    main(["format=markdown"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| N1 ")]
    assert len(re.split(r"(?<!\\)\|", row)) == 8  # six cells
    assert r"W\_hh^T" in row and "`a_b`" in row and r"x \< y" in row


def test_out_takes_every_format_and_makes_its_folder(small, tmp_path, capsys):
    for name in ("table", "markdown", "json", "html"):
        target = tmp_path / "new" / f"report.{name}"
        assert main([f"format={name}", f"out={target}"]) == 0
        assert "A slide" in target.read_text(encoding="utf-8")
        assert f"Wrote {target}" in capsys.readouterr().out


class Tags(HTMLParser):
    """Which tags are open, what ids there are, and what the page would load."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.loads = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in ("meta", "input", "br", "img"):
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        links = [attributes.get(key, "#") for key in ("src", "href")]
        self.loads += [link for link in links if not link.startswith(("#", "data:"))]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(small, tmp_path, monkeypatch):
    small(FAILING, BROKEN)
    monkeypatch.chdir(tmp_path)
    assert main(["format=html"]) == 1
    text = (tmp_path / "outputs" / "lectures.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and tags.loads == []
    assert {"N1", "E1", "N28", "H1", "N2", "N3", "lecture000"} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert '[2]<span class="right"><b>Right:</b> 3 &lt; 4</span></td>' in text


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("W_hh^T h_{t-1}", "W<sub>hh</sub><sup>T</sup> h<sub>t-1</sub>"),
        ("theta <- theta - eta dJ/dtheta", "θ ← θ − η dJ/dθ"),
        ("1/n sum_i x_i^2", "1/n Σ<sub>i</sub> x<sub>i</sub><sup>2</sup>"),
        ("e^{-w^T x}", "e<sup>-w<sup>T</sup> x</sup>"),
        ("y^ = c~_t, y^* = 1", "y\u0302 = c\u0303<sub>t</sub>, y<sup>*</sup> = 1"),
        ("`x_1 - theta` batch_size sigma=0.1", "<code>x_1 - theta</code> batch_size sigma=0.1"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("1e-12, not -6", "1e-12, not −6"),
        ("-sum_i p_i^y_i", "−Σ<sub>i</sub> p<sub>i</sub><sup>y<sub>i</sub></sup>"),
    ],
)
def test_formulas_are_set(plain, html):
    assert page.typeset(plain) == html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (34_000_000, "34,000,000"),
        (2.583853, "2.5839"),
        (-0.0, "0"),
        (3e-17, "0"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ((1, 28, 28), "[1, 28, 28]"),
        (torch.tensor([[1.0, 0.5]]), "[[1, 0.5]]"),
        (torch.arange(60_000), "[0, 1, 2, … 60,000 in all]"),
        ("SGD", "SGD"),
    ],
)
def test_values_are_short_and_the_same_everywhere(value, text):
    assert show(value) == text


def test_large_tensors_are_compared_in_words():
    zeros = torch.zeros(100)
    assert show_check(Check("h", zeros, zeros, 1e-12)) == "h: 100 numbers agree within 1e-12"
    assert show_check(Check("h", zeros + 1, zeros, 0.5)) == "h: 100 numbers differ by up to 1, allowed: 0.5"
    assert show_check(Check("h", zeros + 1, zeros, 0.5, differ=True)) == "h: 100 numbers differ by up to 1"


# What it answers to mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["lectre=004"],
            "lectre. Did you mean lecture? Available: format, id, lecture, out, wait.",
        ),
        (["lecture=4"], "lecture=4. Did you mean 004? Available: 000, 001, 002, 003, 004."),
        (["id=N99"], "Unknown id=N99. Did you mean N9? docs/LECTURES.md lists all ids."),
        (["id=X99"], "Unknown id=X99. docs/LECTURES.md lists all ids."),
        (["id=N1,X"], "Invalid id=N1,X: choose an id such as N18, or several with commas"),
        (
            ["format=htm"],
            "format=htm. Did you mean html? Available: demo, errata, html, json, markdown, table.",
        ),
        (["N18"], "Cannot read the argument 'N18': write key=value, e.g. lecture=004 or id=N18."),
        (["id="], "id= "),
        (["id=,"], "Invalid id=,: choose an id such as N18, or several with commas"),
        (["id=N1", "id=N2"], "id= is given twice: keep one."),
        (["out=."], "out=. is a directory: name a file in it"),
        (["id=N20", "lecture=000"], "N20 is not in lecture=000."),
        (["format=demo"], "format=demo shows one lecture: add lecture=, one of 000, 001, 002, 003, 004."),
        (["format=demo", "lecture=4"], "lecture=4. Did you mean 004?"),
        (
            ["format=demo", "lecture=004"],
            "the input is not a terminal. To run all steps without waiting, add",
        ),
        (["format=demo", "lecture=004", "out=x.txt"], "format=demo writes no file: leave out out=."),
        (["lecture=004", "wait=false"], "wait=false is an option of format=demo: leave it out."),
        (["format=errata", "id=N18"], "N18 is not an erratum."),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_1(arguments, says, capsys):
    assert run_script("", main, arguments) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("Error: ") and says in printed.err and printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_file_that_cannot_be_written_is_said_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run_script("", main, ["format=json", f"out={tmp_path / 'file' / 'report.json'}"]) == 1
    assert "Error: Cannot write out=" in capsys.readouterr().err


def test_arguments_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = {"lecture": "004", "id": ["N18", "E5"], "format": "html", "out": Path("outputs/lectures.html")}
    wanted["wait"] = "true"
    assert parse(["lecture=004", "id=n18,e5", "format=html"]) == wanted
    assert parse([]) == {"lecture": None, "id": [], "format": "table", "out": None, "wait": "true"}


def test_a_mistake_is_answered_before_torch_is_loaded():
    code = (
        "import sys; from intro_dl.lectures.engine.command import main; "
        "from intro_dl.runs.program import run_script; "
        "assert run_script('', main, ['lecture=4']) == 1; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_the_script_explains_itself():
    script = ROOT / "scripts" / "lectures.py"
    answer = subprocess.run(
        [sys.executable, script, "--help"], check=True, capture_output=True, encoding="utf-8"
    )
    assert "lecture=004" in answer.stdout and "Exit code" in answer.stdout


def test_a_claim_names_its_figures_and_the_page_shows_them(tmp_path, capsys):
    assert main(["id=F11"]) == 0
    assert "intro-dl figures id=G11" in capsys.readouterr().out
    assert main(["id=P4", "format=html", f"out={tmp_path / 'page.html'}"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.index('id="P4"') < page.index('<figure id="G21">')
    assert 'src="data:image/png;base64,' in page
