"""Texts for models that predict the next character: one tensor of tokens, read as streams of windows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from intro_dl.data.batches import Windows
from intro_dl.data.dataset import Split, TensorData
from intro_dl.data.download import fetch
from intro_dl.runs.files import read_limited


class TextData(TensorData):
    """A text, character by character; a target is the character after its input. Abstract: define `read`.

    The first 90 % of the text are for training, the next 5 % for validation and the last 5 % for the test:
    whole stretches, because scattered pieces of a text give away their neighbors. The `alphabet` is that of
    the whole text, in the order of code points, so that no held-out character is unknown to the model; this
    tells it which characters exist, not where they stand.

    Validation and test read eight streams whatever the batch size, so that their losses can be compared.

    Args:
        batch_size: B, streams of the training text read side by side; None makes one step of all windows.
        window: T, characters per window: how far back an error is propagated. The state goes on further.
        seed: names the places where the epochs start to read.
    """

    EVALUATION_STREAMS: ClassVar = 8

    def __init__(self, batch_size: int | None = 16, window: int = 64, seed: int = 0) -> None:
        super().__init__(batch_size, seed)
        if window < 1:
            raise ValueError(f"data.window={window} is too short: a window has at least 1 character.")
        self.window = window
        self.alphabet = ""

    def read(self) -> str:
        """The whole text."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def load(self) -> dict[str, Split]:
        text = self.read()
        if not text:
            raise ValueError("The text has no characters. Choose another data= or data.path=.")
        self.alphabet = "".join(map(chr, np.unique(_code_points(text))))
        self.dims = {"vocab_size": len(self.alphabet)}
        tokens = self.encode(text)
        cuts = [0, len(text) * 90 // 100, len(text) * 95 // 100, len(text)]
        parts = {
            split: tokens[start:end]
            for split, start, end in zip(("train", "val", "test"), cuts[:-1], cuts[1:], strict=True)
        }
        self._check_length(parts, len(text))
        return {split: (part[:-1], part[1:]) for split, part in parts.items()}  # views of `tokens`

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"kind": "text", "alphabet": self.alphabet, "window": self.window}

    def encode(self, text: str) -> Tensor:
        """The tokens of a text, (N,) of int64: each character's place in `alphabet`.

        Raises:
            ValueError: if a character is not in `alphabet`; the message names it and its position.
        """
        known, wanted = _code_points(self.alphabet), _code_points(text)
        tokens = np.searchsorted(known, wanted).clip(max=len(known) - 1)
        unknown = np.flatnonzero(known[tokens] != wanted)
        if len(unknown):
            first = int(unknown[0])
            raise ValueError(
                f"The character {text[first]!r} at position {first} is not among the {len(known)} of "
                f"{type(self).__name__}'s alphabet: {self.alphabet!r}. Leave it out."
            )
        return torch.from_numpy(tokens)

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """The text of tokens (N,); the inverse of `encode`."""
        return "".join(self.alphabet[token] for token in torch.as_tensor(tokens).tolist())

    def state_dict(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}  # so that a checkpoint alone can tell what its tokens mean

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict["alphabet"] != self.alphabet:
            raise ValueError(
                f"The weights were trained on a text of other characters: {state_dict['alphabet']!r}, "
                f"not {self.alphabet!r}. Choose the data= that they were trained on."
            )

    def _check_length(self, parts: dict[str, Tensor], length: int) -> None:
        streams = {"train": self.batch_size or 1, "val": 1, "test": 1}
        for split, part in parts.items():
            needed = streams[split] * self.window + 1
            if len(part) < needed:
                batch_size = "null" if self.batch_size is None else self.batch_size
                raise ValueError(
                    f"The text is too short: {len(part):,} of its {length:,} characters are the {split} "
                    f"split, which needs {needed:,} (data.window={self.window} data.batch_size={batch_size})"
                    ". Choose a longer text, or a smaller window or batch size."
                )

    def _batches(self, split: str) -> Windows:
        placed = super()._batches(split)  # on the device that trains, with this device's share
        training = split == "train"
        held_out_streams = min(self.EVALUATION_STREAMS, len(placed.inputs) // self.window)
        return Windows(
            placed.inputs,
            placed.targets,
            batch_size=self.batch_size if training else held_out_streams,
            window=self.window,
            shift=training,
            seed=self.seed,
            rank=placed.rank,
            world_size=placed.world_size,
        )


class Pydoc(TextData):
    """Python's own help texts, as `help("with")` shows them: about 370,000 characters, without a download.

    They come with every CPython (`pydoc_data.topics`) and differ a little from version to version. Many
    topics repeat paragraphs of others; each paragraph is taken once, so that the held-out text is not in the
    training text too.
    """

    def read(self) -> str:
        from pydoc_data.topics import topics  # here, because only this data set needs half a megabyte of help

        paragraphs = "\n\n".join(topics.values()).split("\n\n")
        return "\n\n".join(dict.fromkeys(paragraph.strip("\n") for paragraph in paragraphs))


class TextFile(TextData):
    """Any text of yours, as one file in UTF-8.

    Args:
        path: the file.
        batch_size, window, seed: as in `TextData`.
    """

    def __init__(
        self, path: str | None = None, batch_size: int | None = 16, window: int = 64, seed: int = 0
    ) -> None:
        super().__init__(batch_size, window, seed)
        if path is None:
            raise ValueError("data=file needs a text: name it, e.g. data.path=book.txt.")
        self.path = Path(path).expanduser()

    def read(self) -> str:
        return read_utf8(self.path)


class DownloadedText(TextData):
    """A text that is downloaded once, to `<root>/text/`. Abstract.

    Args:
        root: folder of all data sets. A file that is there already is used as it is, if its md5 is right.
        batch_size, window, seed: as in `TextData`.
    """

    FILE: ClassVar[str]
    URL: ClassVar[str]
    MD5: ClassVar[str]

    def __init__(
        self, root: str = "data", batch_size: int | None = 16, window: int = 64, seed: int = 0
    ) -> None:
        super().__init__(batch_size, window, seed)
        self.path = Path(root).expanduser() / "text" / self.FILE

    def prepare_data(self) -> None:
        fetch([self.URL], self.path, self.MD5, instead="data=pydoc")

    def read(self) -> str:
        return read_utf8(self.path)


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


def read_utf8(path: Path) -> str:
    """The text of a file; line ends become "\\n", and a byte order mark is left out.

    Raises:
        ValueError: if there is no such file, it is too large, or not UTF-8; the message names the byte.
    """
    try:
        content = read_limited(path)
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text in UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}. "
            f"Convert it, e.g.: iconv -f latin1 -t utf-8 {path.name} > {path.stem}-utf8{path.suffix}"
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(
            f"Cannot read {path.resolve()}: {reason}. Name a text file with data.path=."
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _code_points(text: str) -> np.ndarray:
    """The number of each character, (N,) of uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
