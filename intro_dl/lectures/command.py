"""The command `python scripts/lectures.py`: its arguments, what they may be, and the exit code.

Free of torch until the arguments are right, so that a typing mistake is answered at once.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.lectures.ids import ALL_IDS, LECTURES

PAGE = Path("outputs/lectures.html")  # where format=html writes unless out= says otherwise


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError
    return names


OPTIONS = {
    "lecture": replace(one_of(*LECTURES), default=None),
    "id": Option(_names, "an ID such as N18, or several with commas between them", []),
    "format": one_of("table", "markdown", "json", "html"),
    "out": path(),
}


def parse(arguments: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` arguments.

    Returns:
        `lecture` (e.g. "004", or None for all), `id` (a list, empty for all), `format`, and `out` (a path or
        None).

    Raises:
        ValueError: for an unknown key or value, with the nearest that there is.
    """
    words, wanted = read_options(arguments, OPTIONS)
    if words:
        raise ValueError(
            f"Cannot read the argument {words[0]!r}: write key=value, e.g. lecture=004 or id=N18."
        )
    wanted["id"] = [_known_id(name) for name in wanted["id"]]
    if wanted["format"] == "html" and wanted["out"] is None:
        wanted["out"] = PAGE
    if (out := wanted["out"]) is not None:
        if out.is_dir():
            raise ValueError(f"out={out} is a folder: name a file in it, e.g. out={out / 'lectures.md'}.")
        _check_writable(out)
    return wanted


def _check_writable(out: Path) -> None:
    """Refuse a file that cannot be written now, not after everything was computed."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.open("a").close()
    except OSError as error:
        raise ValueError(f"Cannot write out={out}: {error.strerror}. Choose another file.") from error


def _known_id(name: str) -> str:
    for known in ALL_IDS:
        if name.strip().lower() == known.lower():
            return known
    close = get_close_matches(name.upper(), ALL_IDS, n=1, cutoff=0.5)
    guess = f" Did you mean {close[0]}?" if close else ""
    last = {known[0]: known for known in ALL_IDS}
    ranges = ", ".join(f"{letter}1 to {known}" for letter, known in last.items())
    raise ValueError(f"There is no id={name}.{guess} Available: {ranges}.")


def main(arguments: Sequence[str]) -> int:
    """Walk the lectures and report; 0 if nothing fails, 1 if a claim fails, ValueError for a mistake."""
    wanted = parse(arguments)

    from intro_dl.lectures import claims as registry  # torch loads here
    from intro_dl.lectures import page, report

    lecture, ids = wanted["lecture"], wanted["id"]
    everything = registry.all_claims()
    chosen = [
        each
        for each in everything
        if (not ids or each.id in ids) and (lecture is None or lecture in each.lectures)
    ]
    if ids and lecture and not chosen:
        raise ValueError(f"{', '.join(ids)} is not in lecture={lecture}. Leave out lecture=.")
    missing = [name for name in registry.open_ids() if (name in ids if ids else lecture is None)]

    results = _run(chosen)
    out = wanted["out"]
    if wanted["format"] == "table":
        shown = report.working(results, missing) if ids else report.tables(results, lecture, missing)
        with nullcontext() if out is None else out.open("w", encoding="utf-8") as file:
            report.print_report(shown, file)
    else:
        write = {"markdown": report.to_markdown, "json": report.to_json, "html": page.to_html}
        text = write[wanted["format"]](results, lecture, missing)
        if out is None:
            print(text, end="")
        else:
            out.write_text(text, encoding="utf-8")
    if out is not None:
        print(f"Wrote {out}.\n{report.count_line(results, missing)}")
    return 1 if any(result.verdict == "fails" for result in results) else 0


def _run(chosen: Sequence[Any]) -> list[Any]:
    """Run claims behind a progress bar, which is shown on a terminal only."""
    from intro_dl.lectures.report import run_claims

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen))

        def tell(claim: Any) -> None:
            progress.update(task, description=f"{claim.id:<4} {claim.slide[:40]:<40}", advance=1)

        return run_claims(chosen, tell)
