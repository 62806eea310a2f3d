"""Sample texts from a language model, or images and points from a generative one: `intro-dl sample`."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

from intro_dl.config.options import Option, one_of, path, read_options
from intro_dl.config.types import Size
from intro_dl.inference.tables import inside, make_directory, tracked
from intro_dl.inference.tunes import Tune, finished_tunes, longest_copied, read_tune
from intro_dl.runs.files import to_json, write_whole
from intro_dl.runs.folder import find_checkpoint, named_run
from intro_dl.runs.program import printable, say_loading, tell
from intro_dl.runs.signals import Terminated

if TYPE_CHECKING:  # it needs torch; a mistyped option is reported before torch is imported
    from intro_dl.inference.load import LoadedRun

MOST = 1_000_000  # characters of a text; a typing mistake should not run for days
TUNES = "IrishABC"  # the data whose texts are tunes in ABC notation

OPTIONS = {
    "prompt": Option(str),
    "length": Option(Annotated[int, Gt(0), Le(MOST)], 500),
    "temperature": Option(Annotated[float, Ge(0.001), Le(1_000_000)], 0.8),  # top_k=1 takes the most likely
    "top_k": Option(Size),
    "top_p": Option(Annotated[float, Gt(0), Le(1)]),
    "seed": Option(Annotated[int, Ge(0), Lt(2**63)], 0),
    "samples": Option(Annotated[int, Gt(0), Le(10_000)]),
    "stop": Option(str),
    "format": one_of("auto", "text", "abc"),
    "weights": one_of("best", "last"),
    "out": path(),
}
TEXT_ONLY = ("prompt", "length", "temperature", "top_k", "top_p", "stop", "format")
DRAWN = {"images": 64, "points": 1000}  # without samples=
MOST_DRAWN = 200  # images on one sheet
SETTINGS = ("length", "samples", "temperature", "top_k", "top_p", "seed")


def main(arguments: Sequence[str]) -> int:
    """Sample texts from a run and report them; raise ValueError with a message for the user."""
    words, options = read_options(arguments, OPTIONS)
    if len(words) != 1:
        named = f"got {len(words)}: {', '.join(words)}" if words else "e.g. outputs/char_lstm/<time>"
        raise ValueError(f"Name one run folder, {named}.")
    if (characters := options["length"] * (options["samples"] or 1)) > 10 * MOST:
        raise ValueError(f"length x samples is {characters:,}, more than {10 * MOST:,}: choose smaller ones.")
    out = options["out"]
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out={out} exists: name a new directory.")
    words = [str(named_run(words[0]))]
    find_checkpoint(words[0], options["weights"])
    say_loading()
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # the steps are small: more threads only wait for each other

    from intro_dl.data.decode import unix_line_ends
    from intro_dl.inference.data import training_text
    from intro_dl.inference.load import load_run  # torch loads here
    from intro_dl.tasks import LanguageModel

    run = load_run(words[0], options["weights"])
    if not isinstance(run.model, LanguageModel):
        _draw_inputs(run, options)
        return 0
    options["samples"] = options["samples"] or 1
    tunes = options["format"] == "abc" or (options["format"] == "auto" and run.metadata["data"] == TUNES)
    given = options["prompt"] and unix_line_ends(options["prompt"]).removeprefix("\ufeff")  # as in a text
    prompt = _unescape(given) or default_prompt(run.metadata, tunes)
    settings = {key: options[key] for key in SETTINGS} | {"stop": _unescape(options["stop"])}
    texts: list[str] = []
    try:
        write_texts(run, prompt, on_text=_show, texts=texts, **settings)
    except KeyboardInterrupt as stop:
        if out is None or not texts:
            raise
        _save(texts, out)
        what = "Received SIGTERM" if isinstance(stop, Terminated) else "Interrupted"
        raise type(stop)(f"{what}. What was sampled is in {out}.") from stop
    print("" if texts[0].endswith("\n") else "\n", end="")
    for number, text in enumerate(texts[1:], start=2):
        print(printable(f"--- {number}\n{text.rstrip()}"))
    print()

    source = None
    try:
        source = training_text(run)
    except ValueError as error:
        tell(f"Not compared with the training text: {error}")
    if tunes and (read := _read_tunes(texts)) is not None:
        out = out or inside(run.folder, f"tunes/{datetime.now():%Y-%m-%d_%H-%M-%S}")
        details = {"run": str(run.folder), "weights": run.weights, "epoch": run.epoch, "prompt": prompt}
        report_tunes(*read, details | settings, source, out)
    else:
        _print_copied([text[len(prompt) :] for text in texts], source)
        if out is not None:
            _save(texts, out)
            print(f"Written     {out}: {len(texts)} texts")
    return 0


def _draw_inputs(run: "LoadedRun", options: dict[str, Any]) -> None:
    """Let a generative model draw `samples` inputs: images into a PNG file, points into a CSV file."""
    import torch

    model, kind = type(run.model).__name__, run.kind
    count = options["samples"] or DRAWN.get(kind, 1)
    try:
        with torch.inference_mode():
            drawn = run.model.draw(count, torch.Generator().manual_seed(options["seed"]))
    except NotImplementedError as error:
        raise ValueError(
            f"{run.folder} holds a {model} trained on {run.metadata['data']}, which cannot write text or "
            "draw inputs: name a run of char_lstm, char_rnn, autoencoder, vae, gan or dcgan."
        ) from error
    if text_only := [key for key in TEXT_ONLY if options[key] != OPTIONS[key].default]:
        raise ValueError(f"{text_only[0]}= is for texts, and {model} draws {kind}: leave it out.")
    out = options["out"] or inside(run.folder, f"samples/{datetime.now():%Y-%m-%d_%H-%M-%S}")
    make_directory(out)
    mean, std = (torch.tensor(run.metadata[name]) for name in ("mean", "std"))
    if kind == "images":
        from intro_dl.visualize.evaluation import save
        from intro_dl.visualize.style import image_pixels, mosaic

        pixels = 255 * (drawn * std.view(-1, 1, 1) + mean.view(-1, 1, 1))
        pictures = [image_pixels(image) for image in pixels.round().clamp(0, 255).to(torch.uint8)]
        shown = pictures[:MOST_DRAWN]
        save(mosaic(shown, [""] * len(shown), f"{len(shown)} {kind} drawn by {model}"), out / "samples.png")
        print(f"Written     {out / 'samples.png'}: {len(shown)} images")
    else:
        import pandas as pd

        table = pd.DataFrame((drawn * std + mean).numpy(), columns=run.metadata["features"])
        write_whole(out / "samples.csv", table.to_csv(index=False))
        print(f"Written     {out / 'samples.csv'}: {len(table)} points")


def _show(text: str) -> None:
    print(printable(text), end="", flush=True)  # a character at a time, as it is sampled


def _save(texts: Sequence[str], out: Path) -> None:
    make_directory(out)
    for number, text in enumerate(texts, start=1):
        write_whole(out / f"{number:03d}.txt", text)


def write_texts(
    run: "LoadedRun",
    prompt: str,
    length: int = 500,
    samples: int = 1,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop: str | None = None,
    on_text: Callable[[str], None] = lambda text: None,
    texts: list[str] | None = None,
) -> list[str]:
    """Return texts that begin with the prompt and continue as the model predicts.

    Args:
        run: a run of a language model.
        prompt: at least one character, all known to the model; of a model of words, unknown words are read as
            "<unknown>", and a note says so.
        length: characters or words to write after the prompt, at most.
        samples: number of texts, written side by side.
        temperature, top_k, top_p: as in `intro_dl.scratch.sampling.sample`.
        seed: the same seed gives the same texts, for the same number of samples.
        stop: ends a text after this passage, if the model writes it.
        on_text: called at once with each new piece of the first text: the prompt, then one token at a time.
        texts: the list to fill, so that the caller has what was written before an interruption.

    Raises:
        ValueError: if the model has never seen a character of the prompt.
    """
    import torch  # it takes seconds; a mistyped option is reported before it is imported

    from intro_dl.data.text import UNKNOWN, split_words
    from intro_dl.scratch.sampling import generate

    alphabet = run.metadata["alphabet"]
    words = isinstance(alphabet, list)
    pieces = split_words(prompt) if words else prompt
    if unknown := list(dict.fromkeys(piece for piece in pieces if piece not in alphabet)):
        shown = ", ".join(map(repr, unknown[:10])) + (" and others" if len(unknown) > 10 else "")
        if not words:
            raise ValueError(f"The model has never seen {shown} of the prompt: leave it out.")
        tell(f"Note: {shown} of the prompt are not in the vocabulary: the model reads them as {UNKNOWN}.")
    places = {piece: place for place, piece in enumerate(alphabet)}
    tokens = torch.tensor([places.get(piece, 0) for piece in pieces])
    texts, unfinished = [] if texts is None else texts, set(range(samples))
    texts[:] = [prompt] * samples
    on_text(prompt)
    steps = generate(run.model, tokens.expand(samples, -1), temperature, top_k, top_p, seed)
    for step in islice(steps, length):
        written = step.tolist()
        for i in list(unfinished):
            texts[i] += alphabet[written[i]]
            if i == 0:
                on_text(alphabet[written[0]])
            if stop and texts[i].endswith(stop, len(prompt)):
                unfinished.remove(i)
        if not unfinished:
            break
    return texts


def report_tunes(
    tunes: list[Tune], cut_off: int, settings: dict[str, Any], training_text: str | None, out: Path
) -> None:
    """Print the fraction of valid tunes and what was copied; write the valid ones and report.json to `out`.

    Args:
        tunes: those that are finished.
        cut_off: number of unfinished tunes, which do not count.
        settings: the settings of the sampling, for report.json.
        training_text: None if it is missing; then nothing is compared with it.
        out: a directory.
    """
    valid = [tune for tune in tunes if not tune.problems]
    invalid = [tune for tune in tunes if tune.problems]
    fraction = len(valid) / len(tunes) if tunes else 0.0
    print(f"Tunes       {len(tunes)}" + (f", and {cut_off} unfinished, not counted" if cut_off else ""))
    print(f"Valid       {len(valid)} ({fraction:.0%}) at temperature {settings['temperature']:g}")
    for tune in invalid[:5]:  # report.json has all
        print(f"  not valid {tune.title or tune.text[:20]!r}: {tune.problems[0]}")
    copied = _print_copied([tune.text for tune in tunes], training_text)
    make_directory(out)
    for number, tune in enumerate(valid, start=1):
        title = re.sub(r"[^a-z0-9]+", "-", tune.title.lower().replace("'", "")).strip("-")[:40] or "tune"
        write_whole(out / f"{number:03d}-{title}.abc", f"{tune.text}\n")
        write_whole(out / f"{number:03d}-{title}.mid", tune.midi)
    report = {
        "settings": settings,
        "tunes": len(tunes),
        "cut_off": cut_off,
        "valid": len(valid),
        "valid_fraction": fraction,
        "longest_copied": copied,
        "each": [{"text": tune.text, "problems": tune.problems} for tune in tunes],
    }
    write_whole(out / "report.json", to_json(report))
    print(f"Written     {out}: {len(valid)} tunes as .abc and .mid, report.json")


def _read_tunes(texts: list[str]) -> tuple[list[Tune], int] | None:
    """Return the finished tunes and the number of unfinished ones, or None if symusic is not installed."""
    found = [finished_tunes(text) for text in texts]
    written = [tune for finished, _ in found for tune in finished]
    try:
        return [read_tune(tune) for tune in tracked(written, "Checking")], sum(cut for _, cut in found)
    except ValueError as error:
        tell(f"Not checked: {error}")
        return None


def _unescape(text: str | None) -> str | None:
    r"""Replace \n, \t and \\ by the characters they stand for, which are hard to type in a shell."""
    return text and re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t", "\\": "\\"}[match[1]], text)


def default_prompt(metadata: dict[str, Any], tunes: bool | None = None) -> str:
    """Return the beginning of a text: of a tune (None: if the data are tunes), or an empty line."""
    alphabet = metadata["alphabet"]
    tunes = metadata["data"] == TUNES if tunes is None else tunes
    if tunes and set("X:1\n") <= set(alphabet):
        return "X:1\n"
    return "\n" if "\n" in alphabet else alphabet[0]


def _print_copied(texts: list[str], training_text: str | None) -> int | None:
    """Print the longest passage that is also in the training text, and return its length."""
    if training_text is None or not texts:
        return None
    longest = max((longest_copied(text, training_text) for text in tracked(texts, "Comparing")), key=len)
    print(f"Copied      at most {len(longest)} characters in a row are from the training text: {longest!r}")
    return len(longest)
