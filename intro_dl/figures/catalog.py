"""Find the scripts of the figures, read their heads, and run them."""

import re
import runpy
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HEAD = re.compile(
    r"G(?P<number>\d+): (?P<title>.+?)\.\n\nLectures? (?P<lectures>[\d, ]+); slides? (?P<slides>.+?)\."
    r"(\s+Claims? (?P<claims>[A-Z]\d[\w,\s]*)\.)?(\n\n|\s*\Z)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Script:
    """The head of a script: what it draws, and for which slides.

    Args:
        id: e.g. "G5", as file g05_*.py.
        lectures: e.g. ("000", "003").
        slides: the titles of the slides, in quotes.
        claims: the claims about these slides, e.g. ("F5", "E8").
    """

    id: str
    title: str
    lectures: tuple[str, ...]
    slides: str
    claims: tuple[str, ...]
    path: Path

    @property
    def moves(self) -> bool:
        """Whether the script makes a film."""
        return "\nfilm = animate(" in self.path.read_text(encoding="utf-8")


@cache
def all_scripts() -> dict[str, Script]:
    """Return the scripts by id, in the order of their numbers. Nothing of them is executed."""
    found = FOLDER.glob("lecture_*/g[0-9][0-9]_*.py")
    paths = [path for path in found if not path.stem.endswith("_measure")]  # what a figure reads, not draws
    return {script.id: script for script in map(read_head, sorted(paths, key=lambda path: path.name))}


def read_head(path: Path) -> Script:
    """Read the docstring at the top of a script.

    Raises:
        ValueError: if it lacks the id, the title, the lectures or the slides.
    """
    docstring = path.read_text(encoding="utf-8").split('"""')[1]
    found = HEAD.match(docstring)
    if not found or int(found["number"]) != int(path.name[1:3]):
        raise ValueError(
            f'{path.name} must begin with """G5: Title.\n\nLecture 000; slide "...". Claims F5, E8.'
        )
    words = {name: " ".join((text or "").split()) for name, text in found.groupdict().items()}
    lectures, claims = (tuple(words[name].replace(",", " ").split()) for name in ("lectures", "claims"))
    return Script(f"G{int(words['number'])}", words["title"], lectures, words["slides"], claims, path)


def figures_of(claim: str) -> list[Script]:
    """Return the figures that belong to a claim, e.g. "F5"."""
    return [script for script in all_scripts().values() if claim in script.claims]


def png(script: Script, width: int) -> bytes:
    """Return a figure as a PNG of this width in pixels.

    Raises:
        AssertionError: if the property that the figure shows does not hold.
        FileNotFoundError: if it needs a measurement that does not exist.
    """
    file = BytesIO()
    with drawn(script) as drawing:
        drawing.figure.savefig(file, format="png", dpi=width / drawing.figure.get_size_inches()[0])
    return file.getvalue()


@dataclass(frozen=True)
class Drawing:
    """A figure that was drawn, its film if it moves, its properties and their values, and the seconds."""

    figure: Any
    film: Any
    shown: list[tuple[str, str]]
    seconds: float


@contextmanager
def drawn(script: Script, theme: str = "light") -> Iterator[Drawing]:
    """Run a script and give its figure for a while. The random state and matplotlib's settings are restored.

    Raises:
        AssertionError: if the property that the figure shows does not hold.
    """
    import matplotlib.pyplot as plt
    import torch
    from pytorch_lightning.utilities.seed import isolate_rng

    from intro_dl.figures.engine import properties, style

    properties.SHOWN.lines.clear()
    properties.SHOWN.strict = True
    before = plt.get_backend()
    plt.switch_backend("agg")
    try:
        with isolate_rng(), style.theme(theme), warnings.catch_warnings():
            # From plt.show(), which is for those who run a script alone.
            warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")
            start = time.perf_counter()
            torch.manual_seed(0)
            with redirect_stdout(StringIO()):
                names = runpy.run_path(str(script.path))
            seconds = time.perf_counter() - start
            film = names.get("film")
            if film is not None:
                film._draw_was_started = True  # else matplotlib warns of a film that is not saved
            yield Drawing(plt.gcf(), film, list(properties.SHOWN.lines), seconds)
    finally:
        properties.SHOWN.strict = False
        plt.close("all")
        plt.switch_backend(before)
