"""The command `intro-dl quiz`: ask the questions of a lecture in the terminal, or print them.

torch is imported only after the arguments are checked, so that a typing mistake is answered at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from intro_dl.config.options import Option, one_of, read_options
from intro_dl.config.types import Seed
from intro_dl.lectures import LECTURES
from intro_dl.runs.files import to_json
from intro_dl.runs.program import as_typed, say_loading

if TYPE_CHECKING:
    from rich.console import Console

    from intro_dl.lectures.engine.quiz import Posed

OPTIONS = {
    "lecture": replace(one_of(*LECTURES), default=None),
    "seed": Option(Seed, 0),
    "format": one_of("terminal", "markdown", "json"),
}


def parse(arguments: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` arguments: `lecture` (None for all), `seed` and `format`.

    Raises:
        ValueError: for an unknown key or value; the message names the nearest known one.
    """
    words, wanted = read_options(arguments, OPTIONS)
    if words:
        raise ValueError(f"Cannot read the argument {words[0]!r}: write key=value, e.g. lecture=002.")
    return wanted


def main(arguments: Sequence[str]) -> int:
    """Ask or print the questions of a lecture.

    Raises:
        ValueError: for a mistake in the arguments.
    """
    wanted = parse(arguments)
    say_loading()
    from intro_dl.lectures.engine.quiz import questions  # torch loads here

    posed = questions(wanted["lecture"], wanted["seed"])
    if wanted["format"] == "json":
        print(to_json([asdict(each) for each in posed]), end="")
    elif wanted["format"] == "markdown":
        print(to_markdown(posed), end="")
    else:
        ask(posed)
    return 0


def more(each: Posed) -> str:
    """Return the command that shows what a question is about."""
    return as_typed(f"intro-dl lectures id={each.claim}")


# In the terminal --------------------------------------------------------------------------------------------


def ask(posed: Sequence[Posed]) -> None:
    """Ask one question after the other, and print the score at the end, after q, Ctrl-D or Ctrl-C."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    console.print(f"{len(posed)} questions. Type the letter of your answer, or q to quit.")
    wrong: list[Posed] = []
    asked = 0
    try:
        for number, each in enumerate(posed, start=1):
            _show(console, each, f"{number}/{len(posed)}")
            letter = _read(console, each)
            if letter is None:
                break
            asked += 1
            wrong += [each] * (letter != each.right.letter)
            _comment(console, each, letter)
    except EOFError:  # Ctrl-D, or the end of a file of answers
        console.print()
    finally:  # also for Ctrl-C
        _score(console, asked, len(posed), wrong)


def _show(console: Console, each: Posed, number: str) -> None:
    from rich.table import Table
    from rich.text import Text

    answers = Table.grid(padding=(0, 1))
    for answer in each.answers:
        answers.add_row(f"  {answer.letter}", Text(answer.text))
    console.print(f"\n{number}  {each.slide}", style="bold")
    console.print(f"{each.text}\n")
    console.print(answers)
    console.print()


def _read(console: Console, each: Posed) -> str | None:
    """Return the letter of the answer, or None to quit. A mistyped answer is asked for again."""
    letters = [answer.letter for answer in each.answers]
    while True:
        typed = input("Answer: ").strip().upper()
        if not sys.stdin.isatty():
            console.print(typed)  # a terminal has shown it already
        if typed in letters:
            return typed
        if typed in ("Q", "QUIT", "EXIT"):
            return None
        console.print(f"Type {', '.join(letters[:-1])} or {letters[-1]}, or q to quit.")


def _comment(console: Console, each: Posed, letter: str) -> None:
    """Say whether an answer is right, and why."""
    from rich.text import Text

    given = next(answer for answer in each.answers if answer.letter == letter)
    if given.right:
        console.print(Text.assemble(("Right. ", "bold green"), each.because))
    else:
        console.print(Text.assemble(("Wrong. ", "bold red"), given.misconception))
        console.print(f"Right is {each.right.letter}, {each.right.text}: {each.because}")
    console.print(f"More: {more(each)}", style="dim")


def _score(console: Console, asked: int, count: int, wrong: Sequence[Posed]) -> None:
    left = f" ({count - asked} not answered)" if asked < count else ""
    console.print(f"\nScore: {asked - len(wrong)} of {asked}{left}", style="bold")
    if wrong:
        console.print("Read again:")
    for each in wrong:
        console.print(f"  {each.slide}: {more(each)}")


# For instructors --------------------------------------------------------------------------------------------


def to_markdown(posed: Sequence[Posed]) -> str:
    """Return all questions with their answers as Markdown."""
    from intro_dl.lectures.engine.page import escaped

    lines: list[str] = []
    for number, each in enumerate(posed, start=1):
        lines += [f"## {number}. {escaped(each.slide)}", "", escaped(each.text), ""]
        for answer in each.answers:
            verdict = f"**Right.** {escaped(each.because)}" if answer.right else escaped(answer.misconception)
            lines += [f"- {answer.letter}: {escaped(answer.text)}. {verdict}"]
        lines += ["", f"Lectures: {', '.join(each.lectures)}. More: `{more(each)}`", ""]
    return "\n".join(lines)
