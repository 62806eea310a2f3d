"""Check tunes in ABC notation with abc2midi, write them as MIDI, and find copied passages.

A tune is valid if abc2midi turns it into notes and reports no error and no warning, except that it added the
beginning of a repeat, which many tunes leave out. abc2midi checks the header, every character, the endings of
repeats, and whether each bar is as long as the meter says.

727 of the 804 tunes of irish.abc are valid: `pytest tests/inference/test_tunes.py -k irish`. abc2midi rejects
56 for an ending [1 or [2 where it expects a repeat, 19 for bars of a wrong length, and 2 have no notes.

abc2midi comes with the package symusic (extra `music`). symusic has the MIT license, but abc2midi is a
program under the GPL; it runs as a separate process. `symusic.Score.from_abc` alone is not a check: it
discards what abc2midi reports and accepts almost any text with a header.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MESSAGE = re.compile(r"(?:Error|Warning) in line-char (\d+)-\d+ : (.*)")
HARMLESS = ("Assuming repeat", "replacing |: with double repeat (::)")
TIME_LIMIT = 10  # seconds for one tune; it takes about 0.02


@dataclass
class Tune:
    """A tune as abc2midi reads it.

    Args:
        text: the tune in ABC notation.
        problems: what is wrong with it; empty if it is valid.
        midi: the content of a MIDI file; empty if abc2midi wrote none.
    """

    text: str
    problems: list[str]
    midi: bytes = b""

    @property
    def title(self) -> str:
        """The first field `T:`."""
        found = re.search(r"^T:(.*)", self.text, re.MULTILINE)
        return found[1].strip() if found else ""


def split_tunes(text: str) -> list[str]:
    """Split a text into tunes: an empty line ends each. Parts without X: are returned too."""
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def finished_tunes(text: str) -> tuple[list[str], bool]:
    """Return the tunes of a text that ends somewhere, and whether an unfinished last one was left out.

    An empty line finishes a tune. The only tune of a text counts even if it is unfinished: otherwise a model
    that never finishes would look better than it is.
    """
    tunes = split_tunes(text)
    cut_off = len(tunes) > 1 and not re.search(r"\n[ \t]*\n\s*$", text)
    return (tunes[:-1], True) if cut_off else (tunes, False)


def read_tune(text: str) -> Tune:
    """Read a tune with abc2midi.

    Raises:
        ValueError: if symusic is not installed.
    """
    try:
        import symusic  # its import tells where abc2midi is
    except ImportError as error:
        raise ValueError(
            'Checking tunes and writing MIDI need symusic. Install it with: pip install -e ".[music]"'
        ) from error
    read_midi: Any = symusic.Score.from_midi
    with TemporaryDirectory() as folder:
        abc, midi = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        abc.write_text(f"{text}\n", encoding="utf-8")
        command = [os.environ["SYMUSIC_ABC2MIDI"], str(abc), "-o", str(midi)]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return Tune(text, [f"abc2midi did not finish within {TIME_LIMIT} seconds"])
        content = midi.read_bytes() if midi.is_file() else b""
    found = MESSAGE.findall((ran.stdout + ran.stderr).decode("utf-8", "replace"))
    lines = [f"line {line}: {what.strip()}" for line, what in found if what.strip() not in HARMLESS]
    if ran.returncode:
        lines.append(f"abc2midi failed with exit code {ran.returncode}")
    elif not lines and not read_midi(content).note_num():
        lines.append("there are no notes")
    return Tune(text, list(dict.fromkeys(lines)), content)  # each once: it reads a repeat twice


def longest_copied(text: str, training_text: str) -> str:
    """Return the longest passage of `text` that is also in `training_text`, the first of equally long ones.

    The header of a tune counts like its music. Each start is searched only for a passage longer than the
    best so far, so the cost is about len(text) searches.
    """
    best = ""
    for start in range(len(text)):
        while start + len(best) < len(text) and text[start : start + len(best) + 1] in training_text:
            best = text[start : start + len(best) + 1]
    return best
