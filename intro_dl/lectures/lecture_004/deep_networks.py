"""Lecture 004: GoogLeNet, ResNet, and what skip connections do."""

import statistics

import torch
from torch import nn
from torchvision.models.googlenet import Inception

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.models.layers import initialize
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import Block, ResNet
from intro_dl.models.torchvision import Torchvision
from intro_dl.results.evidence import read_runs


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
