"""A lecture in the hall, step by step: `intro-dl lectures format=demo lecture=004`.

Each step asks a question, waits, computes the claim, and says what one sees. Nothing of it needs a download.
"""

import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from intro_dl.figures.catalog import figures_of
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Claim, Result, all_claims, in_slide_order
from intro_dl.lectures.engine.formulas import plain
from intro_dl.lectures.engine.hall import Step, all_seconds, all_steps
from intro_dl.lectures.engine.report import COLORS, SIGNS, measured_lines
from intro_dl.lectures.engine.trainings import Training, all_trainings, run_training
from intro_dl.runs.program import as_typed
from intro_dl.runs.signals import exit_code, what_ended_it

SLOW = 60  # seconds: a longer step is computed only after a question
KEYS = "Keys: Enter continues, s skips a step, b goes back, 3 shows step 3, q quits. Each needs Enter."

Scene = tuple[Claim, Step] | Training


def scenes_of(lecture: str, ids: Sequence[str] = ()) -> list[Scene]:
    """Return the steps of a lecture in slide order, with the trainings that come after their claims.

    Args:
        ids: only the steps and trainings of these claims; all if there are none.
    """
    scenes: list[Scene] = []
    for claim in in_slide_order(all_claims(), lecture):
        if not ids or claim.id in ids:
            scenes += [(claim, all_steps()[claim.id])] if claim.id in all_steps() else []
            scenes += [training for training in all_trainings().values() if training.after == claim.id]
    return scenes


class Quit(Exception):
    """The lecturer wants to stop."""


class Jump(Exception):
    """The lecturer wants to see another scene: its index."""


def show_lecture(lecture: str, ids: Sequence[str] = (), wait: bool = True) -> int:
    """Show the steps one after the other. Return 1 if a step did not show what it should, else 0.

    Args:
        ids: only the steps of these claims; all if there are none.
        wait: wait for Enter before and after each computation.

    Raises:
        ValueError: if there is nothing to show.
    """
    scenes = scenes_of(lecture, ids)
    if not scenes:
        raise ValueError(
            f"{', '.join(ids)} has no step in lecture={lecture}. Leave out id= to see all steps."
        )
    stage = Stage(len(scenes), wait)
    failed: set[int] = set()
    stage.title(lecture)
    while stage.place < len(scenes):
        try:
            scene = scenes[stage.place]
            as_expected = stage.train(scene) if isinstance(scene, Training) else stage.compute(*scene)
            (failed.discard if as_expected else failed.add)(stage.place)
            stage.ask("next")
            stage.place += 1
        except Jump as jump:
            stage.place = jump.args[0]
        except (Quit, KeyboardInterrupt, SystemExit) as stop:  # Lightning turns Ctrl-C into SystemExit
            stage.console.print(f"\nStopped at step {stage.place + 1} of {len(scenes)}.")
            return 0 if isinstance(stop, Quit) else exit_code(what_ended_it(stop))
    stage.console.print(f"That was lecture {lecture}.")
    if failed:
        stage.console.print(f"Not as expected: step {', '.join(str(each + 1) for each in sorted(failed))}.")
    return 1 if failed else 0


class Stage:
    """What the hall sees, and the keys of the lecturer.

    Args:
        count: number of scenes.
        wait: whether to wait for Enter.
    """

    def __init__(self, count: int, wait: bool) -> None:
        self.console = Console(highlight=False)
        self.count, self.wait, self.place = count, wait, 0

    def title(self, lecture: str) -> None:
        """Show which lecture begins."""
        self.console.print(Text(f"Lecture {lecture}: {LECTURES[lecture]}. Steps: {self.count}.", "bold"))
        if self.wait:
            self.console.print(KEYS)

    def compute(self, claim: Claim, step: Step) -> bool:
        """Show a claim: the question, the computation, and what one sees. Return whether it does not fail."""
        self._head(claim.id, claim.slide)
        formula = {"Formula": plain(step.tex)} if step.tex else {}
        self._rows({"Slide": claim.says, **formula, "Question": Text(step.ask, "bold")})
        seconds = all_seconds().get(claim.id, 0.0)
        self.ask("compute", seconds)
        if seconds >= 2:
            self.console.print(f"Computing, about {seconds:.0f} seconds ...")
        result = claim.run()
        self._show(result, step)
        return result.verdict != "fails"

    def _show(self, result: Result, step: Step) -> None:
        claim = result.claim
        verdict = Text(f"{SIGNS[result.verdict]} {result.verdict}", COLORS.get(result.verdict, ""))
        rows: dict[str, str | Text] = {"Computed": "\n".join(measured_lines(result)), "Verdict": verdict}
        if claim.right:
            rows |= {"Printed": claim.says, "Right": Text(claim.right, "bold")}
        rows |= {
            "See": step.see,
            "Wrong idea": step.mistaken,
            "Again": as_typed(f"intro-dl lectures id={claim.id}"),
        }
        figures = [
            f"{each.title}\n{as_typed(f'intro-dl figures id={each.id}')}" for each in figures_of(claim.id)
        ]
        self._rows(rows | ({"Figures": "\n".join(figures)} if figures else {}))

    def train(self, training: Training) -> bool:
        """Show a training: the question, each run, and what one sees. Return whether the events are right."""
        self._head("training", training.title)
        self._rows({"Question": Text(training.ask, "bold")})
        as_expected = True
        for extra, expected in training.runs.items():
            command = f"{training.command} {extra}"
            self._rows({"Command": as_typed(f"intro-dl train {shlex.join(command.split())}")})
            self.ask("train, about 10 seconds")
            with tempfile.TemporaryDirectory() as folder:
                sys.stdout.flush()
                run_training(command, Path(folder) / "run")
                event = training.event(Path(folder) / "run")
            self._rows({"Event": Text(event, "bold")})
            if event != expected:
                self._rows({"Expected": f"{expected}. Another machine or release may round differently."})
                as_expected = False
        self._rows({"See": training.see, "Wrong idea": training.mistaken})
        return as_expected

    def ask(self, what: str, seconds: float = 0.0) -> None:
        """Wait for Enter, and before a step of more than SLOW seconds ask whether to take it.

        Raises:
            Quit: for q or the end of the input.
            Jump: for s, b or the number of a step.
        """
        if seconds > SLOW:
            self.console.print(f"This step takes about {seconds:.0f} seconds.")
        while self.wait:
            try:
                answer = input(f"[Enter: {what}] ").strip().lower()
            except EOFError:
                raise Quit from None
            if answer == "":
                break
            if answer == "q":
                raise Quit
            if answer in ("s", "b"):
                raise Jump(max(self.place + (1 if answer == "s" else -1), 0))
            if answer.isdecimal() and 1 <= int(answer) <= self.count:
                raise Jump(int(answer) - 1)
            self.console.print(f"There is no key {answer[:20]!r}.", markup=False)

    def _head(self, name: str, title: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(f"Step {self.place + 1} of {self.count}: {name}"), align="left"))
        self.console.print(Text(title, "bold"))

    def _rows(self, rows: dict[str, str | Text]) -> None:
        """Print labels with texts beside them."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=10, style="dim")
        table.add_column(overflow="fold")
        for label, text in rows.items():
            table.add_row(label, Text(text) if isinstance(text, str) else text)  # Text: [brackets] stay
        self.console.print(table)
