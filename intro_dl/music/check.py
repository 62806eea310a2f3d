"""Is this text a tune? Its header, its notes, and whether every bar is as long as the metre says.

The rules are those of the standard, with the habits of the tunes that people write: calibrated on irish.abc,
of whose 804 tunes 785 are valid by them. The others have real slips: a bar line forgotten
or a beat too many, a letter that is no note, a metre changed without brackets, no notes at all.

Source: The ABC music standard 2.1 (Dec 2011), https://abcnotation.com/wiki/abc:standard:v2.1, sections 2.2.2
(tune header), 3.1 (information fields) and 4.8 (repeat and bar symbols).
"""

from fractions import Fraction

from intro_dl.music.notation import Bar, Tune, read_tune
from intro_dl.music.playing import playing_order

NEEDED = ("X", "T", "M", "L", "K")  # K: ends the header, so the others stand before it


def check_tune(text: str) -> list[str]:
    """What is wrong with a tune, in sentences; nothing if it is valid.

    Its header has X: first, then T:, with M: and L: before K:, which ends it. All that follows can be read.
    The endings [1 and [2 come in pairs. And each bar is as long as its metre: a shorter one is made full by
    the bar that is played before or after it (a pick-up), with repeats and endings as they are heard. Only
    the first and the last bar of a tune may stand alone; if both are short, they make one bar together.
    """
    return problems(read_tune(text))


def problems(tune: Tune) -> list[str]:
    """The same of a tune that was read already."""
    return [*_header(tune), *tune.problems, *_endings(tune.bars), *_bar_lengths(tune.bars)]


def _header(tune: Tune) -> list[str]:
    names = [name for name, _ in tune.header]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        return [f"the header has no {', '.join(f'{name}:' for name in missing)}"]
    found = []
    if names[:2] != ["X", "T"]:
        found.append(f"the header begins with {names[0]}: and {names[1]}:, not with X: and T:")
    found += [f"the header has {name}: {names.count(name)} times" for name in "XML" if names.count(name) > 1]
    if not (tune.value("X") or "").isdecimal():
        found.append(f"X:{tune.value('X')} is no number")
    if not tune.value("T"):
        found.append("the title T: is empty")
    return found


def _endings(bars: list[Bar]) -> list[str]:
    found, before = [], 0
    for bar in [bar for bar in bars if bar.endings]:
        number = bar.endings[0]
        if number not in (1, before + 1):
            found.append(f"line {bar.line}: the ending [{number} follows no [{number - 1}")
        if number == 1 == before:
            found.append(f"line {bar.line}: the ending [1 before had no [2")
        before = bar.endings[-1]
    return [*found, "the last ending [1 has no [2"] if before == 1 else found


def _bar_lengths(bars: list[Bar]) -> list[str]:
    if bars and all(bar.duration < bar.full for bar in bars):
        return ["no bar is full"]
    played = [bars[i] for i in playing_order(bars)]
    found: dict[str, None] = {}  # a bar that is played twice is named once
    i, last = 0, len(played) - 1
    while i <= last:
        bar = played[i]
        short = bar.duration < bar.full
        if short and i < last and bar.duration + played[i + 1].duration == bar.full:
            i += 2  # the last bar of a part and the pick-up of the next
            continue
        if bar.duration != bar.full and not (short and i in (0, last)):
            found[_wrong_length(bar)] = None
        i += 1
    if not found and last > 0:
        first, final = played[0], played[last]
        both_short = first.duration < first.full and final.duration < final.full
        if both_short and first.metre == final.metre and first.duration + final.duration != first.full:
            found[f"{_wrong_length(final)}, which does not complete the first"] = None
    return list(found)


def _wrong_length(bar: Bar) -> str:
    beats = _number(bar.duration * bar.metre[1])
    return f"line {bar.line}: a bar of {beats} beats in {bar.metre[0]}/{bar.metre[1]}"


def _number(value: Fraction) -> str:
    """4, 3 1/2, 2/3."""
    whole, rest = divmod(value, 1)
    return f"{whole} {rest}" if whole and rest else f"{rest or whole}"
