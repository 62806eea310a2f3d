"""A claim holds by what it shows, not by a lucky seed (pytest -m slow tests/lectures/test_seeds.py)."""

import pytest

from intro_dl.lectures.engine.claims import all_claims
from intro_dl.lectures.engine.report import show_check

SEEDS = range(1, 21)


@pytest.mark.slow
@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_a_claim_has_the_same_verdict_under_20_other_seeds(claim):
    faults = {}
    for seed in SEEDS:
        result = claim.run(seed)
        if result.verdict not in (claim.kind, "waiting"):
            failing = [show_check(check) for check in result.outcome.checks if not check.holds]
            faults[seed] = result.error or failing
    assert not faults
