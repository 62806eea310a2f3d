"""The command `intro-dl figures`: draw the pictures of the slides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from intro_dl.config.names import closest
from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.figures.catalog import FOLDER, Drawing, Script, all_scripts, drawn
from intro_dl.runs.files import read_json, to_json, write_whole
from intro_dl.runs.program import explain, say_loading, tell

SECONDS = FOLDER / "seconds.json"  # of each script, on the machine that wrote docs/FIGURES.md
GIF_WIDTH = 900  # pixels, unless width= says otherwise: a film of 1600 has several MB

OPTIONS = {
    "id": Option(list[str], []),
    "lecture": replace(one_of("000", "001", "002", "003", "004"), default=None),
    "format": replace(one_of("png", "svg", "pdf", "gif"), default=None),
    "theme": one_of("light", "dark"),
    "width": Option(Annotated[int, Ge(200), Le(8000)]),
    "out": replace(path(), default=Path("outputs/figures")),
    "table": path(),
}


def main(arguments: Sequence[str]) -> int:
    """Draw the chosen figures. Return 1 if the property of one does not hold, else 0.

    Raises:
        ValueError: for a mistake in the arguments.
    """
    words, wanted = read_options(arguments, OPTIONS)
    if words not in ([], ["list"]):
        raise ValueError(f"Cannot read the argument {words[0]!r}: write list, or key=value, e.g. id=G5.")
    scripts = choose(wanted["id"], wanted["lecture"])
    if words:
        _list(scripts)
        return 0
    if wanted["width"] and wanted["format"] in ("svg", "pdf"):
        raise ValueError(
            f"width={wanted['width']} is in pixels, which a {wanted['format']} has not: leave it out."
        )
    _prepare(wanted["out"])
    say_loading()
    import intro_dl.training.product  # noqa: F401  so that the first figure does not pay for the imports

    rows = list(_draw(scripts, wanted))
    done = [row for row in rows if row]
    if wanted["table"]:
        write_whole(wanted["table"], _markdown(done))
        write_whole(SECONDS, to_json({script.id: round(drawing.seconds, 1) for script, drawing in done}))
    for script, drawing in done if wanted["id"] else []:
        for what, value in drawing.shown:
            print(f"{script.id}  {what}: {value}")
    if done:
        print(f"Wrote {len(done)} figure{'s' * (len(done) != 1)} to {wanted['out']}.")
    return 0 if len(done) == len(rows) else 1


def choose(ids: Sequence[str], lecture: str | None) -> list[Script]:
    """Return the scripts with these ids, all if there are none, that `lecture` shows (None: any).

    Raises:
        ValueError: if there is no such figure; the message names the nearest.
    """
    known = all_scripts()
    for id in ids:
        if id.upper() not in known:
            close = closest(id, [name.lower() for name in known])
            guess = f" Did you mean {close.upper()}?" if close else ""
            raise ValueError(f"Unknown id={id}.{guess} `intro-dl figures list` shows all ids.")
    chosen = [known[id.upper()] for id in ids] or list(known.values())
    chosen = [script for script in chosen if lecture is None or lecture in script.lectures]
    if not chosen:
        raise ValueError(f"{', '.join(ids) or 'No figure'} is not in lecture={lecture}. Leave out lecture=.")
    return chosen


def _list(scripts: Sequence[Script]) -> None:
    """Print a table of the scripts: id, title, slides and seconds."""
    seconds = read_json(SECONDS) if SECONDS.is_file() else {}
    table = Table("id", "lecture", "shows", "slide", box=None, pad_edge=False)
    table.add_column("seconds", justify="right")
    for script in scripts:
        time = f"{seconds[script.id]:.1f}" if script.id in seconds else ""
        table.add_row(script.id, ", ".join(script.lectures), script.title, script.slides, time)
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)


def _prepare(out: Path) -> None:
    """Make the directory, before anything is computed."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".can_write").touch()
        (out / ".can_write").unlink()
    except OSError as error:
        raise ValueError(f"Cannot write to out={out}: {error.strerror}. Choose another directory.") from error


def _draw(scripts: Sequence[Script], wanted: Mapping[str, Any]) -> Iterator[tuple[Script, Drawing] | None]:
    """Draw and save each figure, with a progress bar. None stands for one that failed."""
    console = Console(stderr=True)
    console.quiet = not console.is_terminal
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=console.quiet) as progress:
        task = progress.add_task("", total=len(scripts))
        for script in scripts:
            progress.update(task, description=f"{script.id:<4} {script.title[:44]:<44}")
            try:
                with drawn(script, wanted["theme"]) as drawing:
                    saved = _save(script, drawing, wanted)
                if saved:
                    yield script, drawing
            except (AssertionError, FileNotFoundError) as error:
                tell(f"{script.id}: {explain(error)}")
                yield None
            progress.advance(task)


def _save(script: Script, drawing: Drawing, wanted: Mapping[str, Any]) -> bool:
    """Write the still, and the film if there is one. Without format= a figure that moves gets both.

    Returns:
        False if nothing was written: format=gif skips the figures that do not move.
    """
    file = wanted["out"] / script.path.stem
    inches = drawing.figure.get_size_inches()[0]
    if wanted["format"] != "gif":
        suffix = wanted["format"] or "png"
        drawing.figure.savefig(file.with_suffix(f".{suffix}"), dpi=(wanted["width"] or 1600) / inches)
    if drawing.film is not None and wanted["format"] in (None, "gif"):
        drawing.film.save(
            file.with_suffix(".gif"), writer="pillow", dpi=(wanted["width"] or GIF_WIDTH) / inches
        )
    elif wanted["format"] == "gif":
        if wanted["id"]:
            raise ValueError(f"{script.id} does not move: choose format=png, svg or pdf.")
        return False
    return True


def _markdown(done: Sequence[tuple[Script, Drawing]]) -> str:
    """Return the page docs/FIGURES.md."""
    lines = [
        "# The figures of the slides",
        "",
        "Each figure is one script, which also checks the property that makes the picture honest. Written by",
        "`python scripts/figures.py table=docs/FIGURES.md`, which draws all of them; seconds on two cores.",
        "",
        "| id | lectures | slide | figure | property: measured value | seconds |",
        "|---|---|---|---|---|---:|",
    ]
    for script, drawing in done:
        source = f"../intro_dl/figures/{script.path.relative_to(FOLDER).as_posix()}"
        shown = "<br>".join(f"{what}: {value}" for what, value in drawing.shown).replace("|", "\\|")
        cells = script.id, ", ".join(script.lectures), script.slides, f"[{script.title}]({source})", shown
        lines.append(f"| {' | '.join(cells)} | {drawing.seconds:.1f} |")
    return "\n".join(lines) + "\n"
