"""An erratum goes back to the authors with its proof."""

import pytest

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Check, Claim, Outcome
from intro_dl.lectures.engine.errata import to_errata
from tests.lectures.test_claims import CLAIMS, result_of

ERRATA = [each for each in CLAIMS.values() if each.kind == "erratum"]


@pytest.mark.parametrize("lecture", LECTURES)
def test_a_deck_has_each_of_its_errata_with_two_lines_of_proof(lecture):
    shown = [each for each in ERRATA if lecture in each.lectures]
    page = to_errata([result_of(each.id) for each in shown], lecture)
    assert page.startswith(f"# Errata of {lecture}: ") and page.count("\n# ") == 0
    sections = page.split("\n## ")[1:]
    assert len(sections) == len(shown) > 0
    for claim, section in zip(shown, sections, strict=True):
        assert section.startswith(claim.slide) and f"`intro-dl lectures id={claim.id}`" in section
        blocks = [block.partition("\n```")[0] for block in section.split("```text\n")[1:]]
        assert blocks == [claim.says.replace("`", ""), claim.right.replace("`", "")]
        proof = [line for line in section.splitlines() if line.startswith("- ")]
        assert len(proof) == 2 and "≠" in proof[0] + proof[1] or "differ by" in proof[0], proof


def test_all_decks_make_one_page_each():
    results = [result_of(id) for id in ("E1", "E2")]
    page = to_errata(results, None)
    assert [line[12:15] for line in page.splitlines() if line.startswith("# ")] == [
        "000",
        "001",
        "002",
        "003",
    ]


def test_an_erratum_that_fails_proves_nothing():
    wrong = Outcome([Check("slide, right", 1, 1, differ=True), Check("right", 1, 1)])
    claim = Claim("E1", ("000",), "A slide", "1", "erratum", lambda: wrong, right="2")
    page = to_errata([claim.run()], "000")
    assert "**Not proven here:** a check does not hold" in page and "≠" not in page
