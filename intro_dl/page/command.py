"""Write the page of trained runs: `intro-dl page`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intro_dl.config.options import one_of, path, read_options
from intro_dl.page.write import shipped, to_page, written_here
from intro_dl.runs.files import require_writable, shown_path, typed, write_whole
from intro_dl.runs.folder import find_checkpoint, named_run
from intro_dl.runs.program import say_loading

OPTIONS = {"weights": one_of("best", "last"), "out": path()}
DEFAULT = Path("outputs/page.html")


def main(arguments: Sequence[str]) -> int:
    """Write the page and return 0; raise ValueError with a message for the user."""
    words, options = read_options(arguments, OPTIONS)
    runs = [named_run(word) for word in words]
    for run in runs:
        find_checkpoint(run, options["weights"])
    file = options["out"] or (runs[0] / "page.html" if len(runs) == 1 else DEFAULT)
    if file.is_dir():
        raise ValueError(f"out={file} is a directory: name a file in it.")
    if file.is_file() and not written_here(file):
        raise ValueError(f"{file} is not a page of this program: name another file with out=.")
    require_writable(file.parent, f"out={file}", "file")
    if runs:
        say_loading()
    own = [_entry(run, options["weights"]) for run in dict.fromkeys(runs)]
    added = _added(own)
    command = " ".join(["intro-dl page", *(typed(shown_path(run)) for run in runs)])
    page = to_page([*own, *added], command).encode()
    write_whole(file, page)
    if added:
        print(f"Added {', '.join(entry['title'] for entry in added)}, which {_ships(len(added))}.")
    print(f"Wrote {shown_path(file)} ({len(page) / 1e6:.1f} MB). Open it in a browser.")
    return 0


def _entry(folder: Path, weights: Any) -> dict[str, Any]:
    """Return the entry of a run, and print how exact its weights are in the page."""
    from intro_dl.inference.load import load_run  # torch loads here
    from intro_dl.page.content import entry_of

    entry, difference = entry_of(load_run(folder, weights), shown_path(folder))
    same = f"the same answers to {difference:.1e}" if difference else "exactly the same answers"
    print(f"{entry['title']:<40} {entry['parameters']:,} weights, {same}")
    return entry


def _added(own: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the models of the package for the tabs that no own run fills."""
    kinds = {entry["kind"] for entry in own}
    return [entry for entry in shipped() if entry["kind"] not in kinds]


def _ships(count: int) -> str:
    return "ships with the package" if count == 1 else "ship with the package"
