"""Lecture 001: technical problems of deep networks: step sizes, vanishing gradients, scales."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.lecture_001.multilayer_perceptron import slide_mlp
from intro_dl.scratch import backprop, layers
from intro_dl.training import product
from intro_dl.training.build import build_data


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


@claim(
    "H8",
    lectures=["001"],
    slide="Technical problems: gradient vanishing",
    says="Sigmoid functions in models that are this deep lead to gradient vanishing (the first derivatives "
    "for some parameters equal zero). The fix is ReLU.",
    right="Sigmoid functions in models that are this deep lead to gradient vanishing (the first derivatives "
    "for some parameters are close to zero). The fix is ReLU.",
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
