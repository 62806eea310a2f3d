"""Lecture 001: softmax regression and multilayer perceptrons on MNIST, and how they are trained."""

import math
import os
from collections.abc import Callable

import torch
from torch import Tensor, nn

from intro_dl.data.mnist import MNIST, mnist_files, read_mnist
from intro_dl.lectures.engine.claims import Check, Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import gradient, normal, numbers, rounded
from intro_dl.results.evidence import BEYOND_CHANCE, Mean, MissingResult, accuracy
from intro_dl.scratch import backprop, layers, losses, sampling
from intro_dl.tasks import Task
from intro_dl.training import product
from intro_dl.training.build import build_data

THROWS = 20_000

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
    says="Testing: label 150K new images. [Right for ILSVRC-2010; ILSVRC-2012, of the 15.3%, has 100K.]",
    reason="A mix of years, not an error of the slide alone: ILSVRC-2010 has 50,000 validation and 150,000 "
    "test images (Krizhevsky et al. 2012, section 2; the slide names this paper), ILSVRC-2012 has 100,000 "
    "test images (Russakovsky et al. 2015, table 2). Both counts come from papers.",
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
        net = product.model(
            "model=torchvision", "model.name=alexnet", in_shape=(3, 224, 224), num_classes=1000
        )
        gray = product.model(
            "model=torchvision", "model.name=alexnet", in_shape=(1, 224, 224), num_classes=10
        )
    weighted = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    sizes = [(3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)]
    convolutions = sum(maps * n_in * side**2 + maps for n_in, maps, side in sizes)
    linear = sum(m * n + n for m, n in ((256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)))
    fewer = 64 * 2 * 11**2 + 990 * (4096 + 1)  # two channels and 990 classes
    return Outcome(
        [
            Check("parameters against the sum over its layers", count(net), convolutions + linear),
            Check("layers with weights: 5 convolutions, 3 linear", len(weighted), 8),
            Check("fewer for gray images of 10 classes", count(net) - count(gray), fewer),
        ],
        [
            f"convolutions {convolutions:,} + linear {linear:,} = {convolutions + linear:,}",
            "Counted in torchvision's version for one GPU (Krizhevsky 2014), untrained; "
            "the original of 2012 has 60,965,224.",
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
    model = product.model("model=softmax", in_shape=(5,), num_classes=3).double()
    x = normal(1, 5)
    logits = model(x)[0].detach()
    W, b = model.logits.weight.detach(), model.logits.bias.detach()
    scores = torch.stack([W[k] @ x[0] + b[k] for k in range(3)])  # y_k, class by class
    probabilities = layers.softmax(scores)
    dice, chi_squares, working = torch.Generator().manual_seed(torch.initial_seed()), [], []
    for temperature in (1.0, 0.2):
        expected = THROWS * layers.softmax(scores / temperature)
        thrown = sampling.sample(logits.expand(THROWS, 3), temperature, generator=dice)
        observed = torch.bincount(thrown, minlength=3)
        chi_squares.append(((observed - expected) ** 2 / expected).sum().item())
        shares = (rounded(expected / THROWS), rounded(observed / THROWS))
        working.append("temperature {}: softmax {}, thrown {}".format(temperature, *shares))
    return Outcome(
        [
            Check("parameters: 5 x 3 weights, 3 biases", count(model), 5 * 3 + 3),
            Check("y_k of the network against the sums", logits, scores, 1e-12),
            Check(
                "softmax by hand against the network's",
                probabilities,
                model.probabilities(logits[None])[0],
                1e-12,
            ),
            # With 2 degrees of freedom, 25 is exceeded once in 270,000.
            within(f"chi-square of {THROWS:,} throws, 2 degrees of freedom", chi_squares[0], high=25),
            within(
                "... at temperature 0.2 (not on the slide), against softmax(y / 0.2)", chi_squares[1], high=25
            ),
        ],
        working,
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
    model = product.model("model=softmax").double()
    W, b = model.logits.weight, model.logits.bias
    images, labels = normal(20, 1, 28, 28), torch.arange(20) % 10
    x = images.flatten(1)
    logits = layers.dense(x, W.T, b)
    measured = model.metrics((images, labels))
    slopes = torch.autograd.grad(measured["loss"], [W, b])
    error = losses.cross_entropy_gradient(logits.detach(), labels)  # (20, 10)
    answers = layers.softmax(logits).argmax(dim=1)
    return Outcome(
        [
            Check("shape of the weights", tuple(W.shape), (10, 784)),
            Check("shape of the biases", tuple(b.shape), (10,)),
            Check("parameters: 10 x 784 + 10", count(model), 10 * 784 + 10),
            Check("its scores against a dense layer by hand", model(images), logits, 1e-12),
            Check(
                "its loss against cross-entropy by hand",
                measured["loss"],
                losses.cross_entropy(logits, labels),
                1e-12,
            ),
            Check("its answers: the class with the highest score", model.predict(model(images)), answers),
            Check("dE/dW by hand, (o - t) x, against autograd", error.T @ x, slopes[0], 1e-12),
            Check("dE/db by hand", error.sum(dim=0), slopes[1], 1e-12),
        ],
        ["The images here are random numbers; the accuracy on MNIST is H1."],
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
    "E31",
    lectures=["001"],
    slide="Basic neural networks",
    says="All others are: sigma(a) = e^a / (1 + e^a). [Right for the number, but it overflows for large a: "
    "compute 1 / (1 + e^-a).]",
    kind="erratum",
)
def overflowing_sigmoid() -> Outcome:
    def slide(a: Tensor) -> Tensor:
        return a.exp() / (1 + a.exp())

    neuron = product.model("model=perceptron", in_shape=(1,), num_classes=2).g
    near, far = torch.linspace(-30, 30, 121, dtype=torch.float64), numbers(-800, 800)
    limits = numbers(0, 1)
    return Outcome(
        [
            Check(
                "is it a number at a = 800? slide, right",
                *_finite(slide, backprop.sigmoid, 800.0),
                differ=True,
            ),
            Check(
                "... at a = 100 in float32",
                *_finite(slide, backprop.sigmoid, 100.0, torch.float32),
                differ=True,
            ),
            Check("for a in [-30, 30] both forms agree", slide(near), backprop.sigmoid(near), 1e-12),
            Check("1 / (1 + e^-a) at a = -800 and 800", backprop.sigmoid(far), limits),
            Check("the sigmoid of model=perceptron there", neuron(far), limits),
            Check("... and its slope", gradient(lambda a: neuron(a).sum(), far), numbers(0, 0)),
            Check(
                "the slope by hand, sigma (1 - sigma)", backprop.ACTIVATIONS["sigmoid"][1](far), numbers(0, 0)
            ),
        ],
        ["e^a is infinite from a = 710 (float64) or 89 (float32) on; infinity / infinity is not a number."],
    )


def _finite(
    slide: Callable[[Tensor], Tensor],
    right: Callable[[Tensor], Tensor],
    a: float,
    dtype: torch.dtype = torch.float64,
) -> tuple[bool, bool]:
    """Return whether each form of the sigmoid is a number at a."""
    point = torch.tensor(a, dtype=dtype)
    return bool(slide(point).isfinite()), bool(right(point).isfinite())


@claim(
    "F37",
    lectures=["001"],
    slide="Technical problems: big data and step sizes",
    says="Use stochastic optimization with a decreasing step size. One pass through data = one epoch. "
    "theta <- theta - alpha grad L(D_subset): fast.",
    kind="holds",
)
def robbins_monro() -> Outcome:
    x = normal(500, 300)  # 500 runs of 300 examples; the loss of each example is 1/2 (theta - x)^2
    found = {}
    for optim in ("sgd", "scratch_sgd"):
        found[optim] = _learn_means(x, optim, lambda t: 1 / t)
    constant = _learn_means(x, "sgd", lambda t: 0.1)
    floor = constant.var().item()
    data = build_data(product.config("data=digits"))
    images = len(data.splits["train"][0])
    data.splits["train"] = data.splits["train"][0], torch.arange(images)  # each image carries its number
    loader, epochs = data.train_dataloader(), []
    for epoch in range(2):
        loader.set_epoch(epoch)
        epochs.append(torch.cat([numbers for _, numbers in loader]))
    return Outcome(
        [
            Check("optim=sgd, alpha = 1/t: the mean of all examples", found["sgd"], x.mean(dim=1), 1e-12),
            Check("... optim=scratch_sgd, by hand", found["scratch_sgd"], x.mean(dim=1), 1e-12),
            Check("alpha = 0.1 keeps a variance of alpha / (2 - alpha)", floor, 0.1 / 1.9, 0.016),
            within(
                "variance with alpha = 1/t, in units of that", found["sgd"].var().item() / floor, high=0.1
            ),
            Check("updates in one epoch of data=digits, 32 at a time", len(loader), math.ceil(images / 32)),
            Check("... which see every image once", epochs[0].sort().values, torch.arange(images)),
            Check("... in the second epoch too", epochs[1].sort().values, torch.arange(images)),
            Check("... in another order", epochs[0], epochs[1], differ=True),
            Check("... and not in the order of the file", epochs[0], torch.arange(images), differ=True),
        ],
        [
            "The loss of each example is a parabola, so the minimum is the mean; no network is trained.",
            f"'Fast': an update reads 32 images instead of {images:,}.",
        ],
    )


def _learn_means(x: Tensor, optim: str, step_size: Callable[[int], float]) -> Tensor:
    """Return theta (runs,) after one step of `optim` for each example of x (runs, examples)."""
    theta = torch.zeros(len(x), dtype=x.dtype, requires_grad=True)
    optimizer = product.optimizer([theta], f"optim={optim}")
    for t, x_t in enumerate(x.T, start=1):
        optimizer.param_groups[0]["lr"] = step_size(t)
        theta.grad = theta.detach() - x_t
        optimizer.step()
    return theta.detach()


def slide_mlp(*overrides: str) -> Task:
    """Return the network of experiment=mnist_mlp, 784-200-100-60-30-10, untrained."""
    return product.model("experiment=mnist_mlp", *overrides)


@claim(
    "H8",
    lectures=["001"],
    slide="Technical problems: gradient vanishing",
    says="Sigmoid functions in models that are this deep lead to gradient vanishing (the first derivatives "
    "for some parameters equal zero). [Right: they get small, not zero.] The fix is ReLU.",
    kind="erratum",
)
def vanishing_gradients() -> Outcome:
    data = build_data(product.config("data=digits"))
    images, labels = (part[:500] for part in data.splits["train"])
    x = data.transform(images).flatten(1).double()
    one_hot = nn.functional.one_hot(labels, 10).double()
    norms, first, checks = {}, {}, []
    for activation in ("sigmoid", "relu"):
        # Weights from N(0, 0.1^2), as in the source of the slide.
        model = slide_mlp(f"model.activation={activation}", "model.init=normal", "model.sigma=0.1").double()
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
        weights, biases = [part.weight.detach() for part in linear], [part.bias.detach() for part in linear]
        by_hand = backprop.gradient_norm_per_layer(x, one_hot, weights, biases, activation)
        loss = model.metrics((x, labels))["loss"]
        slopes = torch.autograd.grad(loss, [part.weight for part in linear])
        norms[activation], first[activation] = [slope.norm().item() for slope in slopes], slopes[0]
        checks.append(
            Check(f"{activation}: norms by hand against autograd", by_hand, norms[activation], 1e-9)
        )
    ratio = {name: sizes[0] / sizes[-1] for name, sizes in norms.items()}
    zeros = (first["sigmoid"] == 0).double().mean().item()
    accuracy = {name: _accuracy_after_sgd(name) for name in norms}
    return Outcome(
        [
            Check("sigmoid: share of the first layer's derivatives that equal zero", zeros, 0.0),
            Check("... norm of these derivatives: slide, right", 0.0, norms["sigmoid"][0], 1e-5, differ=True),
            within("sigmoid: gradient of the first layer / of the last", ratio["sigmoid"], high=0.05),
            within("ReLU: the same ratio", ratio["relu"], low=0.3),
            within(
                "sigmoid: training accuracy after 6 epochs of SGD on data=digits",
                accuracy["sigmoid"],
                high=0.3,
            ),
            within("ReLU: the same", accuracy["relu"], low=0.8),
            *checks,
        ],
        [f"{name:<8}{'  '.join(f'{size:.4f}' for size in sizes)}" for name, sizes in norms.items()]
        + [
            "norm of dE/dW, first layer to last, of 500 digits at the first step (float64).",
            f"ReLU has exact zeros: {(first['relu'] == 0).double().mean():.1%} of these derivatives, "
            "at units that are off for every image.",
        ],
    )


def _accuracy_after_sgd(activation: str) -> float:
    """Return the training accuracy of the slide's network after a short training on digits."""
    model, _ = product.train(
        "experiment=mnist_mlp",
        "data=digits",
        f"model.activation={activation}",
        "model.init=normal",
        "optim=sgd",
        "optim.lr=0.1",
        "scheduler=none",
        "data.batch_size=32",
        "trainer.max_epochs=6",
    )
    return model.history[-1]["accuracy/train"]


@claim(
    "F38",
    lectures=["001"],
    slide="Technical problems",
    says="Batch normalization: fixes data and parameter scaling issues",
    kind="holds",
)
def batch_normalization() -> Outcome:
    net = product.model(
        "model=mlp", "model.hidden=[4]", "model.batch_norm=true", in_shape=(6,), num_classes=3
    )
    plain = product.model("model=mlp", "model.hidden=[4]", in_shape=(6,), num_classes=3).double()
    first, norm = net.double().features[:2]  # the linear map and its normalization
    with torch.no_grad():
        norm.weight.copy_(1 + 0.1 * normal(4)), norm.bias.copy_(normal(4))
    scale_and_shift = norm.weight.detach(), norm.bias.detach()
    mean, var = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    for _ in range(3):
        x = 3 + 2 * normal(16, 6)
        z = first(x).detach()
        by_hand, mean, var = layers.batch_norm_train(z, *scale_and_shift, mean, var)
        theirs = norm(z)
    statistics = torch.stack([norm.running_mean, norm.running_var])
    torchs = norm.eval()(z)
    tested = layers.batch_norm_eval(z, *scale_and_shift, mean, var)
    norm.train()
    change = [(each(100 * x + 7) - each(x)).abs().max().item() for each in (net, plain)]
    return Outcome(
        [
            Check("training: by hand against the layer of model.batch_norm=true", by_hand, theirs, 1e-12),
            Check(
                "running mean and variance after three batches", torch.stack([mean, var]), statistics, 1e-12
            ),
            Check("testing", tested, torchs, 1e-12),
            within("inputs x -> 100 x + 7: change of the scores", change[0], high=0.01),
            within("... without batch normalization", change[1], low=1),
        ],
        [
            "Both nets are 6-4-3, untrained, and read random numbers. What batch normalization does for the "
            "accuracy on MNIST is H4."
        ],
    )


@claim(
    "N9",
    lectures=["001"],
    slide="Specs: 4 hidden layers (200,100,60,30)",
    says="4 hidden layers (200,100,60,30)",
    kind="holds",
)
def mlp_size() -> Outcome:
    model = slide_mlp().double()
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    sizes = (784, 200, 100, 60, 30, 10)
    by_hand = [m * n + n for m, n in zip(sizes[:-1], sizes[1:], strict=True)]
    images = normal(5, 1, 28, 28)
    weights, biases = [part.weight for part in linear], [part.bias for part in linear]
    activations = ["relu"] * 4 + ["linear"]
    _, h = backprop.multi_layer_forward(images.flatten(1), weights, biases, activations)
    return Outcome(
        [
            Check("parameters of each layer", [count(layer) for layer in linear], by_hand),
            Check("parameters", count(model), sum(by_hand)),
            Check("its scores against the layers by hand", model(images), h[-1], 1e-12),
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
    slide, right = 34_000_000, count(slide_mlp())
    written_out = (784 * 200 + 200) + (200 * 100 + 100) + (100 * 60 + 60) + (60 * 30 + 30) + (30 * 10 + 10)
    # Even the widest layer four times does not reach the slide's number.
    widest = product.model("model=mlp", "model.hidden=[784,784,784,784]")
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
