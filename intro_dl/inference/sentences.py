"""Translate phrases and caption pictures with a trained run, for `intro-dl predict`."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from PIL import Image

from intro_dl.data.image_file import Unreadable, shown_name
from intro_dl.data.sentences import decode, encode
from intro_dl.inference.inputs import image_paths, read_picture
from intro_dl.inference.load import LoadedRun

LONGEST = 40  # words of a sentence that is written

Record = dict[str, Any]


def predict_sentences(run: LoadedRun, words: Iterable[Any], options: dict[str, Any]) -> Iterator[Record]:
    """Yield the translation of each phrase, or the caption of each picture."""
    find = translations if "source_vocabulary" in run.metadata else captions
    return find(run, map(str, words))


def translations(run: LoadedRun, phrases: Iterable[str]) -> Iterator[Record]:
    """Yield the translation of each phrase, or an error if it has a word that training never had."""
    known = run.metadata["source_vocabulary"]
    for phrase in phrases:
        try:
            check_phrase(phrase, known)
        except ValueError as error:
            yield {"phrase": phrase, "error": str(error)}
        else:
            yield {"phrase": phrase, "translation": write(run, encode([phrase], known))}


def captions(run: LoadedRun, words: Iterable[str]) -> Iterator[Record]:
    """Yield the caption of each picture that the words name; one of another size is scaled, and says so."""
    for path in image_paths(words)[0]:
        try:
            pixels, _ = read_picture(path, run.metadata)  # (C, H, W)
            with Image.open(path) as image:
                width, height = image.size
        except Unreadable as error:
            yield {"file": shown_name(path), "error": str(error)}
            continue
        caption = write(run, torch.from_numpy(pixels)[None])
        changes = {"changes": f"scaled from {width}x{height}"} if (height, width) != pixels.shape[1:] else {}
        yield {"file": shown_name(path), "caption": caption} | changes


@torch.inference_mode()
def write(run: LoadedRun, inputs: torch.Tensor) -> str:
    """Return what the run writes about one raw input (1, ...)."""
    model: Any = run.model
    tokens = model.write(run.prepare(inputs), LONGEST)  # (1, LONGEST)
    return decode(tokens, run.metadata["vocabulary"])[0]


def check_phrase(phrase: str, known: Sequence[str]) -> None:
    """Raise ValueError if a phrase is empty or has a word that training never had."""
    words = phrase.split()
    if not words:
        raise ValueError("The phrase is empty: name words to translate.")
    if unknown := sorted(set(words) - set(known)):
        near = [found[0] for word in unknown if (found := get_close_matches(word, known, 1))]
        hint = f", e.g. {', '.join(near)}" if near else ""
        shown = ", ".join(map(repr, unknown))
        raise ValueError(f"Unknown in {phrase!r}: {shown}. Choose words of the training phrases{hint}.")
