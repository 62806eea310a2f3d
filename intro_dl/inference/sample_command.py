"""The command `python scripts/sample.py`: its options, what it prints, and what it writes.

Free of torch until the options are right, so that a typing mistake is answered at once.
"""

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.config.types import Size

MOST = 1_000_000  # characters of a text; a slip of the finger should not run for days
TUNES = "IrishABC"  # data whose texts are tunes in ABC notation


def _escapes(text: str) -> str:
    r"""What was typed, with \n and \t as the characters that a shell makes hard to type."""
    return re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t", "\\": "\\"}[match[1]], text)


OPTIONS = {
    "prompt": Option(str),
    "length": Option(Annotated[int, Gt(0), Le(MOST)], 500),
    "temperature": Option(Annotated[float, Gt(0), Le(1_000_000)], 0.8),  # top_k=1 takes the likeliest
    "top_k": Option(Size),
    "top_p": Option(Annotated[float, Gt(0), Le(1)]),
    "seed": Option(Annotated[int, Ge(0), Lt(2**63)], 0),
    "samples": Option(Annotated[int, Gt(0), Le(10_000)], 1),
    "unknown": one_of("error", "skip"),
    "stop": Option(str),
    "format": one_of("auto", "text", "abc"),
    "weights": one_of("best", "last"),
    "out": path(),
    "data.root": path(),
    "data.path": path(),
}

SETTINGS = ("length", "samples", "temperature", "top_k", "top_p", "seed", "stop")


def main(arguments: Sequence[str]) -> int:
    """Let the model of a run write, and look at what it wrote.

    Raises:
        ValueError: with a sentence for the user.
    """
    words, wanted = read_options(arguments, OPTIONS)
    wanted |= {key: _escapes(wanted[key]) for key in ("prompt", "stop") if wanted[key]}
    if len(words) != 1:
        named = f"not {len(words)} ({', '.join(words)})" if words else "e.g. outputs/char_lstm/<time>"
        raise ValueError(f"Name one run folder, {named}.")

    out = wanted["out"]
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out={out} is there already: name a new folder.")

    from intro_dl.inference.generate import check_writes_text, known_part, write_texts
    from intro_dl.inference.load import load_run  # torch loads here

    run = load_run(words[0], wanted["weights"])
    check_writes_text(run)
    alphabet = run.metadata["alphabet"]
    tunes = wanted["format"] == "abc" or (wanted["format"] == "auto" and run.metadata["data"] == TUNES)
    asked = wanted["prompt"] or _default_prompt(alphabet, tunes)
    prompt = known_part(asked, alphabet, wanted["unknown"] == "skip")
    if prompt != asked:
        print(f"Left out of the prompt, as unknown: {len(asked) - len(prompt)} characters.", file=sys.stderr)
    settings = {key: wanted[key] for key in SETTINGS}
    if settings["samples"] > 1:
        print("--- 1")
    texts = write_texts(run, prompt, on_text=_show, **settings)
    print("" if texts[0].endswith("\n") else "\n", end="")
    for number, text in enumerate(texts[1:], start=2):
        print(f"--- {number}\n{text.rstrip()}")
    print()

    from intro_dl.inference.generated import report_texts, report_tunes

    source = _find_training_text(run, wanted)
    settings = {
        "run": str(run.folder),
        "weights": run.weights,
        "epoch": run.epoch,
        "prompt": prompt,
    } | settings
    if tunes:
        out = out or run.folder / "tunes" / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
        report_tunes(texts, settings, source, out)
    else:
        report_texts(texts, settings, source, out)
    return 0


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()  # a character at a time, as it is thrown


def _default_prompt(alphabet: str, tunes: bool) -> str:
    if tunes and set("X:1\n") <= set(alphabet):
        return "X:1\n"
    return "\n" if "\n" in alphabet else alphabet[0]


def _find_training_text(run: Any, wanted: dict[str, Any]) -> str | None:
    from intro_dl.inference.training_text import training_text

    try:
        return training_text(run, wanted["data.root"], wanted["data.path"])
    except ValueError as error:
        print(f"Not measured what was copied from the training text: {error}", file=sys.stderr)
        return None
