"""`python scripts/train.py --help`: every group and option, each with the first line of its yaml."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from intro_dl import configs

GROUPS = {
    "model": "what is trained",
    "data": "what it is trained on",
    "optim": "how the weights follow the gradient",
    "scheduler": "how the learning rate changes",
    "regularization": "what keeps it from overfitting",
    "callbacks": "what happens beside the training",
    "trainer": "where and how long",
    "experiment": "a named recipe: several of the above with their numbers",
    "sweep": "values to run through",
}
HEAD = """\
Train one lecture model. Choose one option of each group, and change any key of it:

    python scripts/train.py model=lenet optim=adam
    python scripts/train.py model=mlp optim.lr=0.01 'model.hidden=[500,500]' trainer.max_epochs=5
    python scripts/train.py -m optim.lr=1e-4,1e-3,1e-2
    python scripts/train.py resume=outputs/lenet/<run>
"""
TAIL = """\
--cfg job                 print all keys and values of a command instead of running it
-m                        run every combination of values separated by commas
--hydra-help              what else Hydra offers, e.g. completion of options with TAB
"""


def text(width: int | None = None) -> str:
    """The help, for a screen of so many columns; None takes the terminal's."""
    width = width or shutil.get_terminal_size().columns
    parts = [HEAD]
    for group, what in GROUPS.items():
        options = describe(group)
        if options:
            parts.append(f"{group}=...  {what}")
            parts += [*_rows(options, width), ""]
    return "\n".join([*parts, "and keys of every run", *_rows(root_keys(), width), "", TAIL])


def root_keys() -> dict[str, str]:
    """The keys that belong to no group, each with what train.yaml says it is."""
    content = Path(configs.__file__).with_name("train.yaml").read_text()
    return dict(re.findall(r"^(\w+): [^#\n]*# (.*)$", content, re.MULTILINE))


def describe(group: str) -> dict[str, str]:
    """The options of a group, each with what its yaml says it is."""
    folder = Path(configs.__file__).parent / group
    paths = sorted(folder.rglob("*.yaml"), key=lambda path: (path.parent, path.stem))  # those in folders last
    return {path.relative_to(folder).with_suffix("").as_posix(): _first_comment(path) for path in paths}


def _first_comment(path: Path) -> str:
    for line in path.read_text().splitlines():
        if line.startswith("#") and "@package" not in line:
            return line.removeprefix("#").strip()
    return ""


def _rows(options: Mapping[str, str], width: int) -> Iterator[str]:
    column = max(21, *map(len, options))
    for name, says in options.items():
        beside = f"    {name:<{column}} "
        yield textwrap.fill(
            re.sub(r"\s+", " ", says), width, initial_indent=beside, subsequent_indent=" " * len(beside)
        )
