"""Lecture 001: softmax regression and multilayer perceptrons on MNIST, and how they are trained."""

import os

import torch
import torchvision
from torch import Tensor, nn

from intro_dl.data.batches import Batches
from intro_dl.data.images import Digits
from intro_dl.data.mnist import MNIST, mnist_files, read_mnist
from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.models.layers import Activation
from intro_dl.models.mlp import MLP
from intro_dl.models.softmax import SoftmaxRegression
from intro_dl.models.torchvision import Torchvision
from intro_dl.results.evidence import BEYOND_CHANCE, Mean, MissingResult, accuracy
from intro_dl.scratch import backprop, layers, sampling

CHOSEN = (
    "Each run is tested at the epoch that is best on 5,000 validation images; the slide's source quotes the "
    "best test of a run (E22)."
)


def near(what: str, measured: Mean, slide: float) -> list[Check]:
    """Check that chance may explain the distance to the slide's number, and that the mean is precise."""
    tolerance = BEYOND_CHANCE * measured.error
    return [
        Check(
            f"{what}, within {BEYOND_CHANCE} standard errors of {slide:g}", measured.value, slide, tolerance
        ),
        within("... and its standard error", measured.error, high=0.1),
    ]


def count(model: nn.Module) -> int:
    """Count the parameters."""
    return sum(weight.numel() for weight in model.parameters())


cite(
    "E19",
    lectures=["001"],
    slide="ImageNet",
    says="Testing: label 150K new images. [Right: 50K validation and 100K test images.]",
    reason="The size of ILSVRC 2012 comes from a paper: Russakovsky et al. (2015), table 2.",
)

cite(
    "H5",
    lectures=["001", "004"],
    slide="ImageNet",
    says="Training data: 1.2M images, 1K categories. AlexNet shocked with 15.3% error rate versus 26%.",
    reason="Not reproduced: ImageNet may not be redistributed, and AlexNet took six days on two GPUs "
    "(Krizhevsky et al. 2012; 15.3% is the top-5 error of an average of seven networks). Its size: P1.",
)


@claim(
    "P1",
    lectures=["001", "004"],
    slide="ImageNet; AlexNet",
    says="AlexNet (8 layers with weights, about 60 million parameters in Krizhevsky et al. 2012)",
    kind="holds",
)
def alexnet() -> Outcome:
    with torch.device("meta"):  # shapes without numbers
        ours = Torchvision((3, 224, 224), 1000, name="alexnet")
        theirs = torchvision.models.alexnet(weights=None)
    weighted = [module for module in ours.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    sizes = [(3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)]
    convolutions = sum(maps * n_in * side**2 + maps for n_in, maps, side in sizes)
    linear = sum(m * n + n for m, n in ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)))
    return Outcome(
        [
            Check("parameters against torchvision's alexnet", count(ours), count(theirs)),
            Check("... against the sum over its layers", count(ours), convolutions + linear),
            Check("layers with weights: 5 convolutions, 3 linear", len(weighted), 8),
        ],
        [
            f"convolutions {convolutions:,} + linear {linear:,} = {convolutions + linear:,}",
            "torchvision has the version for one GPU (Krizhevsky 2014); the original had 60,965,224.",
        ],
    )


@claim(
    "N7",
    lectures=["001"],
    slide='Multinomial logistic regression as a "neural network"',
    says="5-dimensional data, three classes: y_k = W_{k,1} x_1 + ... + W_{k,5} x_5 + b_k; Pr(y = k) = "
    "softmax; then a 3-sided dice is thrown.",
    kind="holds",
)
def three_sided_dice() -> Outcome:
    model = SoftmaxRegression((5,), 3).double()
    logits = model(normal(1, 5))[0]
    probabilities = layers.softmax(logits)
    throws, dice = 20_000, torch.Generator().manual_seed(1)
    expected = throws * probabilities
    observed = torch.bincount(sampling.sample(logits.expand(throws, 3), generator=dice), minlength=3)
    chi_square = ((observed - expected) ** 2 / expected).sum().item()
    return Outcome(
        [
            Check("parameters: 5 x 3 weights, 3 biases", count(model), 5 * 3 + 3),
            Check("softmax by hand against torch's", probabilities, torch.softmax(logits, dim=0), 1e-12),
            within("chi-square of 20,000 throws, 2 degrees of freedom", chi_square, high=18.4),  # 1 in 10,000
        ],
        [f"softmax {probabilities.tolist()}", f"thrown  {(observed / throws).tolist()}"],
    )


def mean_and_deviation(images: Tensor) -> tuple[float, float]:
    """Return mean and standard deviation of uint8 pixels in units of 255, by counting the 256 values."""
    counts = torch.bincount(images.flatten(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = (counts * values).sum() / counts.sum()
    return mean.item(), ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt().item()


@claim(
    "N30",
    lectures=["001"],
    slide="MNIST handwritten digits",
    says="It contains 28 x 28 images, 60K to train the model, 10K to test.",
    kind="measured",
)
def mnist_counts() -> Outcome:
    data = MNIST(root=os.environ.get("INTRO_DL_DATA", "data"))
    if not all(file.is_file() for file in mnist_files("MNIST", data.root)):
        raise MissingResult("the files of MNIST (intro-dl train data=mnist downloads them)")
    (images, labels), (test_images, test_labels) = read_mnist("MNIST", data.root)
    mean, deviation = mean_and_deviation(images)
    return Outcome(
        [
            Check("training images", tuple(images.shape), (60_000, 1, 28, 28)),
            Check("test images", tuple(test_images.shape), (10_000, 1, 28, 28)),
            Check("labels", (len(labels), len(test_labels)), (60_000, 10_000)),
            Check("mean of the training pixels: these are MNIST's", mean, MNIST.MEAN[0], 5e-5),
            Check("their standard deviation", deviation, MNIST.STD[0], 5e-5),
        ]
    )


@claim(
    "N8",
    lectures=["001"],
    slide="MNIST: a classification problem",
    says="Learn 10 vectors (784 dims) and 10 biases to classify digits.",
    kind="holds",
)
def softmax_regression_size() -> Outcome:
    model = SoftmaxRegression((1, 28, 28), 10)
    return Outcome(
        [
            Check("shape of the weights", tuple(model.logits.weight.shape), (10, 784)),
            Check("shape of the biases", tuple(model.logits.bias.shape), (10,)),
            Check("parameters: 10 x 784 + 10", count(model), 10 * 784 + 10),
        ]
    )


@claim(
    "H1",
    lectures=["001"],
    slide="MNIST: a classification problem",
    says="The accuracy on new data (about 92%)",
    kind="measured",
)
def softmax_on_mnist() -> Outcome:
    measured = accuracy("mnist_softmax")
    return Outcome(
        [within("test accuracy in %: rounded, the slide's 92", measured.value, 91.5, 92.5)],
        [f"test accuracy in %: {measured}, experiment=mnist_softmax", CHOSEN],
    )


@claim(
    "F37",
    lectures=["001"],
    slide="Technical problems: big data and step sizes",
    says="Use stochastic optimization with a decreasing step size. One pass through data = one epoch. "
    "theta <- theta - alpha grad L(D_subset): fast.",
    kind="holds",
)
def robbins_monro() -> Outcome:
    x = normal(1000, 2000)  # 1,000 runs of 2,000 examples; the loss of each is 1/2 (theta - x)^2
    decreasing, constant = torch.zeros(1000, dtype=torch.float64), torch.zeros(1000, dtype=torch.float64)
    for t, x_t in enumerate(x.T, start=1):
        decreasing = decreasing - 1 / t * (decreasing - x_t)
        constant = constant - 0.1 * (constant - x_t)
    floor = constant.var().item()
    batches = Batches(torch.arange(60_000), torch.arange(60_000), batch_size=100, shuffle=True)
    seen = torch.cat([inputs for inputs, _ in batches])
    return Outcome(
        [
            Check("alpha = 1/t gives the mean of all examples", decreasing, x.mean(dim=1), 1e-12),
            Check("alpha = 0.1 keeps a variance of alpha / (2 - alpha)", floor, 0.1 / 1.9, 6e-3),
            within("variance with alpha = 1/t, in units of that", decreasing.var().item() / floor, high=0.02),
            Check("updates in one epoch of 60,000 images, 100 at a time", len(batches), 600),
            Check("... which see every image once", seen.sort().values, torch.arange(60_000)),
        ]
    )


def slide_mlp(activation: Activation) -> MLP:
    """Return the slide's network, 784-200-100-60-30-10, with weights from N(0, 0.1^2) as in its source."""
    return MLP((1, 28, 28), 10, hidden=(200, 100, 60, 30), activation=activation, init="normal", sigma=0.1)


@claim(
    "H8",
    lectures=["001"],
    slide="Technical problems: gradient vanishing",
    says="Sigmoid functions in models that are this deep lead to gradient vanishing (the first derivatives "
    "for some parameters equal zero). The fix is ReLU.",
    kind="holds",
)
def vanishing_gradients() -> Outcome:
    data = Digits()
    data.setup()
    images, labels = data.splits["train"]
    x = data.transform(images[:500]).flatten(1).double()
    one_hot = nn.functional.one_hot(labels[:500], 10).double()
    norms, by_autograd = {}, {}
    for activation in ("sigmoid", "relu"):
        model = slide_mlp(activation).double()
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
        weights, biases = [part.weight.detach() for part in linear], [part.bias.detach() for part in linear]
        norms[activation] = backprop.gradient_norm_per_layer(x, one_hot, weights, biases, activation)
        loss = model.metrics((x, labels[:500]))["loss"]
        slopes = torch.autograd.grad(loss, [part.weight for part in linear])
        by_autograd[activation] = [slope.norm().item() for slope in slopes]
    ratio = {name: sizes[0] / sizes[-1] for name, sizes in norms.items()}
    return Outcome(
        [
            within("sigmoid: gradient of the first layer / of the last", ratio["sigmoid"], high=0.05),
            within("ReLU: the same ratio", ratio["relu"], low=0.3),
            Check("sigmoid: norms by hand against autograd", norms["sigmoid"], by_autograd["sigmoid"], 1e-9),
            Check("ReLU: norms by hand against autograd", norms["relu"], by_autograd["relu"], 1e-9),
        ],
        [f"{name:<8}{'  '.join(f'{size:.4f}' for size in sizes)}" for name, sizes in norms.items()]
        + ["norm of dE/dW, first layer to last, at the first step: small, but not zero as the slide says."],
    )


@claim(
    "F38",
    lectures=["001"],
    slide="Technical problems",
    says="Batch normalization: fixes data and parameter scaling issues",
    kind="holds",
)
def batch_normalization() -> Outcome:
    twin = nn.BatchNorm1d(4).double()
    with torch.no_grad():
        twin.weight.copy_(1 + 0.1 * normal(4)), twin.bias.copy_(normal(4))
    scale_and_shift = twin.weight.detach(), twin.bias.detach()
    mean, var = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    for _ in range(3):
        x = 3 + 2 * normal(16, 4)
        out, mean, var = layers.batch_norm_train(x, *scale_and_shift, mean, var)
        torchs = twin(x)
    tested = layers.batch_norm_eval(x, *scale_and_shift, mean, var)

    def normalized(x: Tensor) -> Tensor:
        return layers.batch_norm_train(x, *scale_and_shift, mean, var, eps=0)[0]

    return Outcome(
        [
            Check("training: by hand against nn.BatchNorm1d", out, torchs, 1e-12),
            Check("running mean after three batches", mean, twin.running_mean, 1e-12),
            Check("running variance", var, twin.running_var, 1e-12),
            Check("testing", tested, twin.eval()(x), 1e-12),
            Check("inputs 100 times as large, and shifted", normalized(100 * x + 7), normalized(x), 1e-10),
        ]
    )


@claim(
    "N9",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="4 hidden layers (200,100,60,30)",
    kind="holds",
)
def mlp_size() -> Outcome:
    linear = [module for module in slide_mlp("relu").modules() if isinstance(module, nn.Linear)]
    sizes = (784, 200, 100, 60, 30, 10)
    by_hand = [m * n + n for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
    return Outcome(
        [
            Check("parameters of each layer", [count(layer) for layer in linear], by_hand),
            Check("parameters", count(slide_mlp("relu")), sum(by_hand)),
        ],
        [f"{' + '.join(f'{number:,}' for number in by_hand)} = {sum(by_hand):,}"],
    )


@claim(
    "E2",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="Roughly 34 million parameters. [Right: 185,300.]",
    kind="erratum",
)
def not_34_million() -> Outcome:
    slide, right = 34_000_000, count(slide_mlp("relu"))
    written_out = (784 * 200 + 200) + (200 * 100 + 100) + (100 * 60 + 60) + (60 * 30 + 30) + (30 * 10 + 10)
    # Even the widest layer four times does not reach the slide's number.
    widest = MLP((1, 28, 28), 10, hidden=(784,) * 4)
    return Outcome(
        [
            Check("parameters: slide, right", slide, right, tolerance=10_000_000, differ=True),
            Check("right: layer by layer", right, written_out),
            within("with 784 units in each of the four layers", count(widest), high=3_000_000),
        ],
        [f"34 million is {slide / right:.0f} times too many."],
    )


@claim(
    "H2",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says='98.2% with "fully connected" neural net of previous slide',
    kind="measured",
)
def mlp_on_mnist() -> Outcome:
    relu, sigmoid = accuracy("mnist_mlp"), accuracy("mnist_mlp_sigmoid")
    lost = relu - sigmoid
    return Outcome(
        [
            *near("test accuracy in %", relu, 98.2),
            within("points that sigmoids lose, in standard errors", lost.value / lost.error, BEYOND_CHANCE),
        ],
        [
            f"test accuracy in %: {relu}, experiment=mnist_mlp (ReLU)",
            f"with sigmoids: {sigmoid}, experiment=mnist_mlp_sigmoid",
            CHOSEN,
        ],
    )


@claim(
    "E23",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="The accuracy on new data (> 6% improvement). [Right: less than 6 points; more than 6% only "
    "relative to the 92% of softmax regression.]",
    kind="erratum",
)
def not_six_points() -> Outcome:
    network, softmax = accuracy("mnist_mlp"), accuracy("mnist_softmax")
    gain = network - softmax
    return Outcome(
        [
            Check("improvement in points: slide, ours", 6.0, gain.value, 2 * gain.error, differ=True),
            within("... ours is smaller", gain.value, high=6.0),
            within("relative improvement in %", 100 * gain.value / softmax.value, low=6.0),
        ],
        [
            f"points: {gain}, which is {(6 - gain.value) / gain.error:.1f} standard errors below 6",
            "The slide's source has 98.24 and 92.68 (Görner's mnist_2.1 and mnist_1.0): 5.56 points, 6.0 %.",
            CHOSEN,
        ],
    )
