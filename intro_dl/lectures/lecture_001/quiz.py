"""Lecture 001: questions."""

import math
import statistics
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.numerics import gradient, mean_and_error, numbers
from intro_dl.lectures.engine.quiz import Choice, Problem, question
from intro_dl.scratch.layers import batch_norm_train, conv2d, conv2d_loop, max_pool2d
from intro_dl.scratch.recurrent import lstm_cell, rnn


def count(net: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(each.numel() for each in net.parameters())


@question(lectures=["001"], slide="MNIST: a classification problem", claim="N8")
def softmax_regression(draw: Random) -> Problem:
    side, classes = draw.choice([28, 32]), 10
    net = nn.Linear(side * side, classes)
    return Problem(
        f"Softmax regression sorts images of {side}x{side} pixels into {classes} classes. How many "
        "parameters does it learn?",
        right=count(net),
        again=(side * side + 1) * classes,
        wrong=[
            Choice(net.weight.numel(), "The biases are missing: there is one for each class."),
            Choice(
                side * side + classes,
                "This has one vector for all classes. Each class has weights of its own, to tell it apart.",
            ),
            Choice(
                (side + 1) * classes,
                "This has one weight for each row of pixels. The image is one long vector: each pixel has a "
                "weight.",
            ),
        ],
        because=f"{classes} vectors of {side * side:,} weights, and {classes} biases.",
    )


@question(lectures=["001"], slide="Specs: 4 hidden layers (200,100,60,30)", claim="E2")
def multilayer_perceptron(draw: Random) -> Problem:
    widths = (784, 200, 100, 60, 30, 10)
    pairs = list(zip(widths, widths[1:], strict=False))
    layers = [nn.Linear(*pair) for pair in pairs]
    return Problem(
        "An MLP for MNIST has 784 inputs, hidden layers of 200, 100, 60 and 30 units, and 10 outputs. How "
        "many parameters does it have?",
        right=count(nn.Sequential(*layers)),
        again=sum((before + 1) * after for before, after in pairs),
        wrong=[
            Choice(
                math.prod(widths[1:-1]),
                "This multiplies the widths, which counts the paths through the hidden layers, and comes "
                "near the 34 million of the slide. Paths share their weights: add up layer by layer.",
            ),
            Choice(
                sum(layer.weight.numel() for layer in layers),
                "The biases are missing: each hidden unit and each output has one.",
            ),
            Choice(
                count(nn.Sequential(*layers[1:])),
                "The first layer is missing, which has most of the parameters: each of its 200 units looks "
                "at 784 pixels.",
            ),
        ],
        because=f"The layers have {', '.join(f'{count(layer):,}' for layer in layers)} parameters.",
    )


@question(lectures=["001"], slide="Technical problems: gradient vanishing", claim="H8")
def stack_of_sigmoids(draw: Random) -> Problem:
    layers = draw.choice([3, 5, 6])
    z = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    steepest = gradient(lambda z: torch.sigmoid(z).sum(), z).max().item()
    w = 1.0  # every weight

    def stack(x: Tensor) -> Tensor:
        for _ in range(layers):
            x = torch.sigmoid(w * (x - x.detach()))  # each unit at its steepest point, z = 0
        return x

    return Problem(
        f"A signal passes {layers} sigmoid units, one after the other. All weights are 1, and the biases are "
        "free. What is the largest slope that the output can have with respect to the input?",
        right=steepest**layers,
        again=gradient(stack, numbers(0)[0]).item(),
        wrong=[
            Choice(
                torch.sigmoid(numbers(0)).item() ** layers,
                "This takes the value of the sigmoid at 0 for its slope. The slope is g (1 - g), at most "
                "1/4.",
            ),
            Choice(steepest, "The slopes of units in a chain are multiplied, so depth does matter."),
            Choice(
                gradient(torch.relu, numbers(1)[0]).item(),
                "This is the slope of ReLUs that are active. A sigmoid is never so steep.",
            ),
            Choice(
                steepest / layers,
                "This divides by the number of layers. The slopes are multiplied, which falls much faster.",
            ),
        ],
        because=f"The slope of a sigmoid is at most 1/4, and (1/4)^{layers} = {steepest**layers:.2g}.",
    )


@question(lectures=["001"], slide="Technical problems", claim="F38")
def normalized_batch(draw: Random) -> Problem:
    start = draw.choice([2.0, 10.0])
    x = numbers(start, start + 2, start + 4, start + 6)
    one, zero = numbers(1), numbers(0)
    normalized = batch_norm_train(x[:, None], one, zero, zero, one)[0].flatten()
    return Problem(
        f"Batch norm (gamma = 1, beta = 0) sees the values {', '.join(f'{value:g}' for value in x)} of one "
        "unit in a batch. What does the largest one become?",
        right=normalized.max().item(),
        again=nn.BatchNorm1d(1).double()(x[:, None]).max().item(),
        wrong=[
            Choice(
                ((x - x.mean()) / x.std()).max().item(),
                "This divides by the standard deviation with n - 1. Batch norm divides the squares by n.",
            ),
            Choice(
                ((x - x.min()) / (x.max() - x.min())).max().item(),
                "This stretches the values to [0, 1]. Batch norm gives them mean 0 and variance 1.",
            ),
            Choice(
                ((x - x.mean()) / x.var(unbiased=False)).max().item(),
                "This divides by the variance. To make the variance 1, divide by its root.",
            ),
            Choice(
                (x / x.std(unbiased=False)).max().item(),
                "The mean is missing: it is subtracted from each value.",
            ),
        ],
        because=f"Mean {x.mean().item():g}, variance {x.var(unbiased=False).item():g}: ({x.max().item():g} - "
        f"{x.mean().item():g}) / sqrt({x.var(unbiased=False).item():g}).",
    )


@question(lectures=["001"], slide="Multiple Input Channels", claim="N12")
def two_channels(draw: Random) -> Problem:
    a, b = torch.arange(9.0).reshape(3, 3), torch.arange(1.0, 10).reshape(3, 3)
    patch = torch.stack([b, a])[None, :, :2, :2]  # the slide's (1, 2; 4, 5) and (0, 1; 3, 4)
    kernel = torch.tensor([[[1.0, 2], [3, 4]], [[0, 1], [2, 3]]])[None]
    each = F.conv2d(patch, kernel.transpose(0, 1), groups=2).flatten()  # the channels one by one
    return Problem(
        "The two channels of an image are (1, 2; 4, 5) and (0, 1; 3, 4), those of the kernel (1, 2; 3, 4) "
        "and (0, 1; 2, 3), row by row. What is the output?",
        right=F.conv2d(patch, kernel).item(),
        again=conv2d_loop(patch, kernel).item(),
        wrong=[
            Choice(each.tolist(), "One kernel gives one map: the sums of its channels are added."),
            Choice(each[0].item(), "This is the first channel alone. A kernel looks at all channels."),
            Choice(
                F.conv2d(patch, kernel.flip(2, 3)).item(),
                "This turns the kernel by 180 degrees, as mathematicians do. Deep learning does not.",
            ),
        ],
        because=f"{each[0]:g} from the first channel, and {each[1]:g} from the second.",
    )


@question(lectures=["001"], slide="How did we go from 14x14x8 to 7x7x12?", claim="N11")
def strided_convolution(draw: Random) -> Problem:
    size, (kernel, padding) = draw.choice([28, 32]), draw.choice([(3, 1), (5, 2)])
    image, weights = torch.zeros(1, 1, size, size), torch.zeros(1, 1, kernel, kernel)

    def output(stride: int, padding: int) -> str:
        return side_by_side(F.conv2d(image, weights, stride=stride, padding=padding))

    return Problem(
        f"A kernel of {kernel}x{kernel} moves with stride 2 over an image of {size}x{size}, with padding "
        f"{padding}. How large is the map?",
        right=output(2, padding),
        again=side_by_side(conv2d(image, weights, stride=2, padding=padding)),
        wrong=[
            Choice(output(2, 0), f"The padding is missing: it adds {padding} on each side."),
            Choice(output(1, padding), "The stride is missing: the kernel skips every second position."),
            Choice(
                side_by_side(
                    torch.zeros(2 * [math.ceil((size + 2 * padding - kernel) / 2) + 1]),
                ),
                "This rounds up. A last step for which the kernel does not fit is left out, so round down.",
            ),
        ],
        because=f"({size} + 2 × {padding} - {kernel}) / 2, rounded down, plus 1.",
        tex=r"\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1",
    )


def side_by_side(maps: Tensor) -> str:
    """Return the height and width of maps, e.g. "14x14"."""
    return f"{maps.shape[-2]}x{maps.shape[-1]}"


@question(lectures=["001"], slide="CNN: Deep learning with images", claim="P6")
def convolution_parameters(draw: Random) -> Problem:
    maps, filters, size = draw.choice([(8, 12, 4), (4, 8, 5)])
    layer = nn.Conv2d(maps, filters, size)
    return Problem(
        f"A layer has {filters} filters of {size}x{size}, and reads {maps} maps of 14x14. How many "
        "parameters does it have?",
        right=count(layer),
        again=filters * (size * size * maps + 1),
        wrong=[
            Choice(
                count(nn.Conv2d(1, filters, size)),
                f"This is right for one map. Each filter has a kernel for each of the {maps} maps.",
            ),
            Choice(layer.weight.numel(), "The biases are missing: each filter has one."),
            Choice(
                count(layer) * 14 * 14,
                "This has new weights at each position. A convolution uses the same ones everywhere.",
            ),
        ],
        because=f"Each filter has {size} × {size} × {maps} = {size * size * maps} weights and a bias. The "
        "size of the maps does not matter.",
    )


@question(lectures=["001"], slide="CNN: Deep learning with images", claim="E3")
def flattened(draw: Random) -> Problem:
    maps = 12
    before = torch.zeros(1, maps, 14, 14)
    after = max_pool2d(before, 2)
    return Problem(
        f"{maps} maps of 14x14 pass max-pooling of 2x2 windows, and are flattened for a dense layer. How "
        "many numbers does the dense layer read?",
        right=after.flatten().numel(),
        again=F.max_pool2d(before, 2).numel(),
        wrong=[
            Choice(
                before.numel() // 2,
                "This halves the numbers, and gives the 1,176 of the slide. But 2x2 windows halve the height "
                "and the width: a quarter is left.",
            ),
            Choice(after[0, 0].numel(), "This is one map. The dense layer reads all of them."),
            Choice(
                before.numel(),
                "These are the numbers before the pooling, which keeps one of each four values.",
            ),
            Choice(
                after.shape[1] * after.shape[2], "A map has a height and a width, and this has one of them."
            ),
        ],
        because=f"14x14 becomes 7x7, and {maps} × 7 × 7 numbers are left.",
    )


@question(lectures=["001"], slide="Using the whole bag of tricks", claim="H4")
def error_of_a_mean(draw: Random) -> Problem:
    runs = [99.1, 99.2, 99.3, 99.2, draw.choice([99.0, 99.5])]
    _, error = mean_and_error(runs)
    deviation = statistics.stdev(runs)
    return Problem(
        f"Five seeds reach an accuracy of {', '.join(map(str, runs))} %. Their standard deviation is "
        f"{deviation:.3f}. What is the standard error of their mean?",
        right=error,
        again=math.sqrt(sum((run - statistics.fmean(runs)) ** 2 for run in runs) / 4 / 5),
        wrong=[
            Choice(
                deviation, "This says how much single runs vary. Their mean is known better than one run."
            ),
            Choice(
                deviation / len(runs),
                "This divides by n. The errors cancel only partly, so divide by the root of n.",
            ),
            Choice(
                deviation * len(runs) ** 0.5, "This grows with n, but more runs tell more about the mean."
            ),
            Choice(
                max(runs) - statistics.fmean(runs),
                "This is the lead of the best run, which says how lucky that run was.",
            ),
        ],
        because=f"{deviation:.3f} / sqrt(5). To halve the error, train four times as many runs.",
    )


@question(lectures=["001"], slide="Recurrent Neural Networks (RNN)", claim="F39")
def longer_sentences(draw: Random) -> Problem:
    inputs, hidden, outputs = draw.choice([(10, 20, 5), (8, 16, 4)])
    cell = nn.RNN(inputs, hidden, bias=False)
    readout = nn.Linear(hidden, outputs, bias=False)
    both = count(cell) + count(readout)
    weights = [torch.zeros(inputs, hidden), torch.zeros(hidden, hidden), torch.zeros(hidden, outputs)]
    y, _ = rnn(torch.zeros(100, 1, inputs), torch.zeros(1, hidden), *weights)  # 100 steps, the same weights
    steps = len(y)
    return Problem(
        f"An RNN (W_xh, W_hh, W_hy, without biases) has {inputs} inputs, {hidden} hidden units and {outputs} "
        f"outputs. How many weights does it need for sentences of {steps} words?",
        right=both,
        again=sum(each.numel() for each in weights),
        wrong=[
            Choice(
                both * steps,
                "This has new weights for each word. An RNN uses the same ones in each time step.",
            ),
            Choice(
                both - hidden * hidden,
                "W_hh is missing, which carries the state from one step to the next. Without it, the network "
                "has no memory.",
            ),
            Choice(
                count(nn.RNN(inputs * steps, hidden, bias=False)) + count(readout),
                "This reads the whole sentence as one long input. An RNN reads one word in each step.",
            ),
        ],
        because=f"{inputs} × {hidden} + {hidden} × {hidden} + {hidden} × {outputs}, for a sentence of any "
        "length.",
        tex=r"h_t = \tanh(W_{hh}^T h_{t-1} + W_{xh}^T x_t), \quad \hat{y}_t = W_{hy}^T h_t",
    )


@question(lectures=["001"], slide="LSTM", claim="P9")
def lstm_against_rnn(draw: Random) -> Problem:
    inputs, hidden = draw.choice([10, 30]), draw.choice([20, 50])
    rnn_cell, lstm = nn.RNN(inputs, hidden), nn.LSTM(inputs, hidden)
    gates = ("f", "i", "o")  # each is a sigmoid of a layer of its own
    return Problem(
        f"An LSTM and an RNN have {inputs} inputs and {hidden} hidden units each. How many times as many "
        "parameters does the LSTM cell have?",
        right=count(lstm) // count(rnn_cell),
        again=next(lstm.parameters()).shape[0] // hidden,
        wrong=[
            Choice(
                len(gates),
                "These are the three gates f, i and o. The candidate c~ has weights of its own, too.",
            ),
            Choice(
                len(lstm(torch.zeros(1, 1, inputs))[1]),
                "This counts the states h and c. A state has no weights; the gates have.",
            ),
            Choice(
                next(rnn_cell.parameters()).shape[0] // hidden,
                "Both cells read the same numbers, but the LSTM computes four layers from them instead of "
                "one.",
            ),
        ],
        because="f, i, o and c~ are four layers of the size of the RNN's only one.",
    )


@question(lectures=["001"], slide="LSTM", claim="F40")
def forget_gate(draw: Random) -> Problem:
    f, steps = draw.choice([(0.9, 5), (0.8, 4)])
    never = -40.0  # a gate with this bias is closed
    b = numbers(math.log(f / (1 - f)), never, 0, 0)  # the gates f, i, o and the candidate
    h, c = numbers(0)[None], numbers(1)[None]
    for _ in range(steps):
        h, c = lstm_cell(numbers(0)[None], h, c, torch.zeros(4, 1).double(), torch.zeros(4, 1).double(), b)
    return Problem(
        f"The cell state of an LSTM is c = 1. In the next {steps} steps, the forget gate is f_t = {f} and "
        "the input gate i_t = 0. What is c after them?",
        right=c.item(),
        again=f**steps,
        wrong=[
            Choice(f, "This forgets once. The gate acts in each step."),
            Choice(
                (1 - f) ** steps,
                "This takes f for the fraction that is forgotten. It is the fraction that is kept.",
            ),
            Choice(
                max(0.0, round(1 - steps * (1 - f), 9)),
                "This subtracts the same amount in each step. The gate multiplies what is left.",
            ),
        ],
        because=f"c_t = f_t c_{{t-1}} + i_t c~_t = {f} c_{{t-1}}, so c = {f}^{steps}.",
        tex=r"c_t = f_t \circ c_{t-1} + i_t \circ \tilde{c}_t",
    )
