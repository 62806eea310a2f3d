"""The names of the emoji in English and another language: short phrases, translated by people."""

import json
import random
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from intro_dl.config.types import Seed, Size
from intro_dl.data.dataset import Split, TensorData
from intro_dl.data.sentences import encode, vocabulary

# The languages of the package that separate words by spaces: Chinese and Japanese do not.
Language = Literal["ar", "de", "es", "fa", "fr", "id", "it", "ko", "pt", "ru", "tr"]
TONE = re.compile(r"(?:medium-light|medium-dark|light|medium|dark) skin tone")
VARIANT = re.compile(r"\b(?:man|woman|men|women|person|people|boy|girl|child|children|facing right)\b")


@dataclass(kw_only=True, eq=False)
class EmojiNames(TensorData):
    """3,710 names of emoji in English with their translations; 80 % / 10 % / 10 %. No download.

    They are phrases, not sentences: "man running facing right", "woman technologist medium skin tone". More
    than half of them (2,045) name a skin tone, so most parts of a held-out phrase also occur in training
    phrases. No English phrase is in two splits. The vocabularies are those of the training split; any other
    word is unknown. Flags are left out, because their names are names of countries.

    Source: the package emoji, whose names come from the Unicode Common Locale Data Repository (CLDR).

    Args:
        language: of the translations, as its two letters.
        held_out: "phrases" draws the test phrases at random; "concepts" draws concepts, so that the test
            phrases are about things that no training or validation phrase names in any skin tone or gender.
        split_seed: selects the held-out phrases.
        others: see TensorData.
    """

    batch_size: Size | None = 64
    language: Language = "fr"
    held_out: Literal["phrases", "concepts"] = "phrases"
    split_seed: Seed = 0

    kind, EXAMPLES = "captions", "phrases"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dims = {"source_size": None, "vocab_size": None}

    def load(self) -> dict[str, Split]:
        pairs = names(self.language)
        groups: dict[str, list[str]] = {}  # drawn together
        for phrase in sorted(pairs):
            groups.setdefault(concept(phrase) if self.held_out == "concepts" else phrase, []).append(phrase)
        generator, tenth = random.Random(self.split_seed), len(pairs) // 10
        keys = sorted(groups)
        generator.shuffle(keys)
        test: list[str] = []
        while len(test) < tenth:
            test += groups.pop(keys.pop())
        rest = [phrase for key in keys for phrase in groups[key]]
        generator.shuffle(rest)
        self.phrases = {"train": rest[tenth:], "val": rest[:tenth], "test": test}
        self.source_words = vocabulary(self.phrases["train"])
        self.words = vocabulary(pairs[phrase] for phrase in self.phrases["train"])
        self.dims = {"source_size": len(self.source_words), "vocab_size": len(self.words)}
        return {
            split: (
                encode(phrases, self.source_words),
                encode([pairs[phrase] for phrase in phrases], self.words, stop=True),
            )
            for split, phrases in self.phrases.items()
        }

    def facts(self) -> list[str]:
        return [f"{len(self.source_words):,} English words, {len(self.words):,} of {self.language}"]

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"vocabulary": self.words, "source_vocabulary": self.source_words}


def names(language: str) -> dict[str, str]:
    """Return the English name of each emoji except flags, with its name in another language."""
    folder = files("emoji") / "unicode_codes"
    english, other = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("emoji.json", f"emoji_{language}.json")
    )
    pairs: dict[str, str] = {}
    for code, name in english.items():
        flag = (
            "\U0001f1e6" <= code[0] <= "\U0001f1ff" or "\U000e007f" in code
        )  # two letters, or a region's tag
        if not flag and code in other:
            phrase, translation = (text.strip(":").replace("_", " ") for text in (name["en"], other[code]))
            pairs.setdefault(phrase, translation)
    return pairs


def concept(phrase: str) -> str:
    """Return the phrase without skin tone, gender and direction."""
    return " ".join(VARIANT.sub("", TONE.sub("", phrase)).split())
