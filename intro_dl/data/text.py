"""Texts for models that predict the next character or word: one tensor of tokens, in streams of windows."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from intro_dl.config.types import Place, Size
from intro_dl.data.batches import Windows
from intro_dl.data.dataset import Split, TensorData
from intro_dl.data.decode import read_text
from intro_dl.data.download import fetch

UNKNOWN = "<unknown>"  # token 0 of a vocabulary of words
WORDS = 2_000  # size of this vocabulary, without UNKNOWN


@dataclass(kw_only=True, eq=False)
class TextData(TensorData):
    """A text, token by token; a target is the token after its input. Abstract: define `read`.

    The first 90% of the text are for training, the next 5% for validation and the last 5% for testing. Each
    split is one passage, because scattered pieces of a text reveal their neighbors. The `alphabet` has all
    characters of the whole text, in the order of code points, so the model knows every held-out character. It
    does not reveal where these characters occur.

    With `unit=word` a token is a word with the space before it, and the `alphabet` has the most frequent
    2,000 words of the training split; all others are read as "<unknown>".

    Args:
        batch_size: B, streams of the training text read in parallel; None makes one step of all windows.
        seed: selects the positions where the epochs start to read.
        window: T, tokens per window: how far back an error is propagated. The state is carried further.
        unit: what a token is: a character or a word.
    """

    batch_size: Size | None = 16
    window: Size = 64
    unit: Literal["character", "word"] = "character"

    kind, EXAMPLES = "text", "tokens"
    # Streams of validation and test text, whatever the batch size, so that losses can be compared.
    EVALUATION_STREAMS: ClassVar[int] = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        self.alphabet: Sequence[str] = ""
        self.dims = {"vocab_size": None}

    def read(self) -> str:
        """Return the whole text."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def load(self) -> dict[str, Split]:
        text = self.read()
        if not text:
            raise ValueError("The text is empty. Choose another data= or data.path=.")
        if self.unit == "word":
            words = split_words(text)
            most = Counter(words[: len(words) * 90 // 100]).most_common(WORDS)
            self.alphabet = [UNKNOWN, *(word for word, _ in most if word != UNKNOWN)]
        else:
            self.alphabet = "".join(map(chr, np.unique(_code_points(text))))
        self.dims = {"vocab_size": len(self.alphabet)}
        tokens = self.encode(text)
        train_end, val_end = len(tokens) * 90 // 100, len(tokens) * 95 // 100
        parts = {"train": tokens[:train_end], "val": tokens[train_end:val_end], "test": tokens[val_end:]}
        self._check_length(parts, len(tokens))
        return {split: (part[:-1], part[1:]) for split, part in parts.items()}  # views of `tokens`

    def description(self) -> str:
        return super().description().replace(f" {self.EXAMPLES}", f" {self.unit}s", 1)

    def sizes(self) -> dict[str, int]:
        return {split: size + 1 for split, size in super().sizes().items()}  # the last one is only a target

    def facts(self) -> list[str]:
        if self.unit == "character":
            return [f"alphabet of {len(self.alphabet)}"]
        tokens = torch.cat([targets for _, targets in self.splits.values()])
        return [f"vocabulary of {len(self.alphabet):,}", f"{float((tokens == 0).float().mean()):.1%} unknown"]

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"alphabet": self.alphabet, "window": self.window}

    def encode(self, text: str) -> Tensor:
        """Return the tokens of a text, (N,) of int64: the position of each character or word in `alphabet`.

        Raises:
            ValueError: if a character is not in `alphabet`; the message names it and its position.
        """
        if self.unit == "word":
            places = {word: place for place, word in enumerate(self.alphabet)}
            return torch.tensor([places.get(word, 0) for word in split_words(text)])
        known, wanted = _code_points("".join(self.alphabet)), _code_points(text)
        tokens = np.searchsorted(known, wanted).clip(max=len(known) - 1)
        unknown = np.flatnonzero(known[tokens] != wanted)
        if len(unknown):
            first = int(unknown[0])
            raise ValueError(
                f"The character {text[first]!r} at position {first} is not in the alphabet of "
                f"{type(self).__name__}: {self.alphabet!r}. Remove it."
            )
        return torch.from_numpy(tokens)

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Return the text of tokens (N,); the inverse of `encode`, except for unknown words."""
        return "".join(self.alphabet[token] for token in torch.as_tensor(tokens).tolist())

    def state_dict(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}  # a checkpoint alone tells what its tokens mean

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict["alphabet"] != self.alphabet and self.unit == "word":
            raise ValueError("The weights were trained on a text with other words: choose its data=.")
        if state_dict["alphabet"] != self.alphabet:
            raise ValueError(
                f"The weights were trained on a text with other characters: {state_dict['alphabet']!r}, "
                f"not {self.alphabet!r}. Choose the data= that they were trained on."
            )

    def _check_length(self, splits: dict[str, Tensor], length: int) -> None:
        for split, tokens in splits.items():
            streams = (self.batch_size or 1) if split == "train" else 1
            needed = streams * self.window + 1
            if len(tokens) < needed:
                batch_size = "null" if self.batch_size is None else self.batch_size
                raise ValueError(
                    f"The text is too short: {len(tokens):,} of its {length:,} {self.unit}s are the {split} "
                    f"split, which needs {needed:,} (data.window={self.window} data.batch_size={batch_size})"
                    ". Choose a longer text, or a smaller window or batch size."
                )

    def make_loader(
        self, inputs: Tensor, targets: Tensor, training: bool, device: torch.device, **place: int
    ) -> Windows:
        held_out_streams = max(self.EVALUATION_STREAMS, place.get("world_size", 1))
        return Windows(
            inputs,
            targets,
            batch_size=self.batch_size if training else held_out_streams,
            window=self.window,
            shuffle=training,
            seed=self.seed,
            **place,
        )


class Pydoc(TextData):
    """Python's own help texts, as `help("with")` shows them: about 370,000 characters, without a download.

    They come with every CPython (`pydoc_data.topics`) and differ slightly between versions. Many topics
    repeat paragraphs of others; each paragraph is kept once, so that no held-out text is also training text.
    """

    def read(self) -> str:
        from pydoc_data.topics import topics  # here, because only this data set needs half a megabyte of help

        paragraphs = "\n\n".join(topics.values()).split("\n\n")
        return "\n\n".join(dict.fromkeys(paragraph.strip("\n") for paragraph in paragraphs))


@dataclass(kw_only=True, eq=False)
class TextFile(TextData):
    """Your own text, in one file: UTF-8, or UTF-16 and UTF-32 with a byte order mark.

    Args:
        path: the file.
        others: see TextData.
    """

    path: Place | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.path is None:
            raise ValueError("data=file needs a text: add data.path=<file>, e.g. data.path=book.txt.")

    def read(self) -> str:
        path = Path(self.path or "").expanduser()
        try:
            return read_text(path)
        except OSError as error:
            raise ValueError(
                f"Cannot read {path.resolve()}: {error.strerror}. Name a text file with data.path=."
            ) from error


@dataclass(kw_only=True, eq=False)
class DownloadedText(TextData):
    """A text that is downloaded once, to `<root>/text/`. Abstract.

    Args:
        root: directory of all data sets. A file that is already there is used if its checksum is right.
        others: see TextData.
    """

    root: Place = "data"

    FILE: ClassVar[str]
    URL: ClassVar[str]
    MD5: ClassVar[str]

    @property
    def path(self) -> Path:
        return Path(self.root).expanduser() / "text" / self.FILE

    def prepare_data(self) -> None:
        fetch([self.URL], self.path, self.MD5, instead="data=pydoc")

    def read(self) -> str:
        return read_text(self.path)


class TinyShakespeare(DownloadedText):
    """1,115,394 characters of Shakespeare's plays, chosen by A. Karpathy for char-rnn (2015)."""

    FILE = "tinyshakespeare.txt"
    URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
    MD5 = "6fb458f1232090904fb40fe944165e91"


class IrishABC(DownloadedText):
    """197,618 characters of Irish tunes in ABC notation, from the music lab of MIT 6.S191."""

    FILE = "irish.abc"
    URL = (
        "https://raw.githubusercontent.com/MITDeepLearning/introtodeeplearning/master/"
        "mitdeeplearning/data/irish.abc"
    )
    MD5 = "f2c178040df405679410734ee57b1593"


def split_words(text: str) -> list[str]:
    """Split a text into words and marks, each with the space before it, and other white space.

    Joining the pieces gives the text again: "I love it." is split into "I", " love", " it" and ".". Source:
    the pieces of GPT-2 (Radford et al. 2019), without their further division.
    """
    return re.findall(r" ?\w+| ?[^\w\s]|\s+", text)


def _code_points(text: str) -> np.ndarray:
    """Return the number of each character, (N,) of uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
