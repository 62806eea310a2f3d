"""Read a tune in ABC notation: from text to bars of sounding notes, with a list of what could not be read.

What is read is the part of the standard that tunes of one voice use: header fields, notes, rests, chords,
ties, slurs, tuplets, broken rhythm, grace notes, decorations, chord symbols, repeats and variant endings, and
changes of key, metre and unit within the tune. Several voices, overlays, long rests and macros are not.

Source: The ABC music standard 2.1 (Dec 2011), https://abcnotation.com/wiki/abc:standard:v2.1; the numbers of
sections below are its. A "!" at the end of a line is the line break of older files (section 6.1.1).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from intro_dl.music.fields import read_key, read_metre, read_unit, signature

NOTE = r"(?:\^\^?|__?|=)?[A-Ga-g](?:,+|'+)?"  # 4.1, 4.2: accidental, letter, octave
LENGTH = r"(?:[1-9]\d*)?(?:/+(?:[1-9]\d*)?)?"  # 4.3: 2, 3/2, /2, /, //
TOKEN = re.compile(  # the order matters: "[1" and "[K:D]" before the chord "[DF]", "(3" before the slur "("
    rf"""(?P<text>"[^"]*")                                      # 4.18, 4.19: chord symbol or annotation
      | (?P<inline>\[(?P<name>[A-Za-z]):(?P<value>[^\]]*)\])    # 3: a field within a line
      | (?P<bar>:{{0,2}}(?:\|\]|\|\||\[\||\|):{{0,2}}|::)(?P<attached>[1-9])?   # 4.8, 4.9
      | \[(?P<ending>[1-9](?:[,-][1-9])*)                       # 4.9, 4.10: first and second endings
      | (?P<note>{NOTE}(?P<length>{LENGTH}))
      | (?P<rest>[zx](?P<pause>{LENGTH}))                       # 4.5
      | (?P<chord>\[(?P<notes>(?:{NOTE}{LENGTH})+)\](?P<times>{LENGTH}))        # 4.17
      | \((?P<tuplet>[2-9])(?::(?P<q>[1-9]?)(?::(?P<r>[1-9]?))?)?               # 4.13
      | (?P<broken>>+|<+)                                       # 4.4
      | (?P<tie>-)                                              # 4.11
      | (?P<slur>[()])
      | (?P<grace>\{{/?(?:{NOTE}{LENGTH})+\}})                  # 4.12
      | (?P<decoration>[.~HLMOPSTuv]|![a-zA-Z0-9.+<>()]+!)      # 4.14, 4.16
      | (?P<nothing>[ \t`y]+|!\s*$|\\\s*$|%.*$)                 # spaces, line breaks, comments
    """,
    re.VERBOSE,
)
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ALTERED = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}


@dataclass
class Note:
    """What sounds together: pitches as MIDI numbers (60 is middle C), none for a rest."""

    pitches: tuple[int, ...]
    duration: Fraction  # of a whole note
    tied: bool = False  # goes on in the next note


@dataclass
class Bar:
    """The notes between two bar lines."""

    line: int  # of the tune's text, counted from 1
    metre: tuple[int, int]
    fifths: int  # sharps of the key, negative for flats
    opened_by: str = ""  # the bar line before it, "" at the beginning
    closed_by: str = ""  # the bar line after it, "" at the end
    endings: tuple[int, ...] = ()  # (1,) if a first ending begins here
    notes: list[Note] = field(default_factory=list)

    @property
    def duration(self) -> Fraction:
        """How long its notes last, of a whole note."""
        return sum((note.duration for note in self.notes), Fraction(0))

    @property
    def full(self) -> Fraction:
        """How long they should last."""
        return Fraction(*self.metre)


@dataclass
class Tune:
    """A tune as it was read."""

    text: str
    header: list[tuple[str, str]] = field(default_factory=list)  # ("X", "1"), ("T", "The Banshee"), ...
    bars: list[Bar] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # what could not be read, with the line

    def value(self, name: str) -> str | None:
        """The first header field of this name."""
        return next((value for field_name, value in self.header if field_name == name), None)


def split_tunes(text: str) -> list[str]:
    """The tunes of a text: an empty line ends each (2.2). Parts without X: are returned too."""
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def read_tune(text: str) -> Tune:
    """Read one tune; what cannot be read goes into `problems` and is left out of `bars`."""
    return _Reader(text).read()


class _Reader:
    """Reads line by line, token by token; its state is what earlier tokens say about the next note."""

    def __init__(self, text: str) -> None:
        self.tune = Tune(text)
        self.line = 0
        self.metre, self.unit, self.fifths = (4, 4), Fraction(1, 8), 0
        self.bar: Bar | None = None
        self.line_before = ""  # the latest bar line
        self.endings: tuple[int, ...] = ()
        self.accidentals: dict[str, int] = {}  # of this bar
        self.tuplet = (0, Fraction(1))  # notes still to come, and what each is multiplied by
        self.factor: Fraction | None = None  # for the note after > or <
        self.slurs = 0
        self.awaiting = ""  # a decoration, grace note or tie that needs a note after it
        self.handlers: dict[str, Callable[[re.Match], None]] = {
            "bar": self._bar_line,
            "ending": lambda found: self._ending(found["ending"]),
            "inline": lambda found: self._field(found["name"], found["value"]),
            "note": lambda found: self._add([found["note"]], _length(found["length"])),
            "chord": self._chord,
            "rest": lambda found: self._add([], _length(found["pause"])),
            "tuplet": self._tuplet,
            "broken": self._broken,
            "tie": self._tie,
            "slur": self._slur,
            "grace": lambda found: self._await("a grace note"),
            "decoration": lambda found: self._await(f"the decoration {found['decoration']}"),
        }

    def read(self) -> Tune:
        in_header = True
        for number, line in enumerate(self.tune.text.split("\n"), start=1):
            self.line = number
            named = re.match(r"([A-Za-z]):(?![|:])(.*)", line)  # "A:|" is a note before a bar line
            if named and in_header:
                self.tune.header.append((named[1], named[2].strip()))
                self._field(named[1], named[2])
                in_header = named[1] != "K"  # 3.1.14: the key ends the header
            elif named:
                self._field(named[1], named[2])
            elif not line.startswith("%"):
                if in_header:
                    self._problem("music before the header has ended with K:")
                    in_header = False
                self._music(line)
        self._end_bar("")
        self._at_end()
        return self.tune

    def _problem(self, message: str) -> None:
        self.tune.problems.append(f"line {self.line}: {message}")

    def _field(self, name: str, value: str) -> None:
        value = value.partition("%")[0]
        try:
            if name == "M":
                self.metre = read_metre(value)
            elif name == "L":
                self.unit = read_unit(value)
            elif name == "K":
                self.fifths = read_key(value)
        except ValueError as error:
            self._problem(str(error))

    def _music(self, line: str) -> None:
        position = 0
        while position < len(line):
            match = TOKEN.match(line, position)
            if not match:
                self._problem(
                    f"cannot read {line[position]!r} in {line[max(0, position - 8) : position + 8]!r}"
                )
                position += 1
                continue
            self._token(match)
            position = match.end()

    def _token(self, match: re.Match) -> None:
        handle = next((handle for name, handle in self.handlers.items() if match[name] is not None), None)
        if handle is not None:  # spaces, line breaks, comments and texts mean no sound
            handle(match)

    def _chord(self, match: re.Match) -> None:
        """4.17: a chord is as long as its first note, times the length after the bracket."""
        names = re.findall(NOTE + LENGTH, match["notes"])
        first = re.fullmatch(rf"{NOTE}({LENGTH})", names[0])[1]
        self._add(names, _length(first) * _length(match["times"]))

    def _add(self, names: list[str], duration: Fraction) -> None:
        """Append a note, a chord, or a rest, which has no names; `duration` is in units of L:."""
        left, factor = self.tuplet
        if left:
            duration *= factor
            self.tuplet = left - 1, factor
        if self.factor is not None:
            duration *= self.factor
            self.factor = None
        pitches, before = tuple(self._pitch(name) for name in names), self._note_before()
        if self.awaiting == "a tie" and before is not None and not set(before.pitches) & set(pitches):
            self._problem("a tie joins two notes of different pitch")
        self.awaiting = ""
        if self.bar is None:
            self.bar = Bar(self.line, self.metre, self.fifths, self.line_before, endings=self.endings)
            self.endings = ()
        self.bar.notes.append(Note(pitches, duration * self.unit))

    def _pitch(self, name: str) -> int:
        """The MIDI number; an accidental holds for its letter in all octaves, to the end of the bar."""
        accidental, letter, octave = re.match(r"(\^\^?|__?|=)?([A-Ga-g])([,']*)", name).groups()
        natural = letter.upper()
        if accidental:
            self.accidentals[natural] = ALTERED[accidental]
        shift = self.accidentals.get(natural, signature(self.fifths).get(natural, 0))
        octaves = octave.count("'") - octave.count(",") + (letter != natural)
        pitch = 60 + SEMITONES[natural] + shift + 12 * octaves
        if not 0 <= pitch <= 127:
            self._problem(f"the note {name} is beyond hearing")
        return min(max(pitch, 0), 127)

    def _note_before(self) -> Note | None:
        if self.bar is not None:
            return self.bar.notes[-1]
        return self.tune.bars[-1].notes[-1] if self.tune.bars else None

    def _tie(self, match: re.Match) -> None:
        before = self._note_before()
        if before is None or not before.pitches:
            self._problem("a tie without a note before it")
        else:
            before.tied = True
            self._await("a tie")

    def _await(self, what: str) -> None:
        self.awaiting = what

    def _broken(self, match: re.Match) -> None:
        """4.4: a>b makes a longer by a half, and b shorter by as much; >> and >>> go on halving."""
        if self.bar is None:
            return self._problem(f"{match['broken']} without a note before it")
        small = Fraction(1, 2 ** len(match["broken"]))
        dotted = match["broken"][0] == ">"
        self.bar.notes[-1].duration *= 2 - small if dotted else small
        self.factor = small if dotted else 2 - small

    def _tuplet(self, match: re.Match) -> None:
        """4.13: (p:q:r puts p notes into the time of q, for the next r notes."""
        if self.tuplet[0]:
            self._problem("a tuplet begins within another")
        p = int(match["tuplet"])
        compound = self.metre[1] == 8 and self.metre[0] % 3 == 0
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(p, 3 if compound else 2)
        self.tuplet = int(match["r"] or p), Fraction(int(match["q"] or usual), p)

    def _slur(self, match: re.Match) -> None:
        self.slurs += 1 if match["slur"] == "(" else -1
        if self.slurs < 0:
            self._problem("a slur ends that has not begun")
            self.slurs = 0

    def _ending(self, numbers: str) -> None:
        if self.bar is not None:
            self._problem(f"the ending [{numbers} begins within a bar")
        self.bar = None
        first, _, last = numbers.partition("-")
        self.endings = (
            tuple(range(int(first), int(last) + 1)) if last else tuple(map(int, numbers.split(",")))
        )

    def _bar_line(self, match: re.Match) -> None:
        self._end_bar(match["bar"])
        if match["attached"]:
            self._ending(match["attached"])

    def _end_bar(self, bar_line: str) -> None:
        if self.tuplet[0]:
            self._problem(f"a tuplet lacks {self.tuplet[0]} of its notes at the end of the bar")
        if self.factor is not None:
            self._problem("> or < without a note after it")
        if self.awaiting and self.awaiting != "a tie":
            self._problem(f"{self.awaiting} without a note after it")
            self.awaiting = ""
        self.tuplet, self.factor, self.accidentals = (0, Fraction(1)), None, {}
        if self.bar is not None:
            self.bar.closed_by = bar_line
            self.tune.bars.append(self.bar)
            self.line_before = bar_line
        elif self.tune.bars:  # e.g. ":|" at the end of a line and "|:" at the beginning of the next
            self.tune.bars[-1].closed_by += bar_line
            self.line_before += bar_line
        else:
            self.line_before += bar_line
        self.bar = None

    def _at_end(self) -> None:
        if self.awaiting:
            self._problem(f"{self.awaiting} without a note after it")
        if self.slurs:
            self._problem("a slur does not end")
        if not self.tune.bars:
            self._problem("there are no notes")


def _length(written: str) -> Fraction:
    """4.3: "" is 1, "2" is 2, "3/2" is 3/2, "/" is 1/2, "//" is 1/4."""
    number, slash, divisor = re.fullmatch(r"(\d*)(/*)(\d*)", written).groups()
    below = int(divisor) if divisor else 2 ** len(slash)
    return Fraction(int(number or 1), below)
