"""What the metadata of a checkpoint may hold, by the kind of data. They may be somebody else's."""

import math
from typing import Annotated, Any, Literal, TypedDict

from annotated_types import Ge, MaxLen

from intro_dl.config.types import Positive, Size, Width
from intro_dl.data.dataset import plain
from intro_dl.runs.files import one_line
from intro_dl.runs.values import misfit
from intro_dl.tasks import Classifier, LanguageModel, Regressor, Task

MOST_INPUTS = 3 * 4096**2  # numbers of one input: the largest image that data.image_size allows
MOST_WORDS = 100_000  # of a vocabulary
MOST_NAME = 1_000  # characters of the name of a class or a feature

Finite = Annotated[float, Ge(-math.inf)]
Vocabulary = Annotated[list[str], MaxLen(MOST_WORDS)]  # the word of each token; token 0 is padding


class ImageDims(TypedDict):
    """Channels, height and width of an image, and the number of classes."""

    in_shape: tuple[Size, Size, Size]
    num_classes: Size


class Images(TypedDict):
    """Metadata of images; see `LoadedRun`."""

    data: str
    dims: ImageDims
    classes: list[str]
    labels: list[int | str] | None
    mean: list[Finite]
    std: list[Positive]
    background: Literal["dark", "light"] | None
    digit_box: Width | None


class PointDims(TypedDict):
    """The number of features."""

    in_shape: tuple[Size]


class Target(TypedDict):
    """What a regression predicts."""

    name: str
    unit: str


class MaybeClasses(TypedDict, total=False):
    """Points have classes or a target."""

    classes: list[str]
    target: Target


class Points(MaybeClasses):
    """Metadata of points; see `LoadedRun`."""

    data: str
    dims: PointDims
    features: list[str]
    mean: list[Finite]
    std: list[Positive]


class TextDims(TypedDict):
    """The number of different characters."""

    vocab_size: Size


class Text(TypedDict):
    """Metadata of a text; see `LoadedRun`."""

    data: str
    dims: TextDims
    alphabet: str | Vocabulary
    window: Size


class Words(TypedDict):
    """What data of word ids must have."""

    data: str
    dims: dict[str, Any]  # compared with the arguments of the model, whose ranges are checked
    vocabulary: Vocabulary


class Sentences(Words, total=False):
    """Metadata of tokens and captions; see `LoadedRun`."""

    classes: list[str]
    unit: Literal["word", "letter"]
    source_vocabulary: Vocabulary
    mean: list[Finite]
    std: list[Positive]


class Described(TypedDict):
    """What the remaining kinds must have."""

    data: str
    dims: dict[str, Any]


class Numbers(Described, total=False):
    """Metadata of pairs, graphs and series; see `LoadedRun`."""

    classes: list[str]
    target: Target
    features: list[str]
    mean: list[Finite]
    std: list[Positive]


KINDS: dict[str, Any] = {
    "images": Images,
    "points": Points,
    "text": Text,
    "tokens": Sentences,
    "captions": Sentences,
    "pairs": Numbers,
    "graph": Numbers,
    "series": Numbers,
}


def contradiction(metadata: dict[str, Any], model: Task, arguments: dict[str, Any]) -> str | None:
    """Return what is wrong with metadata, e.g. nine names for ten classes; None if they fit the model."""
    kind = metadata.get("kind")
    if kind not in KINDS or not metadata.get("dims"):
        return "its kind or dims are missing"
    if wrong := misfit(metadata, KINDS[kind]):
        return wrong
    dims, classes = metadata["dims"], metadata.get("classes", [])
    ignored = ("num_classes",) if model.unsupervised else ()
    for name, value in dims.items():
        if name not in ignored and plain(arguments.get(name)) != plain(value):
            return f"the model was built with {name}={arguments.get(name)}, the data had {value}"
    if isinstance(model, LanguageModel) != (kind == "text"):
        return f"a {type(model).__name__} does not read {kind}"
    if isinstance(model, Classifier | Regressor) and isinstance(model, Classifier) != bool(classes):
        return f"{len(classes)} classes for a {type(model).__name__}"
    if math.prod(dims.get("in_shape", [])) > MOST_INPUTS:
        return f"an input has more than {MOST_INPUTS:,} numbers"
    counts = dict.fromkeys(("alphabet", "vocabulary"), dims.get("vocab_size"))
    counts |= {"classes": dims.get("num_classes"), "source_vocabulary": dims.get("source_size")}
    if kind in ("images", "points"):
        counts |= dict.fromkeys(("mean", "std", "features"), dims["in_shape"][0])
    for name, count in counts.items():
        found = metadata.get(name)
        if found and len(found) != count:
            return f"{len(found)} {name} for {count}"
    words = metadata.get("vocabulary", []), metadata.get("source_vocabulary", [])
    for found in (classes, metadata.get("alphabet", ""), *words):
        if len(set(found)) < len(found):
            return "two classes, characters or words are the same"
    names = [metadata["data"], *classes, *metadata.get("features", []), *metadata.get("target", {}).values()]
    names += [word for vocabulary in words for word in vocabulary]
    if strange := [name for name in names if one_line(str(name), most=MOST_NAME) != name]:
        return f"{strange[0][:80]} is not a name"
    return None
