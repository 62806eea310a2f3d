"""Results of claims as tables for the terminal and as JSON. `page.py` writes HTML and Markdown."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import HORIZONTALS
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from torch import Tensor

from intro_dl.figures.catalog import figures_of
from intro_dl.lectures import LECTURES
from intro_dl.lectures.engine.claims import Check, Claim, Result
from intro_dl.runs.files import to_json as json_text

# A sign beside each verdict, so that it can be read without color.
SIGNS = {
    "holds": "✓",
    "erratum": "✎",
    "measured": "✓",
    "not reproduced": "≠",
    "cited": "❝",
    "waiting": "…",
    "fails": "✗",
}
COLORS = {
    "holds": "green",
    "erratum": "yellow",
    "measured": "green",
    "not reproduced": "yellow",
    "fails": "bold red",
}
SHOWN = 3  # checks of one claim that a table shows
WIDTH = 140  # columns of a table in a file or pipe


def count_line(results: Sequence[Result]) -> str:
    """Return e.g. "60 claims: 40 hold, 12 errata, 2 measured, 1 not reproduced, 5 cited, 0 fail"."""
    count = Counter(result.verdict for result in results)
    line = (
        f"{len(results)} claim{'s' * (len(results) != 1)}: {count['holds']} hold, {count['erratum']} errata, "
        f"{count['measured']} measured, {count['not reproduced']} not reproduced, {count['cited']} cited, "
        f"{count['fails']} fail"
    )
    return line + (f", {count['waiting']} waiting" if count["waiting"] else "")


def by_lecture(results: Iterable[Result], lecture: str | None = None) -> dict[str, list[Result]]:
    """Group results by the first lecture that shows them, or put all under `lecture` if it is given."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(lecture or min(result.claim.lectures), []).append(result)
    return groups


# Values -----------------------------------------------------------------------------------------------------


def show(value: object) -> str:
    """Return a short text, rounded so that two machines print the same: 0.002473, [1, 2], yes."""
    if isinstance(value, Tensor):
        value = (value.flatten() if value.numel() > 6 else value).detach().tolist()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if 0 < abs(value) < 1e-8:
            return "0"  # the rounding error of a sum, which differs from machine to machine
        return f"{value + 0.0:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.5g}"
    if isinstance(value, list | tuple):
        shown = [show(item) for item in (value[:3] if len(value) > 6 else value)]
        more = [f"… {len(value):,} in all"] if len(value) > 6 else []
        return f"[{', '.join(shown + more)}]"
    return str(value)


def show_check(check: Check) -> str:
    """Return a comparison in one line: what, the measured value, and the expected value if it fails."""
    if isinstance(check.measured, Tensor) and check.measured.numel() > 6 and math.isfinite(check.distance):
        count = f"{check.what}: {check.measured.numel():,} numbers"
        if check.holds and not check.differ:
            return f"{count} agree" + (f" within {check.tolerance:g}" if check.tolerance else "")
        allowed = "" if check.holds else f", allowed: {check.tolerance:g}"
        return f"{count} differ by up to {check.distance:.3g}{allowed}"
    measured, expected = show(check.measured), show(check.expected)
    if check.differ:
        return f"{check.what}: {measured} ≠ {expected}" + ("" if check.holds else " does not hold")
    return f"{check.what}: {measured}" + ("" if check.holds else f", expected {expected}")


def measured_lines(result: Result) -> list[str]:
    """Return the measured values of a claim in a few lines: failures first, then what an erratum shows."""
    if result.error or result.waiting:
        return [result.error or f"waiting for {result.waiting}"]
    if result.claim.kind == "cited":
        return list(result.outcome.working)
    checks = sorted(result.outcome.checks, key=lambda check: (check.holds, not check.differ))
    more = [f"and {len(checks) - SHOWN} more"] if len(checks) > SHOWN else []
    return [show_check(check) for check in checks[:SHOWN]] + more


# Formats ----------------------------------------------------------------------------------------------------


def to_text(
    results: Sequence[Result], lecture: str | None, working: bool = False, on_terminal: bool = False
) -> str:
    """Return a table for each lecture, or with `working` a panel for each claim, and the closing line.

    Args:
        on_terminal: use the terminal's width and colors where there is one.
    """
    console = Console(highlight=False)
    if not on_terminal or not console.is_terminal:
        console = Console(highlight=False, no_color=True, force_terminal=False, width=WIDTH)
    with console.capture() as captured:
        if working:
            console.print(*map(_panel, results), sep="\n")
        else:
            for name, group in by_lecture(results, lecture).items():
                console.print(_table(name, group, console.width), "")
        console.print(Text(count_line(results)))
    return captured.get()


def _table(lecture: str, results: Sequence[Result], width: int) -> Table:
    wide = width >= 120  # else the slide's title stands above what it says
    title = f"{lecture}  {LECTURES[lecture]}"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=HORIZONTALS, show_lines=True, expand=True
    )
    table.add_column("id", no_wrap=True)
    if wide:
        table.add_column("slide", ratio=2)
    table.add_column("says" if wide else "slide and what it says", ratio=4)
    table.add_column("measured", ratio=5)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        slide, says = Text(result.claim.slide), _says(result.claim)
        slide_and_says = [slide, says] if wide else [Text("\n").join([Text(slide.plain, "dim"), says])]
        lines = Table.grid(padding=(0, 1))  # indents the second line of a long item
        for line in measured_lines(result):
            lines.add_row("•", Text(line))
        table.add_row(result.claim.id, *slide_and_says, lines, _verdict(result))
    return table


def _says(claim: Claim) -> Text:
    """Return what the slide says, and for an erratum the right version below it."""
    says = Text(claim.says)  # Text: [brackets] are not markup
    return says.append("\nRight: ", "bold").append(claim.right) if claim.right else says


def _panel(result: Result) -> Panel:
    claim, outcome = result.claim, result.outcome
    lines: list[RenderableType] = [Text(claim.slide, "bold"), _says(claim), ""]
    lines += [Text("\n".join(outcome.working) + "\n")] if outcome.working else []
    lines += [
        Text(f"{SIGNS['holds' if each.holds else 'fails']} {show_check(each)}") for each in outcome.checks
    ]
    if result.error or result.waiting:
        lines += map(Text, measured_lines(result))
    for script in figures_of(claim.id):
        command = f"intro-dl figures id={script.id}"
        lines += [Text(f"Figure {script.id}: {script.title}. Draw it with {command}", "dim")]
    lines += ["", _verdict(result)]
    title = f"{claim.id}  lecture{'s' * (len(claim.lectures) > 1)} {', '.join(claim.lectures)}"
    return Panel(Group(*lines), title=title, title_align="left")


def _verdict(result: Result) -> Text:
    return Text(f"{SIGNS[result.verdict]} {result.verdict}", style=COLORS.get(result.verdict, ""))


def to_json(results: Sequence[Result], lecture: str | None) -> str:
    """Return all results as JSON, for programs."""
    claims = [
        {
            "id": result.claim.id,
            "lectures": result.claim.lectures,
            "slide": result.claim.slide,
            "says": result.claim.says,
            "right": result.claim.right,
            "kind": result.claim.kind,
            "verdict": result.verdict,
            "measured": measured_lines(result),
            "checks": [_plain(vars(check) | {"holds": check.holds}) for check in result.outcome.checks],
            "working": result.outcome.working,
            "waiting": result.waiting,
            "error": result.error,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    return json_text({"lecture": lecture, "claims": claims, "summary": count_line(results)})


def _plain(value: object) -> object:
    """Return a value that JSON can hold: NaN and infinity, which JSON lacks, become strings."""
    if isinstance(value, Tensor):
        value = value.detach().tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
