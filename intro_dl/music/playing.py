"""In which order the bars of a tune are played: repeats and first and second endings, written out."""

from collections.abc import Sequence

from intro_dl.music.notation import Bar


def playing_order(bars: Sequence[Bar]) -> list[int]:
    """The index of each bar, in the order in which they are heard.

    A part between repeat signs is played twice. Where its beginning has no sign it goes back to the last
    double bar line or repeat, or to the beginning of the tune; of its endings, [1 is played the first time
    and [2 the second.

    Source: The ABC music standard 2.1, sections 4.8 and 4.9.
    """
    order: list[int] = []
    begin, turn, i = 0, 1, 0  # where the repeat goes back to, how often we have been here, the bar
    while i < len(bars):
        bar = bars[i]
        if bar.endings and turn not in bar.endings:
            skipped = _next_ending(bars, i + 1, turn)
            if skipped is not None:
                i = skipped
                continue
        order.append(i)
        if ends_with_repeat(bar) and turn == 1:
            i, turn = begin, 2
            continue
        i += 1
        if is_boundary(bar.closed_by):
            begin, turn = i, 1
    return order


def ends_with_repeat(bar: Bar) -> bool:
    """Whether the part before the bar's end is played again: ":|", "::"."""
    return bar.closed_by.startswith(":")


def is_boundary(bar_line: str) -> bool:
    """Whether a part begins or ends here: at a repeat sign or a double bar line, but not at a plain one."""
    return bar_line not in ("|", "")


def _next_ending(bars: Sequence[Bar], start: int, turn: int) -> int | None:
    """The bar where the ending for this turn begins, in the same part of the tune."""
    for i in range(start, len(bars)):
        if turn in bars[i].endings:
            return i
        if is_boundary(bars[i - 1].closed_by) and not bars[i].endings and i > start:
            return None
    return None
