"""The command `intro-dl lectures`: read the arguments, run the chosen claims, report or show them.

torch is imported only after the arguments are checked, so that a typing mistake is answered at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intro_dl.config.names import closest
from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.figures.catalog import all_scripts, png
from intro_dl.lectures import LECTURES
from intro_dl.runs.files import require_writable, to_json, write_whole
from intro_dl.runs.program import say_loading, tell
from intro_dl.runs.progress_bar import with_bar

if TYPE_CHECKING:
    from intro_dl.lectures.engine.claims import Claim

PAGE = Path("outputs/lectures.html")  # where format=html writes unless out= says otherwise
ALL = Path(__file__).parents[3] / "docs" / "LECTURES.md"  # the page of this checkout
PICTURE_WIDTH = 1000  # pixels of a figure on that page


OPTIONS = {
    "lecture": replace(one_of(*LECTURES), default=None),
    "id": Option(str, ""),
    "format": one_of("table", "markdown", "json", "html", "errata", "demo"),
    "out": path(),
    "wait": one_of("true", "false"),
}


def parse(arguments: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` arguments.

    Returns:
        `lecture` (e.g. "004", or None for all), `id` (a list, empty for all), `format`, `out` (a path or
        None), and `wait` ("true" or "false").

    Raises:
        ValueError: for an unknown key or value; the message names the nearest known one.
    """
    words, wanted = read_options(arguments, OPTIONS)
    if words:
        raise ValueError(
            f"Cannot read the argument {words[0]!r}: write key=value, e.g. lecture=004 or id=N18."
        )
    wanted["id"] = _ids(wanted["id"]) if wanted["id"] else []
    _check_demo(wanted)
    if wanted["format"] == "html" and wanted["out"] is None:
        wanted["out"] = PAGE
    if wanted["out"] is not None:
        _check_writable(wanted["out"])
    return wanted


def _check_demo(wanted: dict[str, Any]) -> None:
    """Reject options that the demo lacks or does not have, and a demo that could only wait."""
    if wanted["format"] != "demo":
        if wanted["wait"] == "false":
            raise ValueError("wait=false is an option of format=demo: leave it out.")
        return
    if wanted["lecture"] is None:
        raise ValueError(f"format=demo shows one lecture: add lecture=, one of {', '.join(LECTURES)}.")
    if wanted["out"] is not None:
        raise ValueError("format=demo writes no file: leave out out=.")
    if wanted["wait"] == "true" and not sys.stdin.isatty():
        raise ValueError(
            "format=demo waits for Enter, and the input is not a terminal. To run all steps without waiting, "
            "add wait=false."
        )


def _ids(text: str) -> list[str]:
    """Read "n18,e5" as ["N18", "E5"]."""
    ids = [id.strip().capitalize() for id in text.split(",")]
    if not all(re.fullmatch(r"[A-Z]\d+", id) for id in ids):
        raise ValueError(f"Invalid id={text}: choose an id such as N18, or several with commas between them.")
    return ids


def _check_writable(out: Path) -> None:
    """Reject a file that cannot be written before anything is computed."""
    if out.is_dir():
        raise ValueError(f"out={out} is a directory: name a file in it, e.g. out={out / 'lectures.md'}.")
    require_writable(out.parent, f"out={out}", "file")


def main(arguments: Sequence[str]) -> int:
    """Run the chosen claims and report them. Return 1 if a claim fails, else 0.

    Raises:
        ValueError: for a mistake in the arguments.
    """
    wanted = parse(arguments)
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # the steps are small: more threads only wait for each other

    say_loading()
    from intro_dl.lectures.engine import claims, page, report  # torch loads here
    from intro_dl.lectures.engine.errata import to_errata
    from intro_dl.lectures.engine.hall import SECONDS

    lecture, out = wanted["lecture"], wanted["out"]
    if wanted["format"] == "demo":
        from intro_dl.lectures.engine.demo import show_lecture

        _choose(claims.all_claims(), wanted["id"], lecture)  # an unknown id is an error
        return show_lecture(lecture, wanted["id"], wait=wanted["wait"] == "true")
    chosen = _choose(claims.all_claims(), wanted["id"], lecture, wanted["format"] == "errata")
    results = [claim.run() for claim in with_bar(chosen, lambda claim: f"{claim.id:<4} {claim.slide}")]
    if wanted["format"] == "table":
        text = report.to_text(results, lecture, working=bool(wanted["id"]), on_terminal=out is None)
    else:
        write = {"markdown": page.to_markdown, "json": report.to_json, "errata": to_errata}
        if wanted["format"] == "html":
            text = page.to_html(results, lecture, _pictures([claim.id for claim in chosen]))
        else:
            text = write[wanted["format"]](results, lecture)
    if out is None:
        print(text, end="")
    else:
        write_whole(out, text)
        if (
            wanted["format"] == "markdown"
            and out.resolve() == ALL
            and len(chosen) == len(claims.all_claims())
        ):
            seconds = {result.claim.id: round(result.seconds, 1) for result in results}
            write_whole(SECONDS, to_json(seconds))
        print(f"Wrote {out}.\n{report.count_line(results)}")
    return 1 if any(result.verdict == "fails" for result in results) else 0


def _choose(
    claims: Sequence[Claim], ids: Sequence[str], lecture: str | None, errata: bool = False
) -> list[Claim]:
    """Return the claims with these IDs (all if there are none) that `lecture` shows (None: any lecture).

    Args:
        errata: only the errata.
    """
    known = {claim.id.lower(): claim for claim in claims}
    for id in ids:
        if id.lower() not in known:
            close = closest(id, list(known))
            guess = f" Did you mean {known[close].id}?" if close else ""
            raise ValueError(f"Unknown id={id}.{guess} docs/LECTURES.md lists all ids.")
    from intro_dl.lectures.engine.claims import in_slide_order  # torch loads here

    shown = claims if lecture is None else in_slide_order(claims, lecture)
    chosen = [claim for claim in shown if not ids or claim.id in ids]
    if errata and chosen:
        chosen = [claim for claim in chosen if claim.kind == "erratum"]
        if not chosen:
            raise ValueError(f"{', '.join(ids)} is not an erratum. Leave out id= to see all errata.")
    if not chosen:
        raise ValueError(f"{', '.join(ids)} is not in lecture={lecture}. Leave out lecture=.")
    return chosen


def _pictures(claims: Sequence[str]) -> dict[str, bytes]:
    """Draw the figures that belong to these claims. One that cannot be drawn is left out, with a sentence."""
    pictures: dict[str, bytes] = {}
    scripts = [script for script in all_scripts().values() if set(script.claims) & set(claims)]
    for script in with_bar(scripts, lambda script: f"{script.id:<4} {script.title}"):
        try:
            pictures[script.id] = png(script, PICTURE_WIDTH)
        except (AssertionError, FileNotFoundError) as error:
            tell(f"Figure {script.id} is missing on the page: {error}")
    return pictures
