"""The command `intro-dl figures`: draw the pictures of the slides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from rich.console import Console
from rich.table import Table

from intro_dl.config.names import closest
from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.figures.catalog import FOLDER, Drawing, Script, all_scripts, drawn
from intro_dl.runs.files import in_markdown, read_json, require_writable, to_json, write_whole
from intro_dl.runs.program import explain, say_loading, tell
from intro_dl.runs.progress_bar import with_bar

SECONDS = FOLDER / "seconds.json"  # of each script, on the machine that wrote docs/FIGURES.md
STILL_WIDTH, GIF_WIDTH = 1600, 900  # pixels, unless width= says otherwise: a film of 1600 has several MB

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
        raise ValueError(f"width= counts pixels, which {wanted['format']} does not have: leave out width=.")
    if wanted["format"] == "gif":
        scripts = _moving(scripts, named=bool(wanted["id"]))
    if wanted["table"] and len(scripts) < len(all_scripts()):
        raise ValueError("table= lists all figures: leave out id=, lecture= and format=gif.")
    _prepare(wanted["out"], wanted["table"])
    say_loading()
    import intro_dl.training.product  # noqa: F401  so that the first figure does not pay for the imports

    done = list(_draw(scripts, wanted))
    if wanted["table"] and len(done) == len(scripts):
        write_whole(wanted["table"], _markdown(done))
        write_whole(SECONDS, to_json({script.id: round(drawing.seconds, 1) for script, drawing in done}))
    for script, drawing in done if wanted["id"] else []:
        for what, value in drawing.shown:
            print(f"{script.id}  {what}: {value}")
    if done:
        print(f"Wrote {len(done)} figure{'s' * (len(done) != 1)} to {wanted['out']}.")
    return 0 if len(done) == len(scripts) else 1


def choose(ids: Sequence[str], lecture: str | None) -> list[Script]:
    """Return the scripts with these ids, all if there are none, that `lecture` shows (None: any).

    Raises:
        ValueError: for an unknown id; the message has the nearest one.
    """
    known = all_scripts()
    for id in ids:
        if id.upper() not in known:
            close = closest(id, [name.lower() for name in known])
            guess = f" Did you mean {close.upper()}?" if close else ""
            raise ValueError(f"Unknown id={id}.{guess} `intro-dl figures list` shows all ids.")
    chosen = [known[id] for id in dict.fromkeys(map(str.upper, ids))] or list(known.values())
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


def _moving(scripts: Sequence[Script], named: bool) -> list[Script]:
    """Return the scripts that make a film. One that does not is an error if it was named."""
    still = [script.id for script in scripts if not script.moves]
    if still and (named or len(still) == len(scripts)):
        raise ValueError(
            f"{', '.join(still)} cannot be a gif: these figures do not move. Leave out format=gif."
        )
    return [script for script in scripts if script.moves]


def _prepare(out: Path, table: Path | None) -> None:
    """Make the directories, before anything is computed."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"out={out} is a file: name a directory.")
    if table is not None and table.is_dir():
        raise ValueError(f"table={table} is a directory: name a file in it.")
    require_writable(out, f"out={out}", "directory")
    if table is not None:
        require_writable(table.parent, f"table={table}", "file")


def _draw(scripts: Sequence[Script], wanted: Mapping[str, Any]) -> Iterator[tuple[Script, Drawing]]:
    """Draw and save each figure, with a progress bar. One that fails is told and left out."""
    on_terminal = Console(stderr=True).is_terminal
    for script in with_bar(scripts, lambda script: f"{script.id:<4} {script.title}"):
        try:
            with drawn(script, wanted["theme"]) as drawing:
                files = _save(script, drawing, wanted)
            if not on_terminal:
                print(f"{script.id:<4} {', '.join(file.name for file in files)}", flush=True)
            yield script, drawing
        except (AssertionError, FileNotFoundError, ValueError) as error:
            tell(f"{script.id}: {error}")
        except Exception as error:  # a script may be the student's: the others are drawn all the same
            tell(f"{script.id}: {explain(error)}")


def _save(script: Script, drawing: Drawing, wanted: Mapping[str, Any]) -> list[Path]:
    """Write the still, and the film if there is one, and return the files. Without format= it writes both."""
    inches = drawing.figure.get_size_inches()[0]
    writers: dict[str, Callable[[Path], None]] = {}
    if wanted["format"] != "gif":
        dpi = (wanted["width"] or STILL_WIDTH) / inches
        writers[wanted["format"] or "png"] = lambda file: drawing.figure.savefig(file, dpi=dpi)
    if drawing.film is not None and wanted["format"] in (None, "gif"):
        pace = (wanted["width"] or GIF_WIDTH) / inches
        writers["gif"] = lambda file: drawing.film.save(file, writer="pillow", dpi=pace)
    files = []
    for suffix, write in writers.items():
        part = wanted["out"] / f".{script.path.stem}.part.{suffix}"  # a kill leaves no half picture
        write(part)
        files.append(part.replace(wanted["out"] / f"{script.path.stem}.{suffix}"))
    return files


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
        shown = "<br>".join(in_markdown(f"{what}: {value}") for what, value in drawing.shown)
        cells = script.id, ", ".join(script.lectures), script.slides, f"[{script.title}]({source})", shown
        lines.append(f"| {' | '.join(cells)} | {drawing.seconds:.1f} |")
    return "\n".join(lines) + "\n"
