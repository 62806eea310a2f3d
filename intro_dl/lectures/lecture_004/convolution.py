"""Lecture 004: convolution, pooling, the deep networks built from them, and more classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model_weights
from torchvision.models.googlenet import Inception

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import finite_difference, gradient, normal, numbers, rounded
from intro_dl.models.lenet import LeNet
from intro_dl.models.torchvision import Torchvision
from intro_dl.results.evidence import read_runs
from intro_dl.scratch.layers import avg_pool2d, conv1d, conv1d_loop, conv2d, conv2d_loop, max_pool2d, softmax


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
        [f"peak {found[peak]:g} at {peak}"],
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
        for name, ours in (("the slide's sum", conv2d_loop), ("windows times kernels", conv2d)):
            difference = (ours(x, u, stride=stride, padding=padding) - torch_s).abs().max().item()
            largest[name] = max(largest[name], difference)
        plain = conv2d(x, u).shape
        rule = ((H + 2 * padding - h) // stride + 1, (W + 2 * padding - w) // stride + 1)
        sizes.append(plain[2:] == (H - h + 1, W - w + 1) and torch_s.shape[2:] == rule)
    checks = [
        Check(
            f"{name}, 12 random cases of (H, W, h, w, stride, padding), against torch", difference, 0.0, 1e-12
        )
        for name, difference in largest.items()
    ]
    checks.append(Check("sizes (H - h + 1) x (W - w + 1), and with stride and padding", sizes, [True] * 12))
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
    with torch.device("meta"):  # shapes only: the dense weights would take 155 GB
        kernel = nn.Conv2d(3, 1, 3, bias=False)
        dense = nn.Linear(256 * 256 * 3, 256 * 256 * 3, bias=False)
    count = dense.weight.numel()
    return Outcome(
        [
            Check("weights of the kernel", kernel.weight.numel(), 27),
            Check("weights of the dense layer", count, 196_608**2),
            Check("their power of ten", len(str(count)) - 1, 10),
        ],
        [f"{count:,} weights against 27: {count / 27:.1e} as many, {4 * count / 1e9:.0f} GB in float32"],
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

    areas = x.unfold(2, 3, 3).unfold(3, 3, 3)  # (1, 2, 4, 4, 3, 3)
    order = torch.randperm(9)
    shuffled = areas.flatten(4)[..., order].view(areas.shape).permute(0, 1, 2, 4, 3, 5).reshape(x.shape)
    dot, nudged = torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 6, 6)
    dot[0, 0, 3, 3], nudged[0, 0, 4, 5] = 1, 1
    return Outcome(
        [
            Check("conv(shift(x)) against shift(conv(x))", moved, conv, 1e-12),
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
    area = x[0, 0, :2, :2]
    first = Check(
        "the first area, computed directly", max_pool2d(x, 2)[0, 0, 0, 0], max(area.flatten().tolist())
    )
    return Outcome(
        [first, *checks], [f"area {rounded(area)}: max {area.max():.4f}, average {area.mean():.4f}"]
    )


# Deep networks ----------------------------------------------------------------------------------------------


def on_paper(name: str) -> Torchvision:
    """Return a network of torchvision for 224x224 color images and 1,000 classes, shapes only."""
    with torch.device("meta"):
        return Torchvision((3, 224, 224), 1000, name)


def weighted(net: nn.Module) -> list[str]:
    """List the names of the layers with weights: convolutions and fully connected layers."""
    return [name for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


@claim(
    "P2",
    lectures=["004"],
    slide="GoogLeNet (Szegedy et al, 2014)",
    says="GoogLeNet. [The deck shows the diagram; its count of parameters is checked against torchvision's.]",
    kind="holds",
)
def googlenet_parameters() -> Outcome:
    net = on_paper("googlenet")
    published = next(iter(get_model_weights("googlenet"))).meta["num_params"]
    count = sum(p.numel() for p in net.parameters())
    blocks = sum(isinstance(module, Inception) for module in net.modules())
    return Outcome(
        [
            Check("parameters, without the two auxiliary classifiers", count, published),
            Check("inception blocks: multiple convolutions in parallel and recombined", blocks, 9),
            Check("convolutions and dense layers: 3 + 6 a block + 1", len(weighted(net)), 3 + 6 * blocks + 1),
        ],
        [f"{count:,} parameters, one ninth of AlexNet's (P1)"],
    )


@claim(
    "P3",
    lectures=["004"],
    slide="ResNet (He et al, 2015)",
    says="ResNet-152. [Its count of parameters is checked against torchvision's.]",
    kind="holds",
)
def resnet_parameters() -> Outcome:
    net = on_paper("resnet152")
    published = next(iter(get_model_weights("resnet152"))).meta["num_params"]
    count = sum(p.numel() for p in net.parameters())
    return Outcome([Check("parameters", count, published)], [f"{count:,} parameters"])


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
    return Outcome(
        [
            Check("ResNet-152: layers with weights, one after the other", len(resnet) - len(shortcuts), 152),
            Check("ResNet-152: shortcuts with weights, which do not count", len(shortcuts), 4),
            Check("GoogLeNet: 2 in a row in each block, and those outside", 2 * blocks + len(outside), 22),
            Check("AlexNet: 5 convolutions and 3 dense layers", len(weighted(on_paper("alexnet"))), 8),
            Check("LeNet: 2 convolutions and 3 dense layers", len(weighted(LeNet((1, 28, 28), 10))), 5),
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
    norms = {}
    weights = [0.5 * normal(32, 32) / 32**0.5 for _ in range(50)]
    for skip in (False, True):
        x = normal(64, 32).requires_grad_()
        h = x
        for W in weights:
            h = skip * h + torch.tanh(h @ W.T)
        norms[skip] = torch.autograd.grad(h.sum(), x)[0].norm().item()
    checks = [
        Check("50 tanh layers: gradient at the input", norms[False], 0.0, 1e-9),
        Check("with a skip over each layer it is above 1", norms[True] > 1, True),
    ]
    working = [
        f"gradient at the input: plain {norms[False]:.1e}, with skips {norms[True]:.1f}",
        "He et al. (2015) report that gradients do not vanish in their plain networks, which have batch "
        "norm: depth makes them hard to train nevertheless.",
    ]
    error = {}
    for name in ("plain20", "plain56", "resnet20", "resnet56"):
        found = read_runs(f"cifar10_{name}", "accuracy/train")
        error[name] = 1 - sum(found) / len(found)
    checks += [
        Check(
            "without skips, 56 layers fit CIFAR-10 worse than 20", error["plain56"] > error["plain20"], True
        ),
        Check("with skips, 56 layers fit it better than 20", error["resnet56"] < error["resnet20"], True),
        Check("20 layers fit it better with skips", error["resnet20"] < error["plain20"], True),
        Check("56 layers fit it better with skips", error["resnet56"] < error["plain56"], True),
    ]
    shown = ", ".join(f"{name} {value:.1%}" for name, value in error.items())
    return Outcome(checks, [*working, f"training errors on CIFAR-10 after a short training: {shown}"])


@claim(
    "F36",
    lectures=["004"],
    slide="Multiclass Classification? Softmax -> multi-class generalization of logistic loss",
    says="p(c_k | x) = exp(w_k x) / sum_j exp(w_j x); gradient descent for each of the weights w_k.",
    kind="holds",
)
def softmax_classes() -> Outcome:
    x, W, target = normal(6), normal(4, 6), numbers(0, 0, 1, 0)
    p = torch.exp(W @ x) / torch.exp(W @ x).sum()
    two = normal(2, 6)

    def loss(W: Tensor) -> Tensor:
        return -(target * torch.log_softmax(W @ x, dim=0)).sum()

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
            Check("probabilities add up to 1", p.sum(), 1.0, 1e-15),
            Check(
                "gradient for each w_k: (p_k - y_k) x, against autograd", by_hand, gradient(loss, W), 1e-12
            ),
            Check("... and against finite differences", by_hand, finite_difference(loss, W), 1e-8),
            Check(
                "the same vector added to every w_k changes nothing", softmax((W + normal(6)) @ x), p, 1e-12
            ),
        ],
    )
