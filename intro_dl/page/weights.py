"""Pack weights as numbers of 16 or 20 bits, as text: a page of three networks stays below 2 MB.

A weight is integer * scale, where `scale` belongs to the tensor. The integers are signed (two's complement):
16 bits are two bytes, the lower one first; two integers of 20 bits are five bytes: the first one in the lower
20 bits of the 40, the second one above. With 20 bits, the error is at most one millionth of the tensor's
largest weight. Small tensors are stored as 32-bit floats, lower byte first, without a scale.

In the text, two characters are 13 bits, the lower ones first: 91 * 91 is a little more than 2**13. This is
8 % shorter than base64.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

BITS = 20  # of a weight of one's own run
SMALL = 64  # numbers: up to here, a tensor is stored as it is

# 91 characters that neither JSON nor HTML has to escape.
CHARACTERS = "!" + "".join(chr(code) for code in range(ord("#"), ord("~") + 1) if chr(code) not in "<\\")

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
        return packed | {"bits": 32, "scale": 1.0, "data": to_text(numbers.astype("<f4").tobytes())}
    largest = 2 ** (bits - 1) - 1
    scale = float(np.abs(numbers).max()) / largest or 1.0  # all weights zero: any scale is right
    integers = np.rint(numbers.ravel().astype(np.float64) / scale).astype(np.int64)
    content = integers.astype("<i2") if bits == 16 else _pairs(integers)
    return packed | {"bits": bits, "scale": scale, "data": to_text(content.tobytes())}


def unpack(packed: Packed) -> Tensor:
    """Return the tensor of packed values, as the page reads it."""
    content, bits = from_text(packed["data"]), packed["bits"]
    count = int(np.prod(packed["shape"], dtype=np.int64))
    if bits == 32:
        numbers = np.frombuffer(content, "<f4", count)
    elif bits == 16:
        numbers = np.frombuffer(content, "<i2", count) * np.float64(packed["scale"])
    else:
        numbers = _from_pairs(content, count) * np.float64(packed["scale"])
    return torch.from_numpy(numbers.astype(np.float32).reshape(packed["shape"]))


def _pairs(integers: np.ndarray) -> np.ndarray:
    """Return integers of 20 bits as bytes, five for two; an odd number of integers gets a zero."""
    low, high = np.pad(integers, (0, len(integers) % 2)).reshape(-1, 2).T & 0xFFFFF
    both = (low | high << 20).astype("<u8")
    return both.view(np.uint8).reshape(-1, 8)[:, :5]


def _from_pairs(content: bytes, count: int) -> np.ndarray:
    parts = np.frombuffer(content, np.uint8, (count + 1) // 2 * 5).reshape(-1, 5).astype(np.int64)
    both = (parts << 8 * np.arange(5)).sum(axis=1)
    integers = np.stack([both & 0xFFFFF, both >> 20], axis=1).ravel()
    return np.where(integers < 1 << 19, integers, integers - (1 << 20))[:count]  # the sign


def to_text(content: bytes) -> str:
    """Write bytes as text, two characters for 13 bits."""
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    bits = np.pad(bits, (0, -len(bits) % 13)).reshape(-1, 13).astype(np.int64)
    high, low = np.divmod((bits << np.arange(13)).sum(axis=1), 91)
    places = np.stack([low, high], axis=1).ravel()
    return np.frombuffer(CHARACTERS.encode(), np.uint8)[places].tobytes().decode()


def from_text(text: str) -> bytes:
    """Read the bytes that `to_text` wrote."""
    place_of = np.zeros(128, np.int64)
    place_of[np.frombuffer(CHARACTERS.encode(), np.uint8)] = np.arange(91)
    low, high = place_of[np.frombuffer(text.encode(), np.uint8)].reshape(-1, 2).T
    bits = ((low + 91 * high)[:, None] >> np.arange(13)) & 1
    whole = bits.ravel()[: bits.size // 8 * 8]  # the last bits fill up
    return np.packbits(whole.astype(np.uint8), bitorder="little").tobytes()
