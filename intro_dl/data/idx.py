"""The IDX format of MNIST's files: a magic number, the sizes, then one byte a value."""

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """The uint8 values of an IDX file whose sizes must be `shape`.

    Raises:
        ValueError: if the file is not IDX, holds other sizes, or is cut short; the message names the file.

    Source: the format's description in LeCun, Cortes and Burges (1998).
    """
    content = path.read_bytes()
    header = 4 + 4 * len(shape)
    expected = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)  # 8: unsigned bytes
    advice = "Move the file away, and the next run downloads a whole one."
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file: it begins with {content[:8]!r}. {advice}")
    if content[:header] != expected:
        sizes = [int.from_bytes(content[i : i + 4], "big") for i in range(4, 4 + 4 * content[3], 4)]
        raise ValueError(f"{path} holds values of shape {sizes}, not {list(shape)}. {advice}")
    count = int(np.prod(shape))
    if len(content) != header + count:
        raise ValueError(
            f"{path} is damaged: it has {len(content):,} bytes, not {header + count:,}. {advice}"
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).copy()).view(shape)
