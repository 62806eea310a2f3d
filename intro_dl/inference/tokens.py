"""Read a sentence, or a sequence of letters, as the numbers that a run on tokens reads."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from intro_dl.data.opinions import known_words, spaced
from intro_dl.data.sentences import encode
from intro_dl.inference.load import LoadedRun
from intro_dl.inference.predict import predict


def predict_tokens(run: LoadedRun, words: Iterable[Any], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the class of each sentence or sequence, and the words that were left out."""
    for text in map(str, words):
        try:
            tokens, left_out = read_tokens(text, run.metadata)
            unknown = {"left out": " ".join(left_out)} if left_out else {}
            yield {"text": text} | predict(run, tokens, options["top"]) | unknown
        except ValueError as error:
            yield {"text": text, "error": str(error)}


def read_tokens(text: str, metadata: Mapping[str, Any]) -> tuple[np.ndarray, list[str]]:
    """Return the numbers (T,) of the words or letters of a text, and the words that are left out.

    As in training, words that the vocabulary lacks are left out. An unknown letter is an error.

    Raises:
        ValueError: if the text has no known word, or an unknown letter; the message is for the user.
    """
    vocabulary = metadata["vocabulary"]
    if metadata.get("unit") == "letter":
        sequence, letters = "".join(text.split()).upper(), vocabulary[1:]
        unknown = sorted(set(sequence) - set(letters))
        if unknown or not sequence:
            found = f"unknown letters ({' '.join(unknown)})" if unknown else "no letters"
            raise ValueError(f"{text!r} has {found}: write {', '.join(letters)}.")
        sentence, left_out = " ".join(sequence), []
    else:
        words = spaced(text).split()
        sentence = known_words(" ".join(words), vocabulary)
        left_out = [word for word in words if word not in vocabulary]
        if not sentence:
            found = f"no known word ({', '.join(left_out)} unknown)" if left_out else "no words"
            raise ValueError(f"{text!r} has {found}: write words of the training sentences.")
    return encode([sentence], vocabulary)[0].numpy(), left_out


def write_tokens(tokens: Tensor, metadata: Mapping[str, Any]) -> list[str]:
    """Return the text of each row of tokens (N, T)."""
    separator = "" if metadata.get("unit") == "letter" else " "
    vocabulary = metadata["vocabulary"]
    return [separator.join(vocabulary[token] for token in row if token) for row in tokens.tolist()]
