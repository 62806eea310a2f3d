"""What a model wrote: which tunes are valid, what was copied, and the files that are left to open."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track

from intro_dl.music.check import problems
from intro_dl.music.copying import longest_copied
from intro_dl.music.midi import write_midi
from intro_dl.music.notation import Tune, read_tune, split_tunes


@dataclass
class JudgedTune:
    """A tune that a model wrote.

    `problems` is empty if it is valid; `copied` is its longest passage of the training text, None where that
    is not to be found.
    """

    text: str
    problems: list[str]
    copied: str | None


def finished_tunes(text: str) -> tuple[list[str], bool]:
    """The tunes of a text that was cut off somewhere, and whether a last one was left out for that.

    A tune is finished if an empty line follows. Where not even the first one is, it counts all the same: or
    models that never come to an end would look better than they are.
    """
    tunes = split_tunes(text)
    cut_off = len(tunes) > 1 and not re.search(r"\n[ \t]*\n\s*$", text)
    return (tunes[:-1], True) if cut_off else (tunes, False)


def judge_tunes(texts: list[str], training_text: str | None) -> tuple[list[JudgedTune], int]:
    """Every finished tune of the texts, judged, and how many were cut off and are not counted."""
    found = [finished_tunes(text) for text in texts]
    tunes = [read_tune(tune) for finished, _ in found for tune in finished]
    judged = [
        JudgedTune(
            tune.text, problems(tune), longest_copied(tune.text, training_text) if training_text else None
        )
        for tune in _tracked(tunes, "Comparing with the training text")
    ]
    return judged, sum(cut_off for _, cut_off in found)


def report_tunes(texts: list[str], settings: dict[str, Any], training_text: str | None, out: Path) -> None:
    """Print the share of valid tunes and what was copied; write the valid ones and report.json into `out`."""
    judged, cut_off = judge_tunes(texts, training_text)
    valid = [each for each in judged if not each.problems]
    different = len({each.text.partition("\nK:")[2] for each in valid})  # by their music, not their titles
    share = len(valid) / len(judged) if judged else 0.0
    print(f"Tunes       {len(judged)}" + (f", and {cut_off} cut off, not counted" if cut_off else ""))
    print(
        f"Valid       {len(valid)} ({share:.0%}) at temperature {settings['temperature']:g}, "
        f"{different} of them different"
    )
    for each in [each for each in judged if each.problems][:5]:
        title = (read_tune(each.text).value("T") or each.text[:20]).strip()
        more = len(each.problems) - 1
        print(f"  not valid {title}: {each.problems[0]}" + (f" (and {more} more)" if more else ""))
    if len(judged) - len(valid) > 5:
        print(f"  not valid {len(judged) - len(valid) - 5} others: see report.json")
    copied = [each.copied for each in judged if each.copied is not None]
    if copied:
        print(f"Copied      {_longest(copied)}; in half of the tunes at most {median(map(len, copied)):g}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(valid, start=1):
            tune = read_tune(each.text)
            name = f"{number:03d}-{_file_name(tune)}"
            (out / f"{name}.abc").write_text(each.text + "\n", encoding="utf-8")
            write_midi(tune, out / f"{name}.mid")
        report = {
            "settings": settings,
            "tunes": len(judged),
            "cut_off": cut_off,
            "valid": len(valid),
            "valid_and_different": different,
            "valid_share": share,
            "longest_copied": max(map(len, copied), default=None),
            "judged": [asdict(each) for each in judged],
        }
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (out / "report.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"Cannot write to {out}: {error.strerror}. Name another folder with out=."
        ) from error
    print(f"Written     {out}: {len(valid)} tunes as .abc and .mid, report.json")


def report_texts(
    texts: list[str], settings: dict[str, Any], training_text: str | None, out: Path | None
) -> None:
    """Print what was copied from the training text; write the texts into `out`, if it is named."""
    if training_text is not None:
        begin = len(settings["prompt"])
        copied = [longest_copied(text[begin:], training_text) for text in _tracked(texts, "Comparing")]
        print(f"Copied      {_longest(copied)}")
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts, start=1):
            (out / f"{number:03d}.txt").write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"Cannot write to {out}: {error.strerror}. Name another folder with out=."
        ) from error
    print(f"Written     {out}: {len(texts)} texts")


def _longest(copied: list[str]) -> str:
    longest = max(copied, key=len)
    return f"at most {len(longest)} characters in a row are from the training text: {longest!r}"


def _file_name(tune: Tune) -> str:
    """The title in small letters and hyphens."""
    return (
        re.sub(r"[^a-z0-9]+", "-", (tune.value("T") or "").lower().replace("'", "")).strip("-")[:40] or "tune"
    )


def _tracked(items: list, what: str) -> Any:
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)
