"""The fields of an ABC tune that say how its notes are to be read: metre, unit of length, key.

Source: The ABC music standard 2.1 (Dec 2011), sections 3.1.6 M:, 3.1.7 L: and 3.1.14 K:,
https://abcnotation.com/wiki/abc:standard:v2.1
"""

import re
from fractions import Fraction

SHARPS = "FCGDAEB"  # the order in which a key signature gets its sharps; its flats come in the reverse order
MODES = {  # fifths from the major key on the same tonic
    "lydian": 1,
    "major": 0,
    "ionian": 0,
    "mixolydian": -1,
    "dorian": -2,
    "minor": -3,
    "aeolian": -3,
    "phrygian": -4,
    "locrian": -5,
}


def read_metre(value: str) -> tuple[int, int]:
    """The time signature of an M: field: "6/8" is (6, 8), "C" is (4, 4), "C|" is (2, 2).

    Raises:
        ValueError: if it is none.
    """
    value = value.strip()
    if value in ("C", "C|"):
        return (4, 4) if value == "C" else (2, 2)
    match = re.fullmatch(r"([1-9]\d?)/(1|2|4|8|16|32)", value)
    if not match:
        raise ValueError(f"M:{value} is no metre such as 6/8, C or C|")
    return int(match[1]), int(match[2])


def read_unit(value: str) -> Fraction:
    """The length of a note without a number, of a whole note: 1/8 for L:1/8.

    Raises:
        ValueError: if it is none.
    """
    match = re.fullmatch(r"1/(1|2|4|8|16|32|64)", value.strip())
    if not match:
        raise ValueError(f"L:{value.strip()} is no length of a note such as 1/8")
    return Fraction(1, int(match[1]))


def read_key(value: str) -> int:
    """The number of sharps of a K: field, negative for flats: "D Major" 2, "A Dorian" 1, "F" -1, "Em" 1.

    Raises:
        ValueError: if it is no key, or would need more than seven sharps or flats.
    """
    match = re.fullmatch(r"([A-G])([#b]?)\s*([A-Za-z]*)", value.strip())
    mode = match[3].lower() if match else ""
    named = [name for name in MODES if name.startswith(mode) and len(mode) >= 3]
    if not match or (mode not in ("", "m") and not named):
        raise ValueError(f"K:{value.strip()} is no key such as D, Em or G Mixolydian")
    shift = -3 if mode == "m" else MODES[named[0]] if mode else 0
    fifths = SHARPS.index(match[1]) - 1 + {"#": 7, "b": -7, "": 0}[match[2]] + shift
    if abs(fifths) > 7:
        raise ValueError(f"K:{value.strip()} needs {abs(fifths)} sharps or flats: a key has at most 7")
    return fifths


def signature(fifths: int) -> dict[str, int]:
    """What a key does to each letter, in semitones: {"F": 1, "C": 1} for 2 sharps."""
    if fifths >= 0:
        return dict.fromkeys(SHARPS[:fifths], 1)
    return dict.fromkeys(SHARPS[fifths:], -1)
