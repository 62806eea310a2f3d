"""Pack weights as numbers of 16 or 20 bits, in base64: a page of three networks stays below 2 MB.

A weight is integer * scale, where `scale` belongs to the tensor. The integers are signed (two's complement):
16 bits are two bytes, the lower one first; two integers of 20 bits are five bytes: the first one in the lower
20 bits of the 40, the second one above. With 20 bits, the error is at most one millionth of the tensor's
largest weight. Small tensors are stored as 32-bit floats, lower byte first, without a scale.
"""

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import torch
from torch import Tensor

BITS = 20  # of a weight of one's own run
SMALL = 64  # numbers: up to here, a tensor is stored as it is

Packed = dict[str, Any]


def pack(tensor: Tensor, bits: int = BITS) -> Packed:
    """Return a tensor as plain values: {"shape", "bits", "scale", "data"}.

    Raises:
        ValueError: if a weight is not finite.
    """
    numbers = tensor.detach().to(torch.float32).cpu().numpy()
    if not np.isfinite(numbers).all():
        raise ValueError("its weights are not finite")
    packed: Packed = {"shape": list(numbers.shape)}
    if numbers.size <= SMALL or bits == 32:
        return packed | {"bits": 32, "scale": 1.0, "data": _text(numbers.astype("<f4"))}
    largest = 2 ** (bits - 1) - 1
    scale = float(np.abs(numbers).max()) / largest or 1.0  # all weights zero: any scale is right
    integers = np.rint(numbers.ravel().astype(np.float64) / scale).astype(np.int64)
    content = integers.astype("<i2") if bits == 16 else _pairs(integers)
    return packed | {"bits": bits, "scale": scale, "data": _text(content)}


def unpack(packed: Packed) -> Tensor:
    """Return the tensor of packed values, as the page reads it."""
    content, bits = b64decode(packed["data"]), packed["bits"]
    if bits == 32:
        numbers = np.frombuffer(content, "<f4")
    elif bits == 16:
        numbers = np.frombuffer(content, "<i2") * np.float64(packed["scale"])
    else:
        numbers = _from_pairs(content) * np.float64(packed["scale"])
    count = int(np.prod(packed["shape"], dtype=np.int64))
    return torch.from_numpy(numbers[:count].astype(np.float32).reshape(packed["shape"]))


def _pairs(integers: np.ndarray) -> np.ndarray:
    """Return integers of 20 bits as bytes, five for two; an odd number of integers gets a zero."""
    low, high = np.pad(integers, (0, len(integers) % 2)).reshape(-1, 2).T & 0xFFFFF
    both = (low | high << 20).astype("<u8")
    return both.view(np.uint8).reshape(-1, 8)[:, :5]


def _from_pairs(content: bytes) -> np.ndarray:
    parts = np.frombuffer(content, np.uint8).reshape(-1, 5).astype(np.int64)
    both = (parts << 8 * np.arange(5)).sum(axis=1)
    integers = np.stack([both & 0xFFFFF, both >> 20], axis=1).ravel()
    return np.where(integers < 1 << 19, integers, integers - (1 << 20))  # the sign


def _text(numbers: np.ndarray) -> str:
    return b64encode(numbers.tobytes()).decode()
