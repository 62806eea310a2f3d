"""Lecture 001: convolutions, and their accuracy on MNIST."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.numerics import normal
from intro_dl.lectures.lecture_001.softmax_regression import CHOSEN, count, near
from intro_dl.results.evidence import BEST_ON_TEST, BEYOND_CHANCE, LAST_EPOCH, accuracy, read_runs
from intro_dl.scratch import backprop, layers
from intro_dl.tasks import Task
from intro_dl.training import product

MNIST_SHAPE = (1, 28, 28)


def shapes(model: nn.Module, kinds: tuple[type, ...], in_shape: tuple[int, ...] = MNIST_SHAPE) -> list[tuple]:
    """Return the output shapes of the layers of these kinds for one input, in order."""
    seen = []
    handles = [
        module.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape[1:])))
        for module in model.modules()
        if isinstance(module, kinds)
    ]
    model.eval()(torch.zeros(1, *in_shape, dtype=next(model.parameters()).dtype))
    for handle in handles:
        handle.remove()
    return seen


def _same_shapes(trace: list[tuple], said: list[tuple]) -> list[Check]:
    return [Check(f"layer {n}", *pair) for n, pair in enumerate(zip(trace, said, strict=True), start=1)]


@claim(
    "N12",
    lectures=["001"],
    slide="Multiple Input Channels",
    says="(1 × 1 + 2 × 2 + 4 × 3 + 5 × 4) + (0 × 0 + 1 × 1 + 3 × 2 + 4 × 3) = 56",
    kind="holds",
)
def two_channels() -> Outcome:
    first = torch.arange(9, dtype=torch.float64).view(3, 3)  # 0..8
    x = torch.stack([first, first + 1])[None]  # (1, 2, 3, 3)
    u = torch.tensor([[[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]]], dtype=torch.float64)[None]
    out = layers.conv2d_loop(x, u)
    return Outcome(
        [
            Check("the first cell, by the loop", out[0, 0, 0, 0].item(), 56.0),
            Check("the whole map, by the loop, against torch", out, F.conv2d(x, u), 1e-12),
            Check("... and by matrix product", layers.conv2d(x, u), out, 1e-12),
        ],
        [f"map: {out[0, 0].tolist()}"],
    )


@claim(
    "N13",
    lectures=["001"],
    slide="Multiple Input/output Channels",
    says="X: c_i × n_h × n_w; W: c_o × c_i × k_h × k_w; Y: c_o × m_h × m_w; Y_{i,:,:} = X ⋆ W_{i,:,:,:}. "
    "3x4x4x2 filter: 3 feature maps.",
    kind="holds",
)
def many_channels() -> Outcome:
    checks = []
    for _ in range(20):
        c_i, c_o, k_h, k_w = (int(torch.randint(1, 5, ())) for _ in range(4))
        n_h, n_w = (int(torch.randint(side, side + 6, ())) for side in (k_h, k_w))
        X, W = normal(1, c_i, n_h, n_w), normal(c_o, c_i, k_h, k_w)
        Y = layers.conv2d(X, W)
        kernel_by_kernel = torch.cat([layers.conv2d_loop(X, W[i : i + 1]) for i in range(c_o)], dim=1)
        shape = (1, c_o, n_h - k_h + 1, n_w - k_w + 1)
        checks.append(tuple(Y.shape) == shape and torch.allclose(Y, kernel_by_kernel, atol=1e-12))
    slide = layers.conv2d(normal(1, 2, 28, 28), normal(3, 2, 4, 4))
    return Outcome(
        [
            Check("random shapes, of 20, where Y is right: kernel by kernel, and its shape", sum(checks), 20),
            Check("three 4x4x2 kernels on two channels: feature maps", slide.shape[1], 3),
            Check("last Y against torch", Y, F.conv2d(X, W), 1e-12),
        ]
    )


@claim(
    "N10",
    lectures=["001"],
    slide="CNN: Deep learning with images",
    says="28x28x1 -> 28x28x4 -> 14x14x8 -> 7x7x12 -> 200 -> 10; 12 different filters of size 4x4x8",
    kind="holds",
)
def cnn_shapes() -> Outcome:
    model = product.model("model=cnn")
    trace = shapes(model, (nn.Conv2d, nn.Linear))
    slide = [(4, 28, 28), (8, 14, 14), (12, 7, 7), (200,), (10,)]  # channels first, as in torch
    third = [module for module in model.modules() if isinstance(module, nn.Conv2d)][2]
    return Outcome(
        _same_shapes(trace, slide)
        + [Check("third layer: filters, channels, height, width", tuple(third.weight.shape), (12, 8, 4, 4))]
    )


@claim(
    "E3",
    lectures=["001"],
    slide="CNN: Deep learning with images",
    says="A third layer of filters [7x7x12] (treat this as 1176-D vector)",
    right="A third layer of filters [7x7x12] (treat this as 588-D vector)",
    kind="erratum",
)
def not_1176() -> Outcome:
    small, large = product.model("model=cnn"), product.model("experiment=mnist_tricks")
    flat = [shapes(model, (nn.Conv2d,))[-1] for model in (small, large)]
    sizes = [maps * height * width for maps, height, width in flat]
    return Outcome(
        [
            Check("length of the vector: slide, right", 1176, sizes[0], differ=True),
            Check("right: 7 · 7 · 12", sizes[0], 7 * 7 * 12),
            Check("... and inputs of the fully connected layer", small.hidden[0].in_features, sizes[0]),
            Check("6/12/24 maps give the slide's number", sizes[1], 1176),
        ]
    )


@claim(
    "N11",
    lectures=["001"],
    slide="How did we go from 14x14x8 to 7x7x12?",
    says="With correct padding, this should give 14x14x12. Max-pooling: pick max of 2x2 windows; "
    'change "stride": shift filters by 2.',
    kind="holds",
)
def halving() -> Outcome:
    stride, pool = product.model("model=cnn"), product.model("model=cnn", "model.downsample=max_pool")
    # Pooling has no weights, but changes the numbers in the names of the layers after it.
    pool.load_state_dict(dict(zip(pool.state_dict(), stride.state_dict().values(), strict=True)))
    x = torch.randn(4, *MNIST_SHAPE)
    maps = normal(1, 8, 14, 14)
    kept = F.conv2d(F.pad(maps, (1, 2, 1, 2)), normal(12, 8, 4, 4))  # 3 zeros for a 4x4 kernel
    return Outcome(
        [
            Check("with correct padding", tuple(kept.shape[1:]), (12, 14, 14)),
            Check("then max-pooling by 2x2", tuple(layers.max_pool2d(kept, 2).shape[1:]), (12, 7, 7)),
            Check("stride 2: the last convolution", shapes(stride, (nn.Conv2d,))[-1], (12, 7, 7)),
            Check("max-pooling: the last pool", shapes(pool, (nn.MaxPool2d,))[-1], (12, 7, 7)),
            Check("max-pooling: the scores against the layers by hand", pool(x), _by_hand(pool, x), 1e-4),
            Check("same weights, another function", stride(x), pool(x), 1e-3, differ=True),
        ]
    )


@claim(
    "P6",
    lectures=["001"],
    slide="CNN: Deep learning with images",
    says="The CNN with 4, 8, 12 filters of 5x5, 5x5, 4x4, and 200 units",
    kind="holds",
)
def cnn_size() -> Outcome:
    return Outcome(_sizes(product.model("model=cnn"), widths=(4, 8, 12), kernels=(5, 5, 4)))


@claim(
    "P7",
    lectures=["001"],
    slide="Using the whole bag of tricks",
    says="The CNN with 6, 12, 24 filters of 6x6, 5x5, 4x4, and 200 units",
    kind="holds",
)
def tricks_size() -> Outcome:
    model = product.model("experiment=mnist_tricks")
    return Outcome(_sizes(model, widths=(6, 12, 24), kernels=(6, 5, 4)))


def _sizes(model: Task, widths: tuple[int, ...], kernels: tuple[int, ...]) -> list[Check]:
    """Check the parameters of the lecture's CNN against arithmetic, and its scores against layers by hand."""
    channels = (1, *widths)
    by_hand = [channels[i] * widths[i] * kernels[i] ** 2 + widths[i] for i in range(3)]
    by_hand += [7 * 7 * widths[2] * 200 + 200, 200 * 10 + 10]
    weighted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    x = normal(4, *MNIST_SHAPE)
    scores = model.double().eval()(x)
    return [
        Check("parameters of each layer", [count(layer) for layer in weighted], by_hand),
        Check("parameters", count(model), sum(by_hand)),
        Check("its scores against the layers by hand", scores, _by_hand(model, x), 1e-10),
    ]


def _by_hand(model: Task, x: Tensor) -> Tensor:
    """Return the scores of the lecture's CNN with the layers of `scratch` and the weights of `model`."""
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    pools = any(isinstance(module, nn.MaxPool2d) for module in model.modules())
    for index, layer in enumerate(convolutions):
        kernel, stride = layer.kernel_size[0], 2 if index > 0 and not pools else 1
        framed = layers.zero_frame(x, kernel // 2)
        if kernel % 2 == 0:  # the odd zero stands at the end
            framed = framed[:, :, 1:, 1:]
        x = backprop.relu(layers.conv2d(framed, layer.weight, layer.bias, stride))
        x = layers.max_pool2d(x, 2) if index > 0 and pools else x
    weights, biases = [layer.weight for layer in linear], [layer.bias for layer in linear]
    return backprop.multi_layer_forward(x.flatten(1), weights, biases, ["relu", "linear"])[1][-1]


@claim(
    "P4",
    lectures=["001", "004"],
    slide="LeNet (Yann LeCun, 1998)",
    says="LeNet-5: 32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10",
    kind="holds",
)
def lenet_size() -> Outcome:
    model = product.model("model=lenet").double()
    trace = shapes(model, (nn.Conv2d, nn.AvgPool2d, nn.Linear))
    diagram = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]
    by_hand = [6 * 25 + 6, 16 * 6 * 25 + 16, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10]
    x = images = normal(4, *MNIST_SHAPE)
    first, second = (module for module in model.modules() if isinstance(module, nn.Conv2d))
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    for layer, padding in ((first, 2), (second, 0)):  # 28 + 2 · 2 = 32
        x = backprop.tanh(layers.conv2d(x, layer.weight, layer.bias, padding=padding))
        x = layers.avg_pool2d(x, 2)
    weights, biases = [layer.weight for layer in linear], [layer.bias for layer in linear]
    _, h = backprop.multi_layer_forward(x.flatten(1), weights, biases, ["tanh", "tanh", "linear"])
    return Outcome(
        _same_shapes(trace, diagram)
        + [
            Check("parameters, every kernel seeing all 6 maps", count(model), sum(by_hand)),
            Check("its scores against the layers by hand", model(images), h[-1], 1e-12),
        ],
        [
            f"{' + '.join(f'{number:,}' for number in by_hand)} = {sum(by_hand):,}",
            "LeCun's original has 60,000: most kernels see 3 or 4 of the 6 maps, and pooling has weights.",
        ],
    )


@claim(
    "H3",
    lectures=["001"],
    slide="LeNet (Yann LeCun, 1998): An early CNN",
    says='Obtained roughly 98.9% accuracy on MNIST. Better than 98.2% with "fully connected" neural net.',
    kind="measured",
)
def cnn_on_mnist() -> Outcome:
    networks = {name: accuracy(name) for name in ("mnist_cnn", "mnist_lenet")}
    connected, checks = accuracy("mnist_mlp"), []
    for name, measured in networks.items():
        gain = measured - connected
        checks += near(f"{name}: test accuracy in %", measured, 98.9)
        above = gain.value / gain.error
        checks.append(within("... better than fully connected, in standard errors", above, BEYOND_CHANCE))
    return Outcome(
        checks,
        [
            *(f"{name}: {measured}" for name, measured in networks.items()),
            f"fully connected, mnist_mlp: {connected}",
            "The slide shows LeNet-5 (mnist_lenet). Its number is that of the network with 4, 8 and 12 maps "
            "(mnist_cnn) in the slides' source (Görner, mnist_3.0).",
            CHOSEN,
        ],
    )


@claim(
    "H4",
    lectures=["001"],
    slide="Using the whole bag of tricks",
    says="Accuracy 99.3%",
    kind="not reproduced",
)
def tricks_on_mnist() -> Outcome:
    slide, ours, normalized = 99.3, accuracy("mnist_tricks"), accuracy("mnist_tricks_batch_norm")
    last, best = (accuracy("mnist_tricks_source", rule) for rule in (LAST_EPOCH, BEST_ON_TEST))
    tests = [100 * test for test in read_runs("mnist_tricks_source", BEST_ON_TEST)]
    tolerances = [BEYOND_CHANCE * measured.error for measured in (ours, last)]
    return Outcome(
        [
            Check("test accuracy in %: slide, mnist_tricks", slide, ours.value, tolerances[0], differ=True),
            Check("slide, mnist_tricks_source: last step", slide, last.value, tolerances[1], differ=True),
            *near("mnist_tricks_source: best of 100 tests", best, slide),
            *near("mnist_tricks_batch_norm", normalized, slide),
        ],
        [
            f"mnist_tricks: {ours}; last step {accuracy('mnist_tricks', LAST_EPOCH)}",
            f"Not reproduced: the slide is more than {BEYOND_CHANCE} standard errors above these means.",
            "mnist_tricks_source is as the slide's source (Görner, mnist_3.1): all 60,000 images, pixels in "
            "[0, 1], truncated normal weights, biases of 0.1, a test every 100 steps.",
            f"Its last step: {last}",
            f"The best of its 100 tests, as the source counts: {best}; in the best run {max(tests):.2f}.",
            "The source notes 99.31, and 99.21 to 99.35 for five other runs.",
            f"The choice on the test images makes {best.value - last.value:.2f} of the "
            f"{slide - last.value:.2f} points from the last step to the slide's number.",
            f"With batch normalization, mnist_tricks_batch_norm: {normalized}",
            CHOSEN,
        ],
    )


@claim(
    "E22",
    lectures=["001"],
    slide="MNIST, four times: the accuracy on new data",
    says="Accuracy 92%, 98.2%, 98.9%, 99.3%.",
    right="Highest of about 100 tests on the test images during one run: 92%, 98.2%, 98.9%, 99.3%. Choose "
    "the weights on other images, and the accuracy on new data is lower.",
    kind="erratum",
)
def best_of_many_tests() -> Outcome:
    shown = 0.05  # half of the last digit on the slides: the least difference that they can show
    checks, working = [], []
    for name in ("mnist_softmax", "mnist_mlp", "mnist_cnn", "mnist_tricks"):
        slide, right = accuracy(name, BEST_ON_TEST), accuracy(name)
        what = f"{name}, test accuracy in %: slide's rule, right rule"
        checks.append(Check(what, slide.value, right.value, shown, differ=True))
        last = accuracy(name, LAST_EPOCH)
        rules = "... last epoch, without choice, against the right rule"
        checks.append(Check(rules, last.value, right.value, shown))
        working.append(f"{name}: best test {slide.value:.2f}, best on validation {right}")
    return Outcome(
        checks,
        [
            *working,
            "These runs test 18 times, after each epoch; the source tests 100 times and quotes one run.",
            "Six runs of its last network have a highest test of 99.21 to 99.35 (Görner, mnist_3.1).",
        ],
    )
