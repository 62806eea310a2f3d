"""Say what to type when a module of this package is run as a program."""

import os
import sys
from pathlib import Path

EXAMPLES = {
    "train": "model=lenet optim=adam",
    "evaluate": "outputs/lenet/<time>",
    "predict": "outputs/lenet/<time> digit.png",
    "sample": "outputs/char_lstm/<time>",
    "export": "outputs/lenet/<time>",
    "compare": "outputs/lenet",
    "results": "outputs/sweeps/<time>",
    "lectures": "lecture=004",
}


def what_to_type() -> str:
    """Return an example of each command."""
    lines = [f"python scripts/{name}.py {example}" for name, example in EXAMPLES.items()]
    return "\n".join(["Run one of these in the project directory; each has --help:", *lines])


def check_program(package: str) -> None:
    """Exit if Python was told to run a module of this package that is not a program.

    Args:
        package: the directory of the package.
    """
    if sys.argv[0] == "-m":  # while `python -m <module> ...` looks for the module
        name = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
    else:
        name = os.path.relpath(os.path.realpath(sys.argv[0]), os.path.dirname(package))
        name = name.removesuffix(".py").replace(os.sep, ".")
    parts = name.split(".")
    file = Path(package, *parts[1:])
    sources = [path for path in (file.with_suffix(".py"), file / "__main__.py") if path.is_file()]
    if parts[0] != "intro_dl" or any("__main__" in path.read_text(encoding="utf-8") for path in sources):
        return
    commands = [part for part in reversed(parts) if part in EXAMPLES] or ["train"]
    sys.exit(
        f"Error: {name} is not a program. Type, in the project directory: "
        f"python scripts/{commands[0]}.py {EXAMPLES[commands[0]]}"
    )
