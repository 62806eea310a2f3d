"""Types with ranges for constructor arguments: the signature says which values are allowed.

`config/arguments.py` checks the values of a config against them. To Python, they are plain `int`, `float` and
sequences. Does not import torch.
"""

import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

Size = Annotated[int, Gt(0)]
Count = Annotated[int, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]  # also a probability of dropping
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Seed = Annotated[int, Ge(0), Lt(2**32)]

# Upper bounds keep a typing mistake from filling the memory.
Width = Annotated[int, Gt(0), Le(10_000)]  # units, feature maps or the side of a kernel
Depth = Annotated[int, Gt(0), Le(2_000)]  # layers; He et al. (2015) train 1202
Widths = Annotated[Sequence[Width], MaxLen(100)]  # one for each layer
SomeWidths = Annotated[Widths, MinLen(1)]


@dataclass(frozen=True)
class OnDisk:
    """Mark an option that names a place on disk; a run of somebody else may name any place.

    Args:
        written: whether files are only kept there for later, so that any other place does as well.
    """

    written: bool = False


Place = Annotated[str, OnDisk()]
Cache = Annotated[str, OnDisk(written=True)]


def places_of(made: Any) -> dict[str, OnDisk]:
    """Return the marks of the arguments of a class that name a place on disk."""
    hints = typing.get_type_hints(made.__init__, include_extras=True)
    return {name: mark for name, hint in hints.items() for mark in _marks(hint)}


def _marks(hint: Any) -> Iterator[OnDisk]:
    yield from (mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, OnDisk))
    for argument in typing.get_args(hint):
        yield from _marks(argument) if argument is not hint else ()
