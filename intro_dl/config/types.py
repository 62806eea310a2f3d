"""Types with ranges for constructor arguments: the signature says which values are allowed.

`config/arguments.py` reads them and refuses a config value outside of its range. At run time they are plain
`int`, `float` and sequences. Free of torch.
"""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

Size = Annotated[int, Gt(0)]
Count = Annotated[int, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]  # also a probability of dropping
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Seed = Annotated[int, Ge(0), Lt(2**32)]

# Upper bounds keep a typing mistake from filling the memory.
Width = Annotated[int, Gt(0), Le(100_000)]  # units, feature maps or the side of a kernel
Depth = Annotated[int, Gt(0), Le(2_000)]  # layers; He et al. (2015) train 1202
Widths = Annotated[Sequence[Width], MinLen(1), MaxLen(1_000)]  # one for each layer
