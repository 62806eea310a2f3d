"""Sentences that praise or blame: generated ones that hang on the order of the words, and tweets."""

import hashlib
import html
import itertools
import random
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from intro_dl.config.types import Place
from intro_dl.data.dataset import Split
from intro_dl.data.download import fetch
from intro_dl.data.sentences import encode, vocabulary
from intro_dl.data.tokens import TokenData
from intro_dl.tasks.writing import SPECIAL

Opinion = tuple[str, int]  # a sentence and its label: 0 is negative, 1 is positive


@dataclass(kw_only=True, eq=False)
class OpinionData(TokenData):
    """Sentences with a negative or a positive meaning. Abstract: define `read`.

    Words that fewer than `MIN_COUNT` training sentences have are left out of all sentences.
    """

    CLASSES = ("negative", "positive")
    EXAMPLES = "sentences"
    MIN_COUNT: ClassVar[int] = 1

    def read(self) -> dict[str, list[Opinion]]:
        """Return the sentences of each split, with spaces between their words."""
        raise NotImplementedError(f"{type(self).__name__} must define read()")

    def load(self) -> dict[str, Split]:
        splits = self.read()
        counts = Counter(word for sentence, _ in splits["train"] for word in set(sentence.split()))
        self.vocabulary = vocabulary(word for word, count in counts.items() if count >= self.MIN_COUNT)
        self.dims = self.dims | {"vocab_size": len(self.vocabulary)}
        return {
            split: (
                encode([known_words(sentence, self.vocabulary) for sentence, _ in opinions], self.vocabulary),
                torch.tensor([label for _, label in opinions]),
            )
            for split, opinions in splits.items()
        }

    def facts(self) -> list[str]:
        return [f"{len(self.vocabulary) - len(SPECIAL):,} words", *super().facts()]


@dataclass(kw_only=True, eq=False)
class Opinions(OpinionData):
    """4,608 generated sentences of which only the order of the words tells the meaning; no download.

    "the film was good , not bad" is positive, "the film was bad , not good" negative: the same words. "the
    film was not bad but good" is positive again. So nothing that counts words is right more often than half
    the time. Sentences with the same two adjectives are in the same split: a model has read both words, but
    never together. 75 % / 12.5 % / 12.5 %.
    """

    GOOD = ("good", "great", "funny", "fresh", "lovely", "clever", "warm", "brilliant")
    BAD = ("bad", "dull", "boring", "stale", "awful", "silly", "cold", "terrible")
    THINGS = ("film", "book", "meal", "hotel", "song", "talk")
    VERBS = ("was", "seemed", "felt")

    def read(self) -> dict[str, list[Opinion]]:
        generator = random.Random(self.split_seed)
        good, bad = (generator.sample(words, len(words)) for words in (self.GOOD, self.BAD))
        splits: dict[str, list[Opinion]] = {"train": [], "val": [], "test": []}
        for i, j in itertools.product(range(len(good)), range(len(bad))):
            # One pair in eight of each word is for testing and one for validation.
            split = {0: "test", 1: "val"}.get((i + j) % len(good), "train")
            for thing, verb in itertools.product(self.THINGS, self.VERBS):
                for label, (right, wrong) in enumerate([(bad[j], good[i]), (good[i], bad[j])]):
                    splits[split].append((f"the {thing} {verb} {right} , not {wrong}", label))
                    splits[split].append((f"the {thing} {verb} not {wrong} but {right}", label))
        return splits


@dataclass(kw_only=True, eq=False)
class Tweets(OpinionData):
    """3,432 tweet-like texts, negative or positive; 80 % / 10 % / 10 %. Downloaded once (0.4 MB).

    Twenty people rated each text from -4 to 4; texts whose mean rating is between -0.5 and 0.5 are left out.

    Source: Hutto and Gilbert (2014), "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
    Media Text", MIT license. The file is in their repository; the source archive of the Python package
    vaderSentiment 3.3.2 has it too, in `additional_resources/hutto_ICWSM_2014.tar.gz`.

    Args:
        root: directory of all data sets. A missing file is downloaded into it.
        others: see OpinionData.
    """

    root: Place = "data"

    EXAMPLES = "texts"
    MIN_COUNT = 2
    LEAST_RATING: ClassVar[float] = 0.5
    URL: ClassVar[str] = (
        "https://raw.githubusercontent.com/cjhutto/vaderSentiment/18c86513ea60b02fce8f3b1b598da43042d91b08/"
        "additional_resources/hutto_ICWSM_2014/tweets_GroundTruth.txt"
    )
    MD5: ClassVar[str] = "61324c2b38494869ea3fbf0b55c11aff"  # with line ends of Unix

    @property
    def path(self) -> Path:
        return Path(self.root).expanduser() / "tweets" / "tweets_GroundTruth.txt"

    def prepare_data(self) -> None:
        if not self.path.is_file():  # `read` checks the others: the source archive has line ends of Windows
            fetch([self.URL], self.path, self.MD5, instead="data=opinions")

    def read(self) -> dict[str, list[Opinion]]:
        content = self.path.read_bytes().replace(b"\r\n", b"\n")
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != self.MD5:
            raise ValueError(
                f"{self.path.resolve()} is not the expected file: its md5 is {found}, not {self.MD5}. "
                "Move it away, and the next run downloads the right one."
            )
        rows = [line.split("\t") for line in content.decode().splitlines()]  # number, rating, text
        opinions = [
            (spaced(html.unescape(text)), int(float(rating) > 0))
            for _, rating, text in rows
            if abs(float(rating)) >= self.LEAST_RATING
        ]
        random.Random(self.split_seed).shuffle(opinions)
        tenth = len(opinions) // 10
        return {"train": opinions[2 * tenth :], "val": opinions[:tenth], "test": opinions[tenth : 2 * tenth]}


def spaced(text: str) -> str:
    """Return a text in lower case with spaces between words and marks, e.g. "good , not bad"."""
    return " ".join(re.findall(r"[\w']+|[^\w\s]+", text.lower()))


def known_words(sentence: str, words: Collection[str]) -> str:
    """Return the sentence without the words that are not in `words`."""
    return " ".join(word for word in sentence.split() if word in words)
