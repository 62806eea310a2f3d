"""Types with ranges for constructor arguments: the signature says which values are allowed.

`config/arguments.py` checks the values of a config against them. To Python, they are plain `int`, `float` and
sequences. Does not import torch.
"""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt, MaxLen

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
