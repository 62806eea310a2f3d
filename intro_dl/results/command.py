"""The command `intro-dl results`: add runs to results/ and write RESULTS.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.results.evidence import RESULTS, SHIPPED
from intro_dl.results.page import page, read_summaries, write_headers, write_tables
from intro_dl.results.summary import summarize
from intro_dl.results.systems import read_systems
from intro_dl.runs.files import shown_path, to_json, typed_path, write_whole

OPTIONS = {
    "seeds": Option(Annotated[int, Ge(2)]),
    "test_images": Option(Size, 10_000),
    "machine": Option(str),
}


def main(arguments: Sequence[str], results: Path = RESULTS) -> int:
    """Add the runs of the given folders, if any; write RESULTS.md, and the parts of other files."""
    folders, options = read_options(arguments, OPTIONS)
    if results == SHIPPED:
        raise ValueError(
            "results writes RESULTS.md in a checkout. Compare your runs with: intro-dl compare <folder>"
        )
    if given := [name for name, option in OPTIONS.items() if options[name] != option.default and not folders]:
        raise ValueError(f"{given[0]}= describes runs: name their folders too.")
    summaries = summarize([typed_path(folder) for folder in folders], **options) if folders else {}
    written = []
    for name, summary in summaries.items():
        path = results / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_json(summary))
        written.append(path)
    summaries, systems, path = read_summaries(results), read_systems(results), results.parent / "RESULTS.md"
    write_whole(path, page(summaries, systems))
    written += [path, *write_headers(results.parent / "configs" / "experiment", summaries)]
    written += write_tables(results.parent / "docs", systems)
    for path in written:
        print(f"Wrote {shown_path(path)}.")
    return 0
