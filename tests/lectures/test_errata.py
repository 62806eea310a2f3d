"""An erratum goes back to the authors with its proof."""

import re

import pytest

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Check, Claim, Outcome
from intro_dl.lectures.engine.errata import to_errata
from tests.lectures.test_claims import CLAIMS, result_of

ERRATA = [each for each in CLAIMS.values() if each.kind == "erratum"]


def squeezed(text: str) -> str:
    """Leave out what layout changes: spaces, and the marks and separators of code."""
    return re.sub(r"[\s`]", "", text).replace(";", "")


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
        assert [squeezed(block) for block in blocks] == [squeezed(claim.says), squeezed(claim.right)]
        proof = [line for line in section.splitlines() if line.startswith("- ")]
        assert len(proof) == 2 and any("≠" in line or "differ by" in line for line in proof), proof


def test_all_decks_make_one_page_each():
    results = [result_of(id) for id in ("E1", "E2")]
    page = to_errata(results, None)
    assert [line[12:15] for line in page.splitlines() if line.startswith("# ")] == [
        "000",
        "001",
        "002",
        "003",
    ]


def test_code_is_to_be_pasted_with_its_lines():
    page = to_errata([result_of("E10")], "003")
    assert "\nwith tf.GradientTape() as tape:\n    prediction = model(x)\n    loss = compute_loss(" in page


def test_the_proof_shows_the_difference_and_the_check_beside_it():
    page = to_errata([result_of("E5")], "002")
    proof = [line for line in page.splitlines() if line.startswith("- ")]
    assert proof[0].startswith("- the two differ: ") and proof[1].startswith(
        "- o - t against finite differences"
    )


def test_an_erratum_that_fails_proves_nothing():
    wrong = Outcome([Check("slide, right", 1, 1, differ=True), Check("right", 1, 1)])
    claim = Claim("E1", ("000",), "A slide", "1", "erratum", lambda: wrong, right="2")
    page = to_errata([claim.run()], "000")
    assert "**Not proven here:** a check does not hold" in page and "≠" not in page
