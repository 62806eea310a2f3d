"""Lecture 004: questions."""

import math
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.numerics import count_pieces, gradient, normal, numbers, tent
from intro_dl.lectures.engine.quiz import Choice, Problem, question
from intro_dl.scratch.autodiff import Node, jacobian_forward, jacobian_reverse
from intro_dl.scratch.layers import conv1d, conv2d, max_pool2d, softmax
from intro_dl.scratch.losses import binary_cross_entropy_from_logits
from intro_dl.scratch.trace import slide_example, trace


@question(lectures=["004"], slide="Framework to design learning algorithms", claim="R11")
def pull_of_two_penalties(draw: Random) -> Problem:
    w = numbers(draw.choice([0.01, 0.05]))
    half = numbers(0.5)[0]
    l1, l2 = gradient(lambda w: w.abs().sum(), w), gradient(lambda w: (w**2).sum(), w)
    return Problem(
        f"A weight is {w.item():g}. How many times as strongly does Omega(w) = |w| pull it towards 0 as "
        "Omega(w) = w^2, with the same lambda?",
        right=(l1 / l2).item(),
        again=1 / (2 * w.item()),
        wrong=[
            Choice(
                (w.abs() / w**2).item(),
                "This compares the penalties. The pull is the slope, and that of w^2 is 2 w.",
            ),
            Choice((l2 / l1).item(), "This is the inverse: near 0, the square is the one that is flat."),
            Choice(
                (gradient(torch.abs, half) / gradient(torch.square, half)).item(),
                "The slopes are equal at w = 0.5 only: that of |w| is 1 for each w > 0, that of w^2 is 2 w.",
            ),
        ],
        because=f"Slopes: {l1.item():g} against 2 w = {l2.item():g}. So L1 pulls small weights to 0, "
        "and L2 does not.",
    )


@question(lectures=["004"], slide="For our Gaussian data", claim="F21")
def frequent_class(draw: Random) -> Problem:
    odds = draw.choice([3, 4])
    prior = numbers(odds / (odds + 1))
    likelihood = numbers(0.2)  # of x, in both classes
    return Problem(
        f"A point is equally likely under both Gaussians. Class 1 is {odds} times as frequent as class 0. "
        "What is p(y = 1 | x)?",
        right=torch.sigmoid(torch.log(likelihood / likelihood) + torch.log(prior / (1 - prior))).item(),
        again=(likelihood * prior / (likelihood * prior + likelihood * (1 - prior))).item(),
        wrong=[
            Choice(
                torch.sigmoid(torch.log(likelihood / likelihood)).item(),
                "This ignores how frequent the classes are: Bayes' rule multiplies by p(y).",
            ),
            Choice(
                torch.sigmoid(numbers(odds)).item(),
                "The sigmoid takes the logarithm of the ratio, not the ratio itself.",
            ),
            Choice((1 - prior).item(), "This is p(y = 0 | x): the frequent class is the more probable one."),
        ],
        because=f"sigma(log 1 + log {odds}) = {odds} / ({odds} + 1).",
        tex=r"p(y = 1 \mid x) = \sigma\left(\log \frac{p(x \mid 1)}{p(x \mid 0)} "
        r"+ \log \frac{p(1)}{p(0)}\right)",
    )


@question(lectures=["004"], slide="Negative log-likelihood: binary cross entropy loss function!", claim="F22")
def loss_of_a_label(draw: Random) -> Problem:
    z, y = numbers(draw.choice([2, 3])), numbers(0)
    return Problem(
        f"For an example, w^T x = {z.item():g}, and its label is y = 0. What is its negative log-likelihood?",
        right=binary_cross_entropy_from_logits(z, y).item(),
        again=-math.log(1 - torch.sigmoid(z).item()),
        wrong=[
            Choice(
                binary_cross_entropy_from_logits(z, 1 - y).item(),
                "This is ln(1 + e^{-w^T x}), the loss for the label 1.",
            ),
            Choice(
                torch.sigmoid(z).item(),
                "This is the probability of class 1. The loss is -ln of the probability of the observed "
                "class 0.",
            ),
            Choice(
                z.item(), "This is its limit for large w^T x: the loss is ln(1 + e^{w^T x}), a little more."
            ),
        ],
        because=f"-ln(1 - sigma({z.item():g})) = ln(1 + e^{z.item():g}).",
        tex=r"L = y \ln(1 + e^{-w^T x}) + (1 - y) \ln(1 + e^{w^T x})",
    )


def change(before: float, after: float) -> str:
    """Return in words how a number changes."""
    if math.isclose(before, after):
        return "it stays the same"
    return "it grows" if after > before else "it shrinks"


@question(lectures=["004"], slide="Gradient Descent: make a step", claim="E8")
def sign_of_the_step(draw: Random) -> Problem:
    theta, eta = numbers(3, draw.choice([-1, 2])), 0.01

    def L(theta: Tensor) -> Tensor:
        return (theta**2).sum()

    v = -gradient(L, theta)
    before = L(theta).item()
    return Problem(
        "The slide makes a step theta <- theta - eta v with v = -grad L. What happens to the loss L if eta "
        "is small?",
        right=change(before, L(theta - eta * v).item()),
        again=change(0, (-gradient(L, theta) @ v).item()),  # the slope along -v
        wrong=[
            Choice(
                change(before, L(theta + eta * v).item()),
                "This is what we want. But the minus is in v already; a second one turns the step around.",
            ),
            Choice(
                change(before, L(theta + eta * v - eta * v).item()),
                "The two signs cancel, not the step: theta moves along +grad L.",
            ),
        ],
        because="theta - eta v = theta + eta grad L, which goes up. Write theta + eta v, or v = grad L.",
    )


@question(lectures=["004"], slide="What if we want a non-linear decision boundary?", claim="N22")
def inner_product_of_features(draw: Random) -> Problem:
    x, y = numbers(1, 2), numbers(*draw.choice([(3, 1), (2, 3)]))

    def features(x: Tensor) -> Tensor:
        return torch.stack([x[0] ** 2, x[1] ** 2, math.sqrt(2) * x[0] * x[1]])

    products = features(x) * features(y)
    return Problem(
        "Phi maps (x1, x2) to (x1^2, x2^2, sqrt(2) x1 x2). What is the inner product of Phi(x) and Phi(y) "
        f"for x = (1, 2) and y = ({y[0]:g}, {y[1]:g})?",
        right=round((features(x) @ features(y)).item(), 9),
        again=((x @ y) ** 2).item(),
        wrong=[
            Choice((x @ y).item(), "This is the inner product of x and y themselves, before Phi."),
            Choice(
                round((products[0] + products[1] + products[2] / 2).item(), 9),
                "This loses the factor sqrt(2), which comes once from each vector, so 2 in all.",
            ),
            Choice((products[0] + products[1]).item(), "This leaves out the third feature, x1 x2."),
        ],
        because=f"It is (x . y)^2 = {(x @ y).item():g}^2: there is no need to compute Phi.",
    )


@question(lectures=["004"], slide="Compute derivatives with chain rule from end to beginning", claim="N20")
def two_paths(draw: Random) -> Problem:
    x1, x2 = draw.choice([1.0, 2.0]), draw.choice([3.0, 5.0])
    inputs = Node(x1), Node(x2)
    slide_example(*inputs)[-1].backward()
    through_sin, through_product = math.cos(x1), x2
    return Problem(
        f"z = sin(x1) + x1 x2. With cos({x1:g}) = {math.cos(x1):.3f}, what is dz/dx1 at x1 = {x1:g}, x2 = "
        f"{x2:g}?",
        right=inputs[0].gradient.item(),
        again=trace(slide_example, x1=x1, x2=x2).adjoints["w1"],
        wrong=[
            Choice(
                through_product, "This is the path through x1 x2 alone. x1 also changes z through sin(x1)."
            ),
            Choice(through_sin, "This is the path through sin(x1) alone. x1 also changes z through x1 x2."),
            Choice(
                through_sin * through_product,
                "This multiplies the two paths. Derivatives are multiplied along a path, and paths are "
                "added.",
            ),
            Choice(
                math.sin(x1) + x2,
                "This has the value of sin(x1) in place of its derivative, which is cos(x1).",
            ),
        ],
        because=f"Two paths lead from x1 to z: cos({x1:g}) through the sine, and x2 = {x2:g} through the "
        "product.",
        tex=r"z = \sin(x_1) + x_1 x_2",
    )


@question(lectures=["004"], slide="If we have 1 output (Loss) and many inputs -> SLOW!", claim="N21")
def passes_for_a_jacobian(draw: Random) -> Problem:
    inputs, outputs = draw.choice([8, 20]), draw.choice([2, 3])
    W = normal(outputs, inputs)
    reverse = jacobian_reverse(lambda x: (W @ x).tanh(), normal(inputs))
    forward = jacobian_forward(lambda x: (W @ x).tanh(), normal(inputs))
    return Problem(
        f"A function has {inputs} inputs and {outputs} outputs. How many passes does reverse mode need for "
        "all derivatives?",
        right=reverse.passes,
        again=reverse.matrix.shape[0],
        wrong=[
            Choice(forward.passes, "This is forward mode, which needs one pass for each input."),
            Choice(
                reverse.matrix.numel(),
                "This is one pass for each single derivative. A pass gives those with respect to all inputs.",
            ),
            Choice(
                jacobian_reverse(lambda x: (W[:1] @ x).tanh(), normal(inputs)).passes,
                "This is right for a loss, which is one number. Here, each output needs a pass.",
            ),
        ],
        because=f"A pass back gives the derivatives of one output with respect to all {inputs} inputs. "
        "Training has one output, the loss.",
    )


@question(lectures=["004"], slide="Simplified version of Telgarsky (2015, 2016)", claim="F31")
def pieces_of_a_sawtooth(draw: Random) -> Problem:
    depth = draw.choice([5, 6])
    width = 2 * depth
    x = torch.linspace(0, 1, 2**6 * (width + 1) + 1, dtype=torch.float64)  # has every kink
    y = x
    for _ in range(depth):
        y = tent(y)  # up and down again: two ReLU units
    kinks = torch.arange(1, width + 1, dtype=torch.float64) / (width + 1)
    one_layer = torch.relu(x[:, None] - kinks).sum(dim=1)
    return Problem(
        f"A layer of two ReLU units computes a tent on [0, 1]: up from 0 to 1, and down to 0 again. {depth} "
        "such layers follow each other. How many straight pieces does the output have?",
        right=count_pieces(x, y),
        again=2**depth,
        wrong=[
            Choice(
                2 * depth,
                "This adds the units up. But each layer folds all pieces of the layers before it, and "
                "doubles them.",
            ),
            Choice(
                count_pieces(x, one_layer),
                f"This is the most that {width} units in a single layer can give, one kink each.",
            ),
            Choice(depth**2, "This grows like a square. Doubling in each layer grows exponentially."),
        ],
        because=f"Each layer doubles the pieces: 2^{depth}. A single hidden layer needs about as many units "
        "as pieces.",
    )


@question(lectures=["004"], slide="1D Convolutional Layer Example", claim="N14")
def difference_kernel(draw: Random) -> Problem:
    a = draw.choice([1, 2])
    x, u = torch.tensor([[[0.0, 0, a, 2 * a, 2 * a, 2 * a]]]), torch.tensor([[[-1.0, 1.0]]])

    def values(x: Tensor) -> list[float]:
        return [each + 0.0 for each in x.flatten().tolist()]  # + 0.0 turns -0.0 into 0.0

    return Problem(
        f"What is (0, 0, {a}, {2 * a}, {2 * a}, {2 * a}) * (-1, 1) in a convolutional layer, without "
        "padding?",
        right=values(F.conv1d(x, u)),
        again=values(conv1d(x, u)),
        wrong=[
            Choice(
                values(F.conv1d(x, u.flip(2))),
                "This flips the kernel, as in a textbook of mathematics. A convolutional layer does not.",
            ),
            Choice(
                values(F.conv1d(F.pad(x, (1, 0)), u)),
                "This has as many numbers as the input. Without padding, the output has M - k + 1 of them.",
            ),
            Choice(
                values(F.conv1d(x, u.abs())),
                "This adds neighbors. With the weights -1 and 1, the kernel takes their difference.",
            ),
        ],
        because="Each output is the next number minus this one: the kernel finds where the signal rises.",
    )


@question(lectures=["004"], slide="2D Convolution Over Multiple Channels", claim="N16")
def receptive_field(draw: Random) -> Problem:
    layers, size = draw.choice([2, 3, 4]), 3
    image = torch.zeros(1, 1, 15, 15, requires_grad=True)
    maps = image
    for _ in range(layers):
        maps = F.conv2d(maps, torch.ones(1, 1, size, size), padding=1)
    (seen,) = torch.autograd.grad(maps[0, 0, 7, 7], image)
    side = int((seen[0, 0, 7] != 0).sum())
    return Problem(
        f"{layers} convolutions of 3x3 with stride 1 follow each other. On how large a part of the image "
        "does one number of the last map depend?",
        right=f"{side}x{side}",
        again="x".join([str(1 + layers * (size - 1))] * 2),
        wrong=[
            Choice(
                f"{size}x{size}", "This is what the last layer sees of the map before it, not of the image."
            ),
            Choice(
                f"{layers * size}x{layers * size}",
                "This adds up the kernels. Neighboring windows overlap: each layer adds one pixel on each "
                "side.",
            ),
            Choice(
                f"{size**layers}x{size**layers}",
                "This multiplies the kernels, as if the windows did not overlap (a stride of 3).",
            ),
        ],
        because=f"1 + {layers} × 2 = {side} pixels in each direction.",
    )


@question(
    lectures=["004"],
    slide="Parameters are shared by each neuron producing an output in the activation map",
    claim="N17",
)
def larger_image(draw: Random) -> Problem:
    small, large = draw.choice([(256, 512), (64, 256)])
    kernel = nn.Conv2d(3, 1, 3, bias=False)
    weights, more_pixels = kernel.weight.numel(), large**2 // small**2
    return Problem(
        f"A kernel of 3x3x3 makes a map of an RGB image of {small}x{small}. How many weights does it need "
        f"for images of {large}x{large}?",
        right=weights,
        again=int(gradient(lambda w: F.conv2d(torch.ones(1, 3, 8, 8), w).sum(), kernel.weight).numel()),
        wrong=[
            Choice(
                weights * more_pixels,
                f"The image has {more_pixels} times as many pixels, but each position uses the same weights.",
            ),
            Choice(weights * large // small, "The kernel keeps its size of 3x3 pixels when the image grows."),
            Choice(
                weights * (large - 2) ** 2,
                "This has weights of its own at each position. They are shared: that is what a convolution "
                "is.",
            ),
        ],
        because="3 × 3 × 3 weights, at each position of an image of any size.",
    )


@question(
    lectures=["004"],
    slide="Convolutional layer does pattern matching at any location -> Equivariant to translation",
    claim="F34",
)
def shift_through_pooling(draw: Random) -> Problem:
    pools, shift = draw.choice([1, 2]), 4
    image = torch.zeros(1, 1, 16, 16)
    image[..., 4, 4] = 1.0
    kernel = torch.tensor([[[[0.0, 1, 0], [1, 4, 1], [0, 1, 0]]]])

    def column(image: Tensor, pools: int) -> int:
        """Return the column of the strongest response."""
        maps = conv2d(image, kernel, padding=1)
        for _ in range(pools):
            maps = max_pool2d(maps, 2)
        return int(maps[0, 0].amax(dim=0).argmax())

    moved = image.roll(shift, dims=3)
    times = "once" if pools == 1 else "twice"
    right = column(moved, pools) - column(image, pools)
    return Problem(
        f"A convolution (stride 1) and then max-pooling of 2x2 windows, {times}. The image moves by {shift} "
        "pixels to the right. By how many columns does the strongest response move?",
        right=right,
        again=shift // 2**pools,
        wrong=[
            Choice(
                column(moved, 0) - column(image, 0),
                "This is right before the pooling, which halves all distances.",
            ),
            Choice(
                column(moved, 4) - column(image, 4),
                "Pooling ignores only small shifts, inside of a window. It does not lose the place "
                "altogether.",
            ),
            Choice(shift * 2**pools, "Pooling makes the map smaller, so distances shrink."),
        ],
        because=f"The convolution moves with the image, by {shift}; each pooling halves it.",
    )


@question(
    lectures=["004"],
    slide="Training very deep networks is made possible because of the skip connections",
    claim="H7",
)
def slope_through_residual_blocks(draw: Random) -> Problem:
    blocks, slope = draw.choice([5, 10]), 0.3

    def network(x: Tensor, skip: bool) -> Tensor:
        for _ in range(blocks):
            x = slope * x + (x if skip else 0.0)
        return x

    return Problem(
        f"{blocks} residual blocks y = x + f(x) follow each other, and f has the slope {slope} everywhere. "
        "What is the slope of the whole network?",
        right=gradient(lambda x: network(x, True), numbers(1)).item(),
        again=(1 + slope) ** blocks,
        wrong=[
            Choice(
                gradient(lambda x: network(x, False), numbers(1)).item(),
                "These are the blocks without their skip connections: then the slope vanishes.",
            ),
            Choice(
                gradient(lambda x: x, numbers(1)).item(),
                "This is the path over all shortcuts. The paths through f are added to it.",
            ),
            Choice(
                1 + blocks * slope, "This adds the paths through one f. There are also paths through several."
            ),
        ],
        because=f"Each block multiplies by 1 + {slope}, so the slope is {1 + slope}^{blocks}: the shortcut "
        "keeps it from vanishing.",
    )


@question(
    lectures=["004"],
    slide="Multiclass Classification? Softmax -> multi-class generalization of logistic loss",
    claim="F36",
)
def softmax_of_two(draw: Random) -> Problem:
    z = numbers(*draw.choice([(2, 1), (3, 1)]))
    return Problem(
        f"Two classes have the scores w_k x = {z[0]:g} and {z[1]:g}. What is p(c_1 | x) by the softmax?",
        right=softmax(z)[0].item(),
        again=torch.sigmoid(z[0] - z[1]).item(),
        wrong=[
            Choice((z[0] / z.sum()).item(), "This divides the scores by their sum. Softmax takes e^z first."),
            Choice(
                torch.sigmoid(z[0]).item(),
                "This is the sigmoid of one score. Softmax depends on the difference of the two.",
            ),
            Choice(
                F.one_hot(z.argmax(), 2)[0].item(),
                "This is the largest score alone (argmax). Softmax leaves the others a probability.",
            ),
        ],
        because=f"e^{z[0]:g} / (e^{z[0]:g} + e^{z[1]:g}) = sigma({z[0]:g} - {z[1]:g}): for two classes, "
        "softmax is logistic regression.",
        tex=r"p(c_k \mid x) = \frac{e^{w_k x}}{\sum_j e^{w_j x}}",
    )
