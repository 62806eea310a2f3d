"""What a lecturer says about a claim in the hall: the question before, what one sees, the usual wrong idea.

Each lecture has a file `hall.yaml` with one step for each claim at which a lecturer stops.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Claim, all_claims, in_slide_order
from intro_dl.runs.files import read_json

SECONDS = Path(__file__).parent.parent / "seconds.json"


@dataclass(frozen=True)
class Step:
    """One step of a lecture: its claim is computed between `ask` and `see`.

    Args:
        ask: the question to the hall before anything is computed. It can be answered wrongly.
        see: what the computation shows. The claim computes every number in this sentence.
        mistaken: the usual wrong idea in quotes, and what is right instead.
        tex: the formula of the slide for KaTeX, without dollar signs; empty if there is none.
    """

    ask: str
    see: str
    mistaken: str
    tex: str = ""


def read_steps(lecture: str) -> dict[str, Step]:
    """Return the steps in the file of a lecture, by the id of their claim."""
    file = Path(__file__).parent.parent / f"lecture_{lecture}" / "hall.yaml"
    found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return {id: Step(**fields) for id, fields in found.items()}


@cache
def all_steps() -> dict[str, Step]:
    """Return the steps of all lectures, by the id of their claim."""
    return {id: step for lecture in LECTURES for id, step in read_steps(lecture).items()}


def steps_of(lecture: str) -> list[tuple[Claim, Step]]:
    """Return the claims of a lecture that have a step, in slide order.

    Lectures share claims: the step of a claim is in the lecture whose package has the claim.
    """
    steps = all_steps()
    return [(each, steps[each.id]) for each in in_slide_order(all_claims(), lecture) if each.id in steps]


@cache
def all_seconds() -> dict[str, float]:
    """Return the seconds of each claim by its id: one thread of the machine that wrote docs/LECTURES.md."""
    return read_json(SECONDS)
