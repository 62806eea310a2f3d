"""Lecture 004: convolution and pooling."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal, numbers, rounded
from intro_dl.models.cnn import CNN
from intro_dl.models.layers import make_pooling
from intro_dl.models.lenet import LeNet
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.scratch.layers import avg_pool2d, conv1d, conv1d_loop, conv2d, conv2d_loop, max_pool2d


def slide_along(x: Tensor, u: Tensor) -> Tensor:
    """Compute the slide's sum over one signal: (x * u)_i = sum_b x_(i+b) u_b."""
    return conv1d_loop(x[None, None], u[None, None])[0, 0]


@claim(
    "N14",
    lectures=["004"],
    slide="1D Convolutional Layer Example",
    says="Convolution x * u is vector of size M - k + 1. (0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4) * (-1, 1) = (0, "
    "0, 0, 1, 1, 1, 1, 0, 0, 0)",
    kind="holds",
)
def differences() -> Outcome:
    x, u = numbers(0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4), numbers(-1, 1)
    found = slide_along(x, u)
    return Outcome(
        [
            Check("the slide's sum", found, numbers(0, 0, 0, 1, 1, 1, 1, 0, 0, 0)),
            Check("torch's conv1d", found, F.conv1d(x[None, None], u[None, None])[0, 0]),
            Check("its length: 11 - 2 + 1", len(found), 10),
            Check(
                "the kernel is not flipped, as in a textbook's convolution",
                found,
                slide_along(x, u.flip(0)),
                0.5,
                differ=True,
            ),
        ],
        [f"{x[i : i + 2].tolist()} . {rounded(u)} = {found[i]:g}" for i in range(10)],
    )


@claim(
    "N15",
    lectures=["004"],
    slide="or crude 'template matcher', e.g.",
    says="Convolution can implement a crude 'template matcher'. [The picture's numbers are lost in the text; "
    "here those of a well-known version.]",
    kind="holds",
)
def template_matcher() -> Outcome:
    x, u = numbers(0, 0, 3, 0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0), numbers(1, 0, 1)
    found = slide_along(x, u)
    peak = int(found.argmax())
    return Outcome(
        [
            Check(
                "(0, 0, 3, 0, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0) * (1, 0, 1)",
                found,
                numbers(3, 0, 3, 0, 0, 0, 3, 0, 6, 0, 3, 0),
            ),
            Check(
                "torch's conv1d", conv1d(x[None, None], u[None, None]), F.conv1d(x[None, None], u[None, None])
            ),
            Check("at the peak the signal is a multiple of the template", x[peak : peak + 3], 3 * u),
        ],
        [
            f"peak {found[peak]:g} at {peak}",
            "The signal and the template are ours: the text of the lecture lacks those of its picture.",
        ],
    )


@claim(
    "N16",
    lectures=["004"],
    slide="2D Convolution Over Multiple Channels; Stride; Padding",
    says="(x * u)_ij = sum_c sum_n sum_m x_(c, n+i, m+j) u_(c, n, m); output size (H - h + 1) x (W - w + 1) "
    "for each kernel. Stride: step size when moving kernel; padding: size of zero frame.",
    kind="holds",
)
def convolution_2d() -> Outcome:
    checks, sizes = [], []
    largest = {"the slide's sum": 0.0, "windows times kernels": 0.0}
    for _ in range(12):
        H, W, C, K = (int(n) for n in torch.randint(4, 8, (4,)))
        h, w, stride = (int(n) for n in torch.randint(1, 4, (3,)))
        padding = int(torch.randint(0, 3, ()))
        x, u = normal(1, C, H, W), normal(K, C, h, w)
        torch_s = F.conv2d(x, u, stride=stride, padding=padding)
        rule = ((H + 2 * padding - h) // stride + 1, (W + 2 * padding - w) // stride + 1)
        for name, ours in (("the slide's sum", conv2d_loop), ("windows times kernels", conv2d)):
            found = ours(x, u, stride=stride, padding=padding)
            same = found.shape == torch_s.shape
            largest[name] = max(largest[name], (found - torch_s).abs().max().item() if same else math.inf)
            sizes += [found.shape[2:] == rule, ours(x, u).shape[2:] == (H - h + 1, W - w + 1)]
    checks = [
        Check(
            f"{name}, 12 random cases of (H, W, h, w, stride, padding), against torch", difference, 0.0, 1e-12
        )
        for name, difference in largest.items()
    ]
    checks.append(Check("sizes (H - h + 1) x (W - w + 1), and with stride and padding", sizes, [True] * 48))
    return Outcome(
        checks, ["With stride s and padding p: (H + 2 p - h) // s + 1 rows, and so for the columns."]
    )


@claim(
    "N17",
    lectures=["004"],
    slide="Parameters are shared by each neuron producing an output in the activation map",
    says="Kernel: 3 x 3 x 3 -> 27 weights. Fully connected layer: 256 x 256 x 3 inputs -> 256 x 256 x 3 "
    "outputs -> O(10^10) weights.",
    kind="holds",
)
def weight_sharing() -> Outcome:
    image = (3, 256, 256)
    with torch.device("meta"):  # shapes only: the dense weights would take 155 GB
        one, three = (
            next(CNN(image, 10, widths=(maps,), kernels=(3,), hidden=1).features[1].parameters())
            for maps in (1, 3)
        )
        dense = SoftmaxRegression(image, num_classes=math.prod(image)).logits
    count = dense.weight.numel()
    return Outcome(
        [
            Check("weights of one 3x3 kernel of model=cnn on RGB images", one.numel(), 27),
            Check("weights of three kernels, which give 3 maps of 256 x 256", three.numel(), 81),
            within("weights of the dense layer of model=softmax with as many outputs", count, 1e10, 1e11),
            Check("... of which each pixel of the output has its own", count // math.prod(image), 196_608),
        ],
        [
            f"{count:,} weights, {4 * count / 1e9:.0f} GB in float32",
            "The 27 weights of one kernel make one map. The 3 maps of the slide's dense layer take 3 "
            f"kernels, 81 weights: {count / 81:.1e} times fewer. Biases are not counted.",
        ],
    )


@claim(
    "F34",
    lectures=["004"],
    slide="Convolutional layer does pattern matching at any location -> Equivariant to translation",
    says="Convolution is equivariant to translation. Pooling: invariance to permutation within pooling area, "
    "invariance to local perturbations.",
    kind="holds",
)
def equivariance() -> Outcome:
    x, u = normal(1, 2, 12, 12), normal(3, 2, 3, 3)

    def shift(image: Tensor) -> Tensor:  # down by 1, right by 2
        return image.roll((1, 2), dims=(2, 3))

    inside = (..., slice(1, None), slice(2, None))  # what was not rolled around
    moved, conv = conv2d(shift(x), u)[inside], shift(conv2d(x, u))[inside]
    dense = normal(144, 144)
    dense_x = (x[0, 0].flatten() @ dense).view(1, 1, 12, 12)
    dense_moved = (shift(x)[0, 0].flatten() @ dense).view(1, 1, 12, 12)

    cnn = (
        CNN((2, 12, 12), 10, widths=(3,), kernels=(3,)).double().features[:2]
    )  # zero padding, then convolution
    net, net_moved = (shift(cnn(x)).detach(), cnn(shift(x)).detach())
    away = (..., slice(2, -1), slice(3, -1))  # from the frame of zeros and from what was rolled around

    areas = x.unfold(2, 3, 3).unfold(3, 3, 3)  # (1, 2, 4, 4, 3, 3)
    order = torch.randperm(9)
    shuffled = areas.flatten(4)[..., order].view(areas.shape).permute(0, 1, 2, 4, 3, 5).reshape(x.shape)
    dot, nudged, across = torch.zeros(3, 1, 1, 6, 6)
    dot[0, 0, 3, 3], nudged[0, 0, 4, 5], across[0, 0, 2, 3] = 1, 1, 1
    pool = make_pooling("max", 3)
    return Outcome(
        [
            Check("conv(shift(x)) against shift(conv(x))", moved, conv, 1e-12),
            Check(
                "the first convolution of model=cnn, away from the edges", net_moved[away], net[away], 1e-12
            ),
            Check("... at the edges zero padding breaks it", net_moved, net, 0.01, differ=True),
            Check(
                "a dense layer does not have this property",
                dense_moved[inside],
                shift(dense_x)[inside],
                1,
                differ=True,
            ),
            Check("max-pooling after shuffling each pooling area", max_pool2d(shuffled, 3), max_pool2d(x, 3)),
            Check(
                "average pooling after shuffling each pooling area",
                avg_pool2d(shuffled, 3),
                avg_pool2d(x, 3),
                1e-12,
            ),
            Check(
                "a dot moved within its area does not change the maxima",
                max_pool2d(nudged, 3),
                max_pool2d(dot, 3),
            ),
            Check("... nor those of LeNet's max pooling", pool(nudged), pool(dot)),
            Check(
                "a dot moved by one pixel into the next area does", pool(across), pool(dot), 0.5, differ=True
            ),
        ],
        [
            "Random images; exact only in the interior, and for shifts by whole pixels (with stride s: by "
            "multiples of s)."
        ],
    )


@claim(
    "F35",
    lectures=["004"],
    slide="In each channel, find max or average value of pixels in a pooling area of size h x w",
    says="In each channel, find max or average value of pixels in a pooling area of size h x w.",
    kind="holds",
)
def pooling() -> Outcome:
    x = normal(2, 3, 8, 8)
    cases = [(2, 2), (3, 3), (3, 2), (4, 1)]  # size, stride
    checks = [
        Check(f"max, areas of {size} x {size}, stride {s}", max_pool2d(x, size, s), F.max_pool2d(x, size, s))
        for size, s in cases
    ] + [
        Check(
            f"average, {size} x {size}, stride {s}", avg_pool2d(x, size, s), F.avg_pool2d(x, size, s), 1e-12
        )
        for size, s in cases
    ]
    for option, by_hand in (("max", max_pool2d), ("average", avg_pool2d)):
        layer = LeNet((3, 12, 12), 10, pooling=option).stage1[2]
        checks.append(Check(f"model=lenet model.pooling={option}", layer(x), by_hand(x, 2), 1e-12))
    area = x[0, 0, :2, :2]
    return Outcome(checks, [f"area {rounded(area)}: max {area.max():.4f}, average {area.mean():.4f}"])
