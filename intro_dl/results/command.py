"""The command `python scripts/results.py`: add runs to results/, and say in RESULTS.md what is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.results.evidence import RESULTS
from intro_dl.results.header import write_headers
from intro_dl.results.page import page, read_summaries
from intro_dl.results.summary import summarize, write
from intro_dl.runs.files import shown_path

OPTIONS = {
    "seeds": Option(Annotated[int, Ge(2)]),
    "test_images": Option(Size, 10_000),
    "machine": Option(str),
}


def main(arguments: Sequence[str], results: Path = RESULTS) -> int:
    """Add the runs of the folders named, if any; write the page beside `results`, and the recipes' heads."""
    folders, options = read_options(arguments, OPTIONS)
    if given := [name for name, option in OPTIONS.items() if options[name] != option.default and not folders]:
        raise ValueError(f"{given[0]}= says something about runs: name their folders too.")
    summaries = summarize([Path(folder).expanduser() for folder in folders], **options) if folders else {}
    for path in write(summaries, results):
        print(f"Wrote {shown_path(str(path))}.")
    path, kept = results.parent / "RESULTS.md", read_summaries(results)
    path.write_text(page(kept), encoding="utf-8")
    for written in (path, *write_headers(results.parent / "configs" / "experiment", kept)):
        print(f"Wrote {shown_path(str(written))}.")
    return 0
