"""G45: One small kernel, used at every place.

Lecture 004; slides "1D Convolutional Layer Example" to "Invariance to local perturbations". Claims N14, N16,
F34, F35.
"""

# %% The slides move a kernel along a signal and over an image, with stride and padding, then pool. Here
# scratch/layers.py computes all outputs. The image is an 8x8 digit; its mirror image is channel 2.
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits

from intro_dl.figures.engine import animate, canvas, ink, shows
from intro_dl.scratch.layers import conv1d, conv2d, max_pool2d, zero_frame

signal = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4]).double()
steps = conv1d(signal[None, None], torch.tensor([[[-1, 1]]]).double())[0, 0]
digit = torch.from_numpy(load_digits().images[0])[None, None]
moved = digit.roll(1, 3)
edge = torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[None, None].double()
two = torch.cat([digit, digit.flip(3)], 1), torch.cat([edge, edge.mT], 1)  # channels, and kernels
CASES = {"two channels": (*two, 1, 0), "stride 2": (digit, edge, 2, 0), "padding 1": (digit, edge, 1, 1)}
maps = {name: conv2d(x, u, stride=stride, padding=padding) for name, (x, u, stride, padding) in CASES.items()}
areas = digit.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)[..., [3, 1, 0, 2]]  # shuffled within each 2x2 area
shuffled = areas.view(1, 1, 4, 4, 2, 2).permute(0, 1, 2, 4, 3, 5).reshape(digit.shape)


def row(axis, matrices, signs, title, windows=()):
    """Draw matrices side by side, a sign behind each, and a window (top, left, side) in some."""
    left = 0.0
    for values, sign, window in zip(matrices, signs, [*windows, *[None] * 4][: len(signs)], strict=True):
        cell = 1.5 if len(values) == 3 else 1.0  # small ones larger
        side, top = cell * len(values), 5 - cell * len(values) / 2
        axis.imshow(values, extent=(left, left + side, top + side, top))
        if window:
            corner, width = (left + cell * window[1], top + cell * window[0]), cell * window[2]
            axis.add_patch(plt.Rectangle(corner, width, width, fill=False, edgecolor="C1", linewidth=3))
        left += side + (2.0 if sign.strip() else 0.6)
        axis.text(left - 1, 5, sign, ha="center", va="center")
    axis.set(xlim=(-0.3, 37), ylim=(10.3, -0.3), title=title, xticks=(), yticks=(), frame_on=False)


# %% The film moves each kernel; the last two panels do not move
figure, axes = canvas(3, 2, height=6.5)
FRAMES = 36


def frame(k):
    [axis.clear() for axis in axes.flat]
    line, at = axes[0, 0], k * len(steps) // FRAMES
    line.step(range(len(signal)), signal, where="mid", color=ink())
    line.plot(range(at, at + 2), signal[at : at + 2], "o", color="C1")
    line.plot(torch.arange(at + 1) + 0.5, steps[: at + 1] - 3, "s-", color="C0")
    line.text(0, 0.8, "signal"), line.text(0, -2.2, "output", color="C0")
    line.set(ylim=(-3.8, 4.8), yticks=[], title="signal * (-1, 1)", xlabel="place")
    for axis, (name, (x, u, stride, padding)) in zip(axes.flat[1:4], CASES.items(), strict=True):
        out = maps[name][0, 0]
        top, left = divmod(at := k * out.numel() // FRAMES, len(out))
        seen = torch.where(torch.arange(out.numel()).view(out.shape) <= at, out, torch.nan)
        images, signs = [*zero_frame(x, padding)[0], *u[0], seen], " * = " if len(u[0]) == 2 else "*= "
        windows = [(top * stride, left * stride, 3)] * len(u[0]) + [None] * len(u[0]) + [(top, left, 1)]
        row(axis, images, signs, f"{name}: 8x8 to {len(out)}x{len(out)}", windows)
    pairs = digit, conv2d(digit, edge), moved, conv2d(moved, edge)
    row(axes[2, 0], [x[0, 0] for x in pairs], "→,→ ", "move the image, and the output moves")
    pairs = digit, max_pool2d(digit, 2), shuffled, max_pool2d(shuffled, 2)
    row(axes[2, 1], [x[0, 0] for x in pairs], "→,→ ", "shuffle 2x2 pools: the same maxima")


figure.suptitle("The same small kernel at every place, then pooling")
film = animate(figure, frame, FRAMES, seconds=12)

# %% The properties: the slide's numbers, sizes, equivariance and invariance
shows("the slide's example", str(steps.int().tolist()), steps.tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0])
sides = [len(out[0, 0]) for out in maps.values()]
shows("sides of the outputs: 8 - 3 + 1, with stride 2, with padding 1", str(sides), sides == [6, 3, 8])
gap = (conv2d(moved, edge)[..., 1:] - conv2d(digit, edge)[..., :-1]).abs().max().item()
shows("a moved image gives a moved output", f"largest difference {gap:.0e}", gap < 1e-12)
gap = (max_pool2d(shuffled, 2) - max_pool2d(digit, 2)).abs().max().item()
shows("shuffled 2x2 areas keep their maxima", f"changed by {gap:g}", gap == 0 and not shuffled.equal(digit))
plt.show()
