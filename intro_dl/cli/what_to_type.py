"""Say what to type when a module of this package is run as a program."""

import os
import sys
from pathlib import Path


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
    texts = [path.read_text(encoding="utf-8") for path in sources]
    runs = any("__main__" in text or "\n# %%" in text for text in texts)  # cells: the script of a figure
    if parts[0] == "intro_dl" and not runs:
        sys.exit(f"Error: {name} is not a program. The commands: python -m intro_dl --help")
