"""The layers of the lectures, each written out in plain tensor operations and equal to the layer of torch.

Shapes are named B (batch), C (channels), H and W (height and width), K (kernels: the output channels) and
V (vocabulary). Functions ending in `_loop` are the slide's sum, term by term; use the other version to train.
"""

from itertools import product

import torch
from torch import Tensor


def dense_loop(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Compute every output as a weighted sum of all inputs, term by term: z_i = w_0i + sum_j x_j w_ji.

    Args:
        x: inputs (B, m).
        W: weights (m, n): row j holds the weights of input j. `nn.Linear.weight` is its transpose.
        b: biases (n,), the slide's w_0i.

    Source: lecture 003, "Multi Output Perceptron".
    """
    _check_dense(x, W, b)
    batch, inputs, outputs = x.shape[0], *W.shape
    z = x.new_zeros(batch, outputs)
    for n, i in product(range(batch), range(outputs)):
        z_i = b[i]
        for j in range(inputs):
            z_i = z_i + x[n, j] * W[j, i]
        z[n, i] = z_i
    return z  # (B, n)


def dense(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Compute all the sums of `dense_loop` as one matrix product: z = x W + b.

    Source: lecture 003, "Dense layer from scratch" (there followed by a sigmoid).
    """
    _check_dense(x, W, b)
    return x @ W + b  # (B, n)


def _check_dense(x: Tensor, W: Tensor, b: Tensor) -> None:
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[0]:
        raise ValueError(
            f"inputs {_shape(x)} do not fit weights {_shape(W)}: "
            "give inputs (B, m) and weights (m, n) with the same m"
        )
    if b.shape != W.shape[1:]:
        raise ValueError(f"biases {_shape(b)} do not fit weights {_shape(W)}: give one bias per column")


def dropout(
    x: Tensor, p_dropped: float, training: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """Zero each unit with probability p, and scale up the others so that the mean stays the same.

    With scaling during training ("inverted" dropout, as in torch), prediction needs no change.

    Args:
        x: activities of any shape.
        p_dropped: probability of zeroing a unit, in [0, 1). This is torch's and Keras' p.
        training: False returns `x` itself.
        generator: source of the random mask, for reproducible runs; on the device of `x`.

    Source: lecture 003, "Regularization 1: Dropout"; lecture 002, "Dropout" ("p% to dropout").
    """
    if not 0 <= p_dropped < 1:
        raise ValueError(
            f"p_dropped={p_dropped} is not a probability in [0, 1): use 0.5 to drop half of the units"
        )
    if not training:
        return x
    p_retained = 1 - p_dropped
    kept = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device) < p_retained
    return x * kept / p_retained


def dropout_retaining(
    x: Tensor, p_retained: float, training: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """Apply dropout as first published: p is the probability to keep a unit, and testing multiplies by p.

    Training does not scale, so its mean output is p times the activity; testing multiplies by p to match it.
    `dropout` divides in training instead. Both agree up to this factor.

    Args:
        p_retained: probability of keeping a unit, in (0, 1]. The other arguments are those of `dropout`.
        training: False returns p times `x`.

    Source: lecture 002, "Regularization" ("each unit retained with fixed probability p"), from Srivastava et
    al. (2014).
    """
    if not 0 < p_retained <= 1:
        raise ValueError(
            f"p_retained={p_retained} is not a probability in (0, 1]: use 0.5 to keep half of the units"
        )
    if not training:
        return p_retained * x
    return x * (torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device) < p_retained)


def batch_norm_train(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """Shift and scale every channel to mean 0 and variance 1 over the batch, then by learned gamma and beta.

    Args:
        x: (B, C) or (B, C, ...); a channel's statistics run over the batch and all dimensions after it.
        gamma, beta: learned scale and shift (C,).
        running_mean, running_var: averages over past batches (C,), for `batch_norm_eval`.
        momentum: weight of the new batch in those averages, as in torch; many papers call 1 - momentum so.

    Returns:
        The output, shaped as `x`, and the new running mean and variance (C,).

    Source: lecture 001, "Technical problems" (batch normalization); Ioffe and Szegedy (2015), Algorithm 1.
    """
    _check_batch_norm(x, gamma, beta, running_mean, running_var)
    count = x.numel() // x.shape[1]  # values per channel
    if count < 2:
        raise ValueError(
            f"batch norm needs at least 2 values per channel to train, got {_shape(x)}: use a larger batch"
        )
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    others = [dim for dim in range(x.ndim) if dim != 1]

    mean = x.mean(dim=others)  # (C,)
    deviation = x - mean.view(per_channel)
    variance = (deviation**2).mean(dim=others)  # (C,), divided by count
    x_hat = deviation / torch.sqrt(variance + eps).view(per_channel)

    unbiased = variance.detach() * count / (count - 1)  # torch averages this one, but divides by `variance`
    running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
    running_var = (1 - momentum) * running_var + momentum * unbiased
    return gamma.view(per_channel) * x_hat + beta.view(per_channel), running_mean, running_var


def batch_norm_eval(
    x: Tensor, gamma: Tensor, beta: Tensor, running_mean: Tensor, running_var: Tensor, eps: float = 1e-5
) -> Tensor:
    """Normalize by the averages of training instead of the batch, so examples do not affect each other.

    Source and arguments: those of `batch_norm_train`.
    """
    _check_batch_norm(x, gamma, beta, running_mean, running_var)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    x_hat = (x - running_mean.view(per_channel)) / torch.sqrt(running_var + eps).view(per_channel)
    return gamma.view(per_channel) * x_hat + beta.view(per_channel)


def _check_batch_norm(x: Tensor, *per_channel: Tensor) -> None:
    if x.ndim < 2:
        raise ValueError(f"batch norm needs inputs (B, C) or (B, C, ...), got {_shape(x)}")
    for values in per_channel:
        if values.shape != x.shape[1:2]:
            raise ValueError(
                f"inputs {_shape(x)} have {x.shape[1]} channels, but gamma, beta or a running statistic has "
                f"shape {_shape(values)}: give one value per channel"
            )


def zero_frame(x: Tensor, padding: int) -> Tensor:
    """Put a frame of zeros around every image, or at both ends of every signal, so that the edges count too.

    Args:
        x: (B, C, M) or (B, C, H, W).
        padding: width of the frame, at least 0.

    Source: lecture 004, "Padding - Size of Zero Frame Around Input".
    """
    if padding < 0:
        raise ValueError(f"padding={padding} is negative: use 0 for no frame")
    framed = x.new_zeros(*x.shape[:2], *(size + 2 * padding for size in x.shape[2:]))
    inside = tuple(slice(padding, padding + size) for size in x.shape[2:])
    framed[:, :, *inside] = x
    return framed


def conv1d_loop(x: Tensor, u: Tensor, b: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Scan across the data and multiply by the kernel: (x * u)_i = sum_b x_(i+b) u_b, summed over channels.

    As everywhere in deep learning this is cross-correlation: the kernel is not flipped.

    Args:
        x: signals (B, C, M).
        u: kernels (K, C, k).
        b: biases (K,), or None.
        stride: step of the kernel, at least 1.
        padding: zeros at both ends.

    Returns:
        (B, K, (M + 2 padding - k) // stride + 1).

    Source: lecture 004, "1D Convolutional Layer Example".
    """
    _check_convolution(x, u, b, stride, padding, ndim=3)
    x = zero_frame(x, padding)
    kernels, channels, k = u.shape
    steps = (x.shape[2] - k) // stride + 1
    y = x.new_zeros(len(x), kernels, steps)
    for o, i in product(range(kernels), range(steps)):
        terms = [x[:, c, stride * i + n] * u[o, c, n] for c, n in product(range(channels), range(k))]
        y[:, o, i] = sum(terms) if b is None else sum(terms) + b[o]
    return y


def conv1d(x: Tensor, u: Tensor, b: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Unfold the signal into its windows; then all of `conv1d_loop` is one matrix product."""
    _check_convolution(x, u, b, stride, padding, ndim=3)
    windows = zero_frame(x, padding).unfold(2, u.shape[2], stride)  # (B, C, M', k)
    rows = windows.transpose(1, 2).flatten(2)  # (B, M', C k), one window per row
    y = (rows @ u.flatten(1).T).transpose(1, 2)  # (B, K, M')
    return y if b is None else y + b.view(-1, 1)


def conv2d_loop(x: Tensor, u: Tensor, b: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Place the kernel at every position of the image and add up the products:
    (x * u)_ij = sum_c sum_n sum_m x_(c, n+i, m+j) u_(c, n, m).

    Args:
        x: images (B, C, H, W).
        u: kernels (K, C, h, w); h x w is the receptive field.
        b: biases (K,), or None.
        stride: step of the kernel in both directions, at least 1.
        padding: width of the zero frame.

    Returns:
        K activation maps (B, K, (H + 2 padding - h) // stride + 1, (W + 2 padding - w) // stride + 1).

    Source: lecture 004, "2D Convolution Over Multiple Channels"; lecture 001, Y_i = X * W_i.
    """
    _check_convolution(x, u, b, stride, padding, ndim=4)
    x = zero_frame(x, padding)
    kernels, channels, h, w = u.shape
    rows, columns = (x.shape[2] - h) // stride + 1, (x.shape[3] - w) // stride + 1
    field = list(product(range(channels), range(h), range(w)))
    y = x.new_zeros(len(x), kernels, rows, columns)
    for o, i, j in product(range(kernels), range(rows), range(columns)):
        terms = [x[:, c, stride * i + n, stride * j + m] * u[o, c, n, m] for c, n, m in field]
        y[:, o, i, j] = sum(terms) if b is None else sum(terms) + b[o]
    return y


def conv2d(x: Tensor, u: Tensor, b: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Unfold the image into its windows; then all of `conv2d_loop` is one matrix product.

    Every row of windows meets the same weights: that is weight sharing, and why a 3x3x3 kernel has only 27.
    """
    _check_convolution(x, u, b, stride, padding, ndim=4)
    h, w = u.shape[2:]
    windows = zero_frame(x, padding).unfold(2, h, stride).unfold(3, w, stride)  # (B, C, H', W', h, w)
    rows = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)  # (B, H', W', C h w), one window per row
    y = (rows @ u.flatten(1).T).permute(0, 3, 1, 2)  # (B, K, H', W')
    return y if b is None else y + b.view(-1, 1, 1)


def _check_convolution(x: Tensor, u: Tensor, b: Tensor | None, stride: int, padding: int, ndim: int) -> None:
    if not x.ndim == u.ndim == ndim or x.shape[1] != u.shape[1]:
        raise ValueError(
            f"inputs {_shape(x)} do not fit kernels {_shape(u)}: "
            f"give both {ndim} dimensions, (B, C, ...) and (K, C, ...), and the same number of channels C"
        )
    if b is not None and b.shape != u.shape[:1]:
        raise ValueError(f"biases {_shape(b)} do not fit kernels {_shape(u)}: give one bias per kernel")
    _check_window(x, tuple(u.shape[2:]), stride, padding)


def _check_window(x: Tensor, window: tuple[int, ...], stride: int, padding: int = 0) -> None:
    if padding < 0:
        raise ValueError(f"padding={padding} is negative: use 0 for no frame")
    if stride < 1:
        raise ValueError(f"stride={stride} does not move the window: use 1 or more")
    for size, width in zip(x.shape[2:], window, strict=True):
        if not 1 <= width <= size + 2 * padding:
            raise ValueError(
                f"a window of {'x'.join(map(str, window))} does not fit into an input of "
                f"{'x'.join(map(str, x.shape[2:]))} with padding {padding}: "
                "use a smaller kernel, a larger input or more padding"
            )


def max_pool2d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    """Keep the largest value of every pooling area in each channel: a small shift changes little.

    Args:
        x: images (B, C, H, W).
        size: height and width of the pooling area.
        stride: distance between areas; None means `size`, areas side by side.

    Source: lecture 004, pooling ("find max or average value of pixels in a pooling area"); lecture 001,
    "How did we go from 14x14x8 to 7x7x12?".
    """
    stride = size if stride is None else stride
    _check_pooling(x, size, stride)
    areas = x.unfold(2, size, stride).unfold(3, size, stride)  # (B, C, H', W', size, size)
    return areas.flatten(4).max(dim=4).values  # of equal values the first one gets the gradient, as in torch


def avg_pool2d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    """Keep the average of every pooling area in each channel; arguments and source as for `max_pool2d`."""
    stride = size if stride is None else stride
    _check_pooling(x, size, stride)
    areas = x.unfold(2, size, stride).unfold(3, size, stride)  # (B, C, H', W', size, size)
    return areas.mean(dim=(4, 5))


def _check_pooling(x: Tensor, size: int, stride: int) -> None:
    if x.ndim != 4:
        raise ValueError(f"pooling needs images (B, C, H, W), got {_shape(x)}")
    _check_window(x, (size, size), stride)


def softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Turn scores into probabilities: o_k = exp(z_k) / sum_j exp(z_j).

    Subtracting the largest score first changes nothing, since it cancels, but keeps exp from overflowing.

    Source: lecture 002, "Multi-class Classification"; lecture 004, multi-class classification.
    """
    exp_z = torch.exp(z - z.amax(dim, keepdim=True))
    return exp_z / exp_z.sum(dim, keepdim=True)


def embedding(tokens: Tensor, E: Tensor) -> Tensor:
    """Look up one learned row of E per token.

    Args:
        tokens: integers in [0, V), any shape.
        E: table (V, features), one row per word or character.

    Returns:
        tokens' shape + (features,).
    """
    _check_tokens(tokens, E)
    return E[tokens]


def embedding_one_hot(tokens: Tensor, E: Tensor) -> Tensor:
    """Look up the same rows by a dense layer on one-hot vectors: the 1 at the token's place picks its row."""
    _check_tokens(tokens, E)
    one_hot = (tokens.unsqueeze(-1) == torch.arange(len(E), device=tokens.device)).to(E.dtype)  # (..., V)
    return one_hot @ E


def _check_tokens(tokens: Tensor, E: Tensor) -> None:
    if tokens.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"tokens must be integers, got {tokens.dtype}: convert them with tokens.long()")
    outside = tokens[(tokens < 0) | (tokens >= len(E))]
    if len(outside):
        raise ValueError(
            f"token {outside[0].item()} is outside the vocabulary of {len(E)}: use 0 to {len(E) - 1}"
        )


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
