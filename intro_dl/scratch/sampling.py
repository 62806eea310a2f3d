"""Sampling by hand: turn logits into one token, more or less boldly.

A language model gives a logit z_v for each of the V tokens that may come next. Always taking the largest is
dull and runs in circles; a V-sided die with p = softmax(z) now and then lands in the long tail of nonsense.
Three functions offer what lies between. Each takes logits (..., V) and returns logits (..., V), where a token
that is ruled out has logit -inf.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor


def divide_by_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Sharpen or flatten the die: z / T. T < 1 trusts the favorite, T > 1 gives the others a chance.

    T -> 0 always picks the largest logit, T -> infinity makes all tokens equally likely.

    Args:
        logits: z (..., V).
        temperature: T > 0.

    Returns:
        (z - max z) / T, shape (..., V): moving all logits changes no probability, and nothing overflows.

    Raises:
        ValueError: if `temperature` is not a positive number.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(
            f"temperature={temperature} must be > 0: use top_k=1 to always pick the likeliest token"
        )
    return (logits - logits.amax(dim=-1, keepdim=True)) / temperature


def keep_top_k(logits: Tensor, top_k: int) -> Tensor:
    """Rule out all but the k likeliest tokens.

    Args:
        logits: z (..., V).
        top_k: k >= 1; from V on nothing is ruled out. Of tokens that tie for the last place one stays.

    Raises:
        ValueError: if `top_k` is less than 1.

    Source: Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation" (2018).
    """
    if top_k < 1:
        raise ValueError(f"top_k={top_k} keeps no token: choose at least 1, or None to keep all")
    kept = logits.argsort(dim=-1, descending=True, stable=True)[..., :top_k]  # (..., k)
    return torch.full_like(logits, -math.inf).scatter(-1, kept, logits.gather(-1, kept))


def keep_nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Rule out the tail: keep the fewest tokens that together have at least probability p.

    Where the model is sure this keeps one token, where it is not it keeps many; top-k always keeps k.

    Args:
        logits: z (..., V).
        top_p: p in (0, 1]; 1 rules out nothing.

    Raises:
        ValueError: if `top_p` is outside (0, 1].

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020).
    """
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is outside (0, 1]: choose e.g. 0.9, or None to keep all")
    order = logits.argsort(dim=-1, descending=True, stable=True)  # (..., V)
    p = probabilities(logits).gather(-1, order)  # (..., V), largest first
    before = p.cumsum(dim=-1).roll(1, dims=-1)  # what the likelier tokens have together
    before[..., 0] = 0
    kept = torch.where((before < top_p) | (top_p == 1), logits.gather(-1, order), -math.inf)
    return torch.empty_like(logits).scatter(-1, order, kept)


def probabilities(logits: Tensor) -> Tensor:
    """p_v = e^(z_v) / sum_u e^(z_u): lecture 002, "Multi-class Classification"; -inf becomes 0."""
    e = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return e / e.sum(dim=-1, keepdim=True)


def sample(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Throw the V-sided die once for every row of logits.

    Temperature comes first, then top-k, then the nucleus of what top-k left.

    Args:
        logits: z (..., V), at least one of each row finite.
        temperature: T > 0.
        top_k: keep the k likeliest tokens; None keeps all.
        top_p: keep the likeliest tokens that together reach this probability, in (0, 1]; None keeps all.
        generator: the source of randomness, for a result that repeats.

    Returns:
        Tokens (...) in 0..V-1, int64.

    Raises:
        ValueError: if a setting is out of its range, or logits are nan, +inf, or all -inf.

    Source: lecture 001, "throw a 3-sided dice to decide what y equals".
    """
    if not logits.amax(dim=-1).isfinite().all():  # the largest is nan if any is
        raise ValueError(
            "logits must be finite, with -inf for a forbidden token, but a row has no finite maximum"
        )
    logits = divide_by_temperature(logits, temperature)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_nucleus(logits, top_p)
    p = probabilities(logits)  # (..., V)
    return torch.multinomial(p.reshape(-1, p.shape[-1]), 1, generator=generator).reshape(p.shape[:-1])


def generate(
    model: Callable[..., tuple[Tensor, Any]],
    prompt: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Continue a prompt without end: feed each sampled token back into the model.

    The model reads the prompt once, then one token a step; its recurrent state remembers the rest. So a step
    costs the same, however long the text is. Call it without gradients and with the model in eval mode.

    Args:
        model: maps tokens (B, T) and a state to logits (B, T, V) and the next state.
        prompt: tokens (B, T), T >= 1, on the device of the model; a row for each text.
        temperature, top_k, top_p: as in `sample`.
        seed: the same seed gives the same texts, on every device.

    Yields:
        The next token of every text, (B,).
    """
    generator = Generator().manual_seed(seed)
    logits, state = model(prompt, None)
    while True:
        tokens = sample(logits[:, -1].float().cpu(), temperature, top_k, top_p, generator)  # (B,)
        yield tokens
        logits, state = model(tokens[:, None].to(prompt.device), state)  # (B, 1, V)
