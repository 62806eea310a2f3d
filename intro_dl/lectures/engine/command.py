"""The command `intro-dl lectures`: read the arguments, run the chosen claims, report them.

torch is imported only after the arguments are checked, so that a typing mistake is answered at once.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from intro_dl.config.names import closest
from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.figures.catalog import Script, all_scripts, png
from intro_dl.lectures import LECTURES
from intro_dl.runs.files import write_whole
from intro_dl.runs.program import explain, say_loading, tell

if TYPE_CHECKING:
    from intro_dl.lectures.engine.claims import Claim

PAGE = Path("outputs/lectures.html")  # where format=html writes unless out= says otherwise
PICTURE_WIDTH = 1000  # pixels of a figure on that page


OPTIONS = {
    "lecture": replace(one_of(*LECTURES), default=None),
    "id": Option(str, ""),
    "format": one_of("table", "markdown", "json", "html"),
    "out": path(),
}


def parse(arguments: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` arguments.

    Returns:
        `lecture` (e.g. "004", or None for all), `id` (a list, empty for all), `format`, and `out` (a path or
        None).

    Raises:
        ValueError: for an unknown key or value; the message names the nearest known one.
    """
    words, wanted = read_options(arguments, OPTIONS)
    if words:
        raise ValueError(
            f"Cannot read the argument {words[0]!r}: write key=value, e.g. lecture=004 or id=N18."
        )
    wanted["id"] = _ids(wanted["id"]) if wanted["id"] else []
    if wanted["format"] == "html" and wanted["out"] is None:
        wanted["out"] = PAGE
    if wanted["out"] is not None:
        _check_writable(wanted["out"])
    return wanted


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
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise ValueError(f"Cannot write out={out}: {error.strerror}. Choose another file.") from error


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

    lecture, out = wanted["lecture"], wanted["out"]
    chosen = _choose(claims.all_claims(), wanted["id"], lecture)
    results = list(_each(chosen, lambda claim: claim.slide, lambda claim: claim.run()))
    if wanted["format"] == "table":
        text = report.to_text(results, lecture, working=bool(wanted["id"]), on_terminal=out is None)
    else:
        write = {"markdown": page.to_markdown, "json": report.to_json}
        if wanted["format"] == "html":
            text = page.to_html(results, lecture, _pictures([claim.id for claim in chosen]))
        else:
            text = write[wanted["format"]](results, lecture)
    if out is None:
        print(text, end="")
    else:
        write_whole(out, text)
        print(f"Wrote {out}.\n{report.count_line(results)}")
    return 1 if any(result.verdict == "fails" for result in results) else 0


def _choose(claims: Sequence[Claim], ids: Sequence[str], lecture: str | None) -> list[Claim]:
    """Return the claims with these IDs (all if there are none) that `lecture` shows (None: any lecture)."""
    known = {claim.id.lower(): claim for claim in claims}
    for id in ids:
        if id.lower() not in known:
            close = closest(id, list(known))
            guess = f" Did you mean {known[close].id}?" if close else ""
            raise ValueError(f"Unknown id={id}.{guess} docs/LECTURES.md lists all ids.")
    chosen = [
        claim
        for claim in claims
        if (not ids or claim.id in ids) and (lecture is None or lecture in claim.lectures)
    ]
    if not chosen:
        raise ValueError(f"{', '.join(ids)} is not in lecture={lecture}. Leave out lecture=.")
    return chosen


def _pictures(claims: Sequence[str]) -> dict[str, bytes]:
    """Draw the figures that belong to these claims. One that cannot be drawn is left out, with a sentence."""
    pictures: dict[str, bytes] = {}

    def draw(script: Script) -> None:
        try:
            pictures[script.id] = png(script, PICTURE_WIDTH)
        except (AssertionError, FileNotFoundError) as error:
            tell(f"Figure {script.id} is missing on the page: {explain(error)}")

    scripts = [script for script in all_scripts().values() if set(script.claims) & set(claims)]
    for _ in _each(scripts, lambda script: script.title, draw):
        pass
    return pictures


def _each(items: Sequence[Any], title: Callable[[Any], str], work: Callable[[Any], Any]) -> Iterator[Any]:
    """Do the work for claims or figures one after the other, with a progress bar on a terminal."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=console.quiet) as progress:
        task = progress.add_task("", total=len(items))
        for item in items:
            progress.update(task, description=f"{item.id:<4} {title(item)[:40]:<40}")
            yield work(item)
            progress.advance(task)
