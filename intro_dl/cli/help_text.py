"""Write `intro-dl train --help`: every group and option, each with the first line of its yaml."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from intro_dl import configs

GROUPS = {
    "model": "what to train",
    "data": "what to train on",
    "optim": "how each step changes the weights",
    "scheduler": "how the learning rate changes",
    "regularization": "what reduces overfitting",
    "callbacks": "what else happens during training",
    "logger": "where the curves are shown",
    "trainer": "where and how long to train",
    "experiment": "a named set of options and values",
    "sweep": "values to run, a job for each",
}
HEAD = """\
Train one lecture model. Choose one option of each group, and change any of its keys:

    intro-dl train model=lenet optim=adam
    intro-dl train model=mlp optim.lr=0.01 "model.hidden=[500,500]" trainer.max_epochs=5
    intro-dl train -m optim.lr=1e-4,1e-3,1e-2
    intro-dl train resume=outputs/lenet/<run>
"""
TAIL = """\
--cfg job                 print all keys and values of a command instead of running it
-m                        run every combination of values separated by commas
--hydra-help              more flags of Hydra, e.g. completion of options with TAB
"""


def text(width: int | None = None) -> str:
    """Return the help for a screen of `width` columns; None means the width of the terminal."""
    width = width or shutil.get_terminal_size().columns
    parts = [HEAD]
    for group, what in GROUPS.items():
        if options := describe(group):
            parts += [f"{group}=...  {what}", *_rows(options, width), ""]
    return "\n".join([*parts, "keys of every run", *_rows(root_keys(), width), "", TAIL])


def root_keys() -> dict[str, str]:
    """Return the keys outside of all groups, each with its comment in train.yaml."""
    content = Path(configs.__file__).with_name("train.yaml").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+): [^#\n]*# (.*)$", content, re.MULTILINE))


def describe(group: str) -> dict[str, str]:
    """Return the options of a group, each with the first comment of its yaml."""
    folder = Path(configs.__file__).parent / group
    paths = sorted(folder.rglob("*.yaml"), key=lambda path: (path.parent, path.stem))  # subfolders last
    return {path.relative_to(folder).with_suffix("").as_posix(): _first_comment(path) for path in paths}


def _first_comment(path: Path) -> str:
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if "@package" not in line)
    return next((line.removeprefix("#").strip() for line in lines if line.startswith("#")), "")


def _rows(options: Mapping[str, str], width: int) -> Iterator[str]:
    column = max(21, *map(len, options))
    for name, says in options.items():
        indent = f"    {name:<{column}} "
        yield textwrap.fill(says, width, initial_indent=indent, subsequent_indent=" " * len(indent))
