"""Lecture 004: convolution, pooling, the deep networks built from them, and more classes."""

import math
import statistics

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.googlenet import Inception

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import finite_difference, normal, numbers, rounded
from intro_dl.models.cnn import CNN
from intro_dl.models.layers import initialize, make_pooling
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import Block, ResNet
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.models.torchvision import Torchvision
from intro_dl.results.evidence import read_runs
from intro_dl.scratch.layers import avg_pool2d, conv1d, conv1d_loop, conv2d, conv2d_loop, max_pool2d, softmax
from intro_dl.scratch.losses import cross_entropy, cross_entropy_gradient


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


# Deep networks ----------------------------------------------------------------------------------------------


def on_paper(name: str) -> Torchvision:
    """Return a network of torchvision for 224x224 color images and 1,000 classes, shapes only."""
    with torch.device("meta"):
        return Torchvision((3, 224, 224), 1000, name)


def weighted(net: nn.Module) -> list[str]:
    """List the names of the layers with weights: convolutions and fully connected layers."""
    return [name for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


# Szegedy et al. (2014), Table 1: maps of 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 after pooling.
GOOGLENET = (
    (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128), (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
)  # fmt: skip


@claim(
    "P2",
    lectures=["004"],
    slide="GoogLeNet (Szegedy et al, 2014)",
    says="GoogLeNet. [The deck shows the diagram; the parameters of torchvision's version are counted "
    "from the paper's table.]",
    kind="holds",
)
def googlenet_parameters() -> Outcome:
    def conv(
        n_in: int, n_out: int, side: int
    ) -> int:  # without bias; batch norm has two weights for each map
        return n_in * n_out * side**2 + 2 * n_out

    count, n_in = conv(3, 64, 7) + conv(64, 64, 1) + conv(64, 192, 3), 192
    for ones, before_3, threes, before_5, fives, pooled in GOOGLENET:  # maps; the paper's Table 1
        count += conv(n_in, ones, 1) + conv(n_in, before_3, 1) + conv(before_3, threes, 3)
        count += conv(n_in, before_5, 1) + conv(before_5, fives, 3) + conv(n_in, pooled, 1)  # 3x3, not 5x5
        n_in = ones + threes + fives + pooled
    count += n_in * 1000 + 1000

    net = on_paper("googlenet")
    found = sum(p.numel() for p in net.parameters())
    blocks = sum(isinstance(module, Inception) for module in net.modules())
    return Outcome(
        [
            Check(
                "parameters of model=torchvision model.name=googlenet, against the paper's table",
                found,
                count,
            ),
            Check(
                "inception blocks: multiple convolutions in parallel and recombined", blocks, len(GOOGLENET)
            ),
            Check("convolutions and dense layers: 3 + 6 a block + 1", len(weighted(net)), 3 + 6 * blocks + 1),
        ],
        [
            f"{found:,} parameters, without the two auxiliary classifiers, one ninth of AlexNet's (P1)",
            "The maps are those of the paper's Table 1. torchvision differs from the paper: 3x3 kernels "
            "in place of 5x5, and batch norm after each convolution; this is its count.",
        ],
    )


@claim(
    "P3",
    lectures=["004"],
    slide="ResNet (He et al, 2015)",
    says="ResNet-152. [Its parameters are counted from the paper's table.]",
    kind="holds",
)
def resnet_parameters() -> Outcome:
    def conv(
        n_in: int, n_out: int, side: int
    ) -> int:  # without bias; batch norm has two weights for each map
        return n_in * n_out * side**2 + 2 * n_out

    count, n_in = conv(3, 64, 7), 64
    for blocks, maps in ((3, 64), (8, 128), (36, 256), (3, 512)):  # He et al. (2015), Table 1
        count += conv(n_in, 4 * maps, 1)  # the shortcut of the first block
        for _ in range(blocks):
            count += conv(n_in, maps, 1) + conv(maps, maps, 3) + conv(maps, 4 * maps, 1)
            n_in = 4 * maps
    count += n_in * 1000 + 1000
    found = sum(p.numel() for p in on_paper("resnet152").parameters())
    return Outcome(
        [
            Check(
                "parameters of model=torchvision model.name=resnet152, against the paper's table",
                found,
                count,
            )
        ],
        [f"{found:,} parameters"],
    )


@claim(
    "H6",
    lectures=["004"],
    slide="To go deeper, architectures become much more complex",
    says="Recent ResNet-152 has 152 layers! [Beside it LeNet (1998), AlexNet (2012), GoogLeNet (2014).]",
    kind="holds",
)
def depths() -> Outcome:
    resnet = weighted(on_paper("resnet152"))
    shortcuts = [
        name for name in resnet if "downsample" in name
    ]  # 1x1 convolutions beside the path, not on it
    googlenet = on_paper("googlenet")
    blocks = sum(isinstance(module, Inception) for module in googlenet.modules())
    outside = [name for name in weighted(googlenet) if "inception" not in name]
    ours = [len(weighted(ResNet((3, 32, 32), 10, depth=depth))) for depth in (20, 56, 110)]
    return Outcome(
        [
            Check("ResNet-152: layers with weights, one after the other", len(resnet) - len(shortcuts), 152),
            Check("ResNet-152: shortcuts with weights, which do not count", len(shortcuts), 4),
            Check("GoogLeNet: 2 in a row in each block, and those outside", 2 * blocks + len(outside), 22),
            Check("AlexNet: 5 convolutions and 3 dense layers", len(weighted(on_paper("alexnet"))), 8),
            Check("model=lenet: 2 convolutions and 3 dense layers", len(weighted(LeNet((1, 28, 28), 10))), 5),
            Check("model=resnet: layers with weights for model.depth=20, 56 and 110", ours, [20, 56, 110]),
        ],
        [
            "ResNet-152, GoogLeNet and AlexNet are torchvision's, by model=torchvision; shapes only, "
            "without weights."
        ],
    )


@claim(
    "H7",
    lectures=["004"],
    slide="Training very deep networks is made possible because of the skip connections",
    says="Training very deep networks is made possible because of the skip connections in the residual "
    "blocks. Gradients can shortcut the layers and pass through without vanishing.",
    kind="measured",
)
def skip_connections() -> Outcome:
    found = {}
    for gain, norms in ((0.5, False), (0.7, False), (1.0, False), (1.5, False), (1.0, True)):
        for skip in (False, True):
            found[gain, norms, skip] = [gradient_at_input(27, skip, gain, norms) for _ in range(3)]
    mean = {case: statistics.median(each) for case, each in found.items()}
    spread = mean[1.0, True, False] / mean[1.0, True, True]
    checks = [
        within("gain 0.5, plain: the largest of 3 draws", max(found[0.5, False, False]), high=1e-9),
        within("gain 0.5, with skips: the smallest of 3 draws", min(found[0.5, False, True]), 0.1),
        within("gain 0.7, plain: the largest of 3 draws", max(found[0.7, False, False]), high=1e-4),
        within("gain 0.7, with skips: the smallest of 3 draws", min(found[0.7, False, True]), 0.1),
        within("gain 1.5, with skips: explodes, the smallest of 3 draws", min(found[1.5, False, True]), 1e3),
        within(
            "with batch norm, plain does not vanish: the smallest of 3 draws", min(found[1.0, True, False]), 1
        ),
        within("... but grows more than with skips, by a factor", spread, 10),
    ]
    working = [
        "27 residual blocks of model=resnet, 54 convolutions of 8 maps, on random 8-map images of 4x4 "
        "pixels; gain: the weights are those of He et al., times this number. Norm of the gradient at "
        "the input over that at the output, median of 3 draws:"
    ]
    for gain, norms, skip in found:
        kind = "batch norm" if norms else "without batch norm"
        working.append(
            f"{kind}, gain {gain}, {'with skips' if skip else 'plain'}: {mean[gain, norms, skip]:.1e}"
        )
    working.append(
        "So skips prevent vanishing where plain blocks shrink the gradient: without batch norm, at small "
        "gains. At 1.5 both explode. With batch norm the plain stack explodes and does not vanish. He et "
        "al. (2015), too, report that gradients do not vanish in their plain networks: depth makes them "
        "hard to train nevertheless."
    )
    error, runs = {}, {}
    for name in ("plain20", "plain56", "resnet20", "resnet56"):
        runs[name] = [1 - accuracy for accuracy in read_runs(f"cifar10_{name}", "accuracy/train")]
        error[name] = statistics.fmean(runs[name])
    checks += [
        Check(
            f"{better} has a lower training error on CIFAR-10 than {worse}{few(runs, better, worse)}",
            holds,
            True,
        )
        for better, worse, holds in (
            (better, worse, error[better] < error[worse])
            for better, worse in (
                ("plain20", "plain56"),
                ("resnet56", "resnet20"),
                ("resnet20", "plain20"),
                ("resnet56", "plain56"),
            )
        )
    ]
    shown = ", ".join(f"{name} {value:.1%} (n = {len(runs[name])})" for name, value in error.items())
    working.append(f"training errors on CIFAR-10 after 5 epochs, where the paper has 182: {shown}")
    if single := [name for name, each in runs.items() if len(each) == 1]:
        working.append(f"{' and '.join(single)}: one run each (n = 1), which shows an example, not a mean.")
    return Outcome(checks, working)


def few(runs: dict[str, list[float]], *names: str) -> str:
    """Return a note if one of the experiments has a single run."""
    return ", n = 1" * any(len(runs[name]) == 1 for name in names)


def gradient_at_input(blocks: int, skip: bool, gain: float, norms: bool) -> float:
    """Return the norm of the gradient at the input of a stack of residual blocks, over that at its output.

    Args:
        skip: whether the blocks have a skip, as `model.skip`.
        gain: factor of He's initial weights.
        norms: whether batch norm acts as in training; otherwise it changes nothing (means 0, variances 1).
    """
    stack = nn.Sequential(*(Block(8, 8, skip, projection=False) for _ in range(blocks))).train(norms)
    initialize(stack, "he")
    for layer in stack.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data *= gain
    x = torch.randn(4, 8, 4, 4, requires_grad=True)
    out = stack(x)
    arriving = torch.randn_like(out)
    return (torch.autograd.grad(out, x, arriving)[0].norm() / arriving.norm()).item()


@claim(
    "F36",
    lectures=["004"],
    slide="Multiclass Classification? Softmax -> multi-class generalization of logistic loss",
    says="p(c_k | x) = exp(w_k x) / sum_j exp(w_j x); gradient descent for each of the weights w_k.",
    kind="holds",
)
def softmax_classes() -> Outcome:
    x, W, target, label = normal(6), normal(4, 6), numbers(0, 0, 1, 0), torch.tensor([2])
    p = torch.exp(W @ x) / torch.exp(W @ x).sum()
    two = normal(2, 6)
    model = SoftmaxRegression((6,), 4).double()
    model.logits.weight.data, model.logits.bias.data = W.clone(), torch.zeros(4).double()
    loss_of_model = model.metrics((x[None], label))["loss"]
    of_model = torch.autograd.grad(loss_of_model, model.logits.weight)[0]

    def loss(W: Tensor) -> Tensor:
        return cross_entropy((W @ x)[None], label)

    by_hand = (p - target)[:, None] * x  # row k: the gradient for w_k
    return Outcome(
        [
            Check(
                "2 classes: sigmoid of the difference",
                softmax(two @ x)[1],
                torch.sigmoid((two[1] - two[0]) @ x),
                1e-15,
            ),
            Check("the slide's formula against softmax by hand", p, softmax(W @ x), 1e-15),
            Check("... against those of model=softmax", p, model.probabilities(model(x[None]))[0], 1e-12),
            Check(
                "-ln p of the true class against the loss of model=softmax", -p[2].log(), loss_of_model, 1e-12
            ),
            Check("... against cross-entropy by hand", -p[2].log(), loss(W), 1e-12),
            Check("gradient for each w_k: (p_k - y_k) x, against model=softmax", by_hand, of_model, 1e-12),
            Check(
                "... against scratch's rule for the scores",
                by_hand,
                cross_entropy_gradient((W @ x)[None], label).T * x,
                1e-12,
            ),
            Check("... and against finite differences", by_hand, finite_difference(loss, W), 1e-8),
            Check(
                "the same vector added to every w_k changes nothing", softmax((W + normal(6)) @ x), p, 1e-12
            ),
        ],
    )
