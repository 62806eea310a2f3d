"""The lectures walked through, as a table for the terminal, Markdown or JSON (page.py: the web page)."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from torch import Tensor

from intro_dl.lectures.claims import Check, Claim, Result
from intro_dl.lectures.ids import KINDS_OF_ID, LECTURES

# A sign beside every word, so that the verdict does not depend on color alone.
SIGNS = {
    "holds": "✓",
    "erratum": "✎",
    "measured": "✓",
    "cited": "❝",
    "waiting": "…",
    "fails": "✗",
    "open": "○",
}
COLORS = {"holds": "green", "erratum": "yellow", "measured": "green", "fails": "bold red"}
SHOWN = 3  # checks that the table shows of one claim


def run_claims(claims: Iterable[Claim], tell: Callable[[Claim], None] = lambda claim: None) -> list[Result]:
    """Compute claims one after the other; `tell` hears of each before it starts."""
    results = []
    for each in claims:
        tell(each)
        results.append(each.run())
    return results


def count_line(results: Sequence[Result], missing: Sequence[str] = ()) -> str:
    """The closing line, e.g. "60 claims: 40 hold, 12 errata, 3 measured, 5 cited, 0 fail"."""
    count = Counter(result.verdict for result in results)
    line = (
        f"{len(results)} claim{'s' * (len(results) != 1)}: {count['holds']} hold, {count['erratum']} errata, "
        f"{count['measured']} measured, {count['cited']} cited, {count['fails']} fail"
    )
    line += f", {count['waiting']} waiting" if count["waiting"] else ""
    return line + (f", {len(missing)} open" if missing else "")


def by_lecture(results: Iterable[Result], lecture: str | None = None) -> dict[str, list[Result]]:
    """Results under the deck that shows them first; all under `lecture` where one was asked for."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(lecture or min(result.claim.lectures), []).append(result)
    return groups


# Values -----------------------------------------------------------------------------------------------------


def show(value: Any) -> str:
    """A value in few characters, rounded so that two machines print the same: 0.002473, [1, 2], yes."""
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
    """A comparison in one line: what, what came out, and if it fails, what was expected."""
    if isinstance(check.measured, Tensor) and check.measured.numel() > 6 and math.isfinite(check.distance):
        return f"{check.what}: {_compare_many(check)}"
    measured, expected = show(check.measured), show(check.expected)
    if check.differ:
        return f"{check.what}: {measured} ≠ {expected}" + ("" if check.holds else " does not hold")
    return f"{check.what}: {measured}" + ("" if check.holds else f", expected {expected}")


def _compare_many(check: Check) -> str:
    """Two large tensors side by side in a few words."""
    count = f"{check.measured.numel():,} numbers"
    if check.holds and not check.differ:
        return f"{count} agree" + (f" within {check.tolerance:g}" if check.tolerance else "")
    return f"{count} differ by up to {check.distance:.3g}" + (
        "" if check.holds else f", allowed: {check.tolerance:g}"
    )


def measured_lines(result: Result) -> list[str]:
    """What came out of a claim, in at most a few lines: what fails first, then what an erratum shows."""
    if result.error is not None:
        return [result.error]
    if result.claim.kind == "cited":
        return list(result.outcome.working)
    checks = sorted(result.outcome.checks, key=lambda check: (check.holds, not check.differ))
    lines = [show_check(check) for check in checks[:SHOWN]]
    if len(checks) > SHOWN:
        lines.append(f"and {len(checks) - SHOWN} more")
    if result.outcome.waiting:
        lines.append(f"waiting for {result.outcome.waiting}")
    return lines


# Formats ----------------------------------------------------------------------------------------------------


def tables(results: Sequence[Result], lecture: str | None, missing: Sequence[str]) -> RenderableType:
    """One table a lecture, for the terminal."""
    parts: list[RenderableType] = []
    for name, group in by_lecture(results, lecture).items():
        table = Table(
            title=f"{name}  {LECTURES[name]}", title_justify="left", title_style="bold", expand=True
        )
        table.add_column("id", no_wrap=True)
        table.add_column("slide", ratio=2)
        table.add_column("says", ratio=4)
        table.add_column("measured", ratio=5)
        table.add_column("verdict", no_wrap=True)
        for result in group:
            table.add_row(
                result.claim.id,
                Text(result.claim.slide),  # a slide's [brackets] are no markup
                Text(result.claim.says),
                Text("\n".join(measured_lines(result))),
                verdict_text(result),
            )
        parts += [table, Text()]
    if missing:
        parts.append(Text(f"open: {', '.join(missing)}\n"))
    return Group(*parts, Text(count_line(results, missing)))


def working(results: Sequence[Result], missing: Sequence[str] = ()) -> RenderableType:
    """Every claim with its working and all its checks, for the terminal."""
    parts: list[RenderableType] = []
    for result in results:
        lines = [Text(f"The slide says: {result.claim.says}", style="italic"), Text()]
        lines += [Text(line) for line in result.outcome.working]
        lines += [Text()] if result.outcome.working else []
        for check in result.outcome.checks:
            lines.append(Text(f"{'✓' if check.holds else '✗'} {show_check(check)}"))
        if result.error:
            lines.append(Text(result.error))
        if result.outcome.waiting:
            lines.append(Text(f"waiting for {result.outcome.waiting}"))
        lines += [Text(), verdict_text(result)]
        where = f"{result.claim.id}  {', '.join(result.claim.lectures)}  {result.claim.slide}"
        parts.append(Panel(Group(*lines), title=Text(where), title_align="left"))
    if missing:
        parts.append(Text(f"open: {', '.join(missing)}\n"))
    return Group(*parts, Text(count_line(results, missing)))


def verdict_text(result: Result) -> Text:
    """The verdict with its sign, colored."""
    return Text(f"{SIGNS[result.verdict]} {result.verdict}", style=COLORS.get(result.verdict, ""))


def print_report(report: RenderableType, file: Any = None) -> None:
    """Print tables or working on the terminal, or to a text file 140 characters wide."""
    console = Console(file=file, width=140 if file is not None else None, highlight=False)
    if not console.is_terminal:
        console = Console(file=file, width=140, highlight=False, no_color=True)
    console.print(report)


def to_markdown(results: Sequence[Result], lecture: str | None, missing: Sequence[str]) -> str:
    """The tables as a Markdown page."""
    lines = [
        "# The lectures, executable",
        "",
        "What the slides say, what comes out when it is computed, and whether it holds. Written by",
        "`python scripts/lectures.py format=markdown out=docs/LECTURES.md`; the working of one claim:",
        "`python scripts/lectures.py id=N20`. `python scripts/lectures.py format=html` makes a page for the",
        "browser that is easier to read.",
        "",
        f"The letter of an id: {'; '.join(f'**{letter}** {kind}' for letter, kind in KINDS_OF_ID.items())}.",
        "",
        "*holds*: computed and true. *erratum*: the slide's version and the right one, computed, differ.",
        "*measured*: read from training runs; *waiting* until they exist. *cited*: not executable, and why.",
    ]
    for name, group in by_lecture(results, lecture).items():
        lines += ["", f"## {name}: {LECTURES[name]}", ""]
        lines += ["| id | lectures | slide | says | measured | verdict |", "|---|---|---|---|---|---|"]
        for result in group:
            cells = [
                result.claim.id,
                ", ".join(result.claim.lectures),
                result.claim.slide,
                result.claim.says,
                "<br>".join(map(_escape, measured_lines(result))),
                result.verdict,
            ]
            cells = [cell if index == 4 else _escape(cell) for index, cell in enumerate(cells)]
            lines.append(f"| {' | '.join(cells)} |")
    if missing:
        lines += ["", f"Open, not claimed yet: {', '.join(missing)}."]
    return "\n".join([*lines, "", count_line(results, missing), ""])


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, inside a table; `code` stays code."""
    parts = " ".join(text.replace("|", "\\|").split()).split("`")
    for index in range(0, len(parts), 2):  # outside the backticks
        for sign in "*_<[]~":
            parts[index] = parts[index].replace(sign, f"\\{sign}")
    return "`".join(parts)


def to_json(results: Sequence[Result], lecture: str | None, missing: Sequence[str]) -> str:
    """Everything that was computed, for programs."""
    claims = [
        {
            "id": result.claim.id,
            "lectures": result.claim.lectures,
            "slide": result.claim.slide,
            "says": result.claim.says,
            "kind": result.claim.kind,
            "verdict": result.verdict,
            "checks": [
                {
                    "what": check.what,
                    "measured": _plain(check.measured),
                    "expected": _plain(check.expected),
                    "tolerance": check.tolerance,
                    "differ": check.differ,
                    "holds": check.holds,
                }
                for check in result.outcome.checks
            ],
            "working": list(result.outcome.working),
            "waiting": result.outcome.waiting,
            "error": result.error,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    summary = count_line(results, missing)
    report = {"lecture": lecture, "claims": claims, "open": list(missing), "summary": summary}
    return json.dumps(report, indent=2) + "\n"


def _plain(value: Any) -> Any:
    """A value that JSON has: numbers that it lacks, NaN and infinity, become text."""
    if isinstance(value, Tensor):
        value = value.detach().tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
