"""Lecture 003: questions about slides that lecture 000 does not have. It asks most of those of 000, too."""

from collections.abc import Callable
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.lectures.engine.numerics import finite_difference, normal, numbers
from intro_dl.lectures.engine.quiz import Choice, Problem, question
from intro_dl.scratch import optimizers
from intro_dl.scratch.autodiff import Node
from intro_dl.scratch.layers import dense


@question(lectures=["003"], slide="Dense layer from scratch", claim="S5")
def shape_of_a_dense_layer(draw: Random) -> Problem:
    batch, inputs, outputs = draw.choice([(8, 3, 2), (16, 4, 3)])
    x, W, b = torch.zeros(batch, inputs), torch.zeros(inputs, outputs), torch.zeros(1, outputs)

    def shape(x: Tensor) -> str:
        return "x".join(str(size) for size in x.shape)

    return Problem(
        f"MyDenseLayer(input_dim={inputs}, output_dim={outputs}) gets a batch of {batch} examples, a matrix "
        f"of {batch}x{inputs}. Which shape does its output have?",
        right=shape(torch.sigmoid(torch.matmul(x, W) + b)),
        again=shape(dense(x, W, b[0])),
        wrong=[
            Choice(shape(W), "This is the shape of the weights W, which does not depend on the batch."),
            Choice(
                shape(x), "This is the shape of the input. The layer has one column for each output unit."
            ),
            Choice(shape(b), "This is the output for one example. The batch has one row for each example."),
        ],
        because=f"{batch}x{inputs} times {inputs}x{outputs} is {batch}x{outputs}; the bias is added to each "
        "row.",
    )


@question(lectures=["003"], slide="Binary Cross Entropy Loss", claim="E11")
def softmax_of_one_output(draw: Random) -> Problem:
    z, y = numbers(draw.choice([-3, -2])), numbers(1)
    return Problem(
        f"A network has one output, with the logit {z.item():g} for an example of y = 1. What does "
        "softmax_cross_entropy_with_logits(y, z), as on the slide, return?",
        right=-(y * torch.log_softmax(z, dim=0)).sum().item() + 0.0,
        again=F.cross_entropy(z[None], torch.tensor([0])).item(),
        wrong=[
            Choice(
                F.binary_cross_entropy_with_logits(z, y).item(),
                "This is what we want: the cross-entropy of a sigmoid. But the slide has a softmax.",
            ),
            Choice((-y * z).item(), "This is -y z, without the logarithm of the sum over all outputs."),
            Choice(
                F.binary_cross_entropy_with_logits(z, 1 - y).item(),
                "This is the cross-entropy of a sigmoid for y = 0. The slide has a softmax.",
            ),
        ],
        because="The softmax of a single number is e^z / e^z = 1, and -ln 1 = 0, whatever z is. Nothing is "
        "learned.",
    )


@question(lectures=["003"], slide="Gradient Descent Algorithms", claim="S7")
def fourth_step_of_adagrad(draw: Random) -> Problem:
    lr, g, steps = 0.1, draw.choice([2, 5]), 4

    def last_step(optimizer: Callable[..., torch.optim.Optimizer]) -> float:
        w = numbers(0).requires_grad_()
        rule, before = optimizer([w], lr=lr), w
        for _ in range(steps):
            before, w.grad = w.detach().clone(), numbers(g)
            rule.step()
        return (before - w).item()

    return Problem(
        f"Adagrad has lr = {lr}, and its sum of squares starts at 0. The gradient of a weight is {g} in each "
        f"step. How long is step number {steps}?",
        right=last_step(torch.optim.Adagrad),
        again=last_step(optimizers.Adagrad),
        wrong=[
            Choice(
                lr * g, "This is a step of SGD. Adagrad divides by the size of all the gradients until now."
            ),
            Choice(
                lr,
                "This is the first step. The sum of the squares grows from step to step, and is never reset.",
            ),
            Choice(
                lr / steps,
                "This divides by the number of steps. Adagrad divides by the root of the sum of squares.",
            ),
            Choice(
                lr / (steps * g),
                "This divides by the sum of the gradients alone: the step is lr g / sqrt(sum of g^2).",
            ),
        ],
        because=f"lr g / sqrt({steps} g^2) = lr / {steps**0.5:g}, whatever the size of g.",
    )


@question(lectures=["003"], slide="Gradient Descent Algorithms", claim="E32")
def losses_for_one_gradient(draw: Random) -> Problem:
    weights = draw.choice([10, 100])
    calls = 0

    def loss(w: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return (w**2).sum()

    finite_difference(loss, normal(weights))
    both_sides = calls
    return Problem(
        "Kiefer and Wolfowitz estimate a slope from two losses: a little above and a little below. How many "
        f"losses must they compute for one gradient of {weights:,} weights?",
        right=both_sides,
        again=2 * weights,
        wrong=[
            Choice(
                both_sides // weights,
                "This moves all weights at once, and gives one slope, along one direction.",
            ),
            Choice(
                both_sides // 2 + 1,
                "This uses the loss at w itself for all weights. The slope from two sides needs both.",
            ),
            Choice(
                weights**2,
                "This moves pairs of weights, as one would for second derivatives.",
            ),
        ],
        because=f"Two losses for each of {weights:,} weights. Back-propagation needs one loss and one pass "
        "back.",
    )


@question(lectures=["003"], slide="Putting it all together", claim="E10")
def outside_the_tape(draw: Random) -> Problem:
    layers = draw.choice([2, 3])
    net = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
    parameters = list(net.parameters())
    x = torch.ones(1, 4)

    def with_gradient(prediction: Tensor, recorded: list[nn.Parameter]) -> int:
        found = torch.autograd.grad(prediction.sum(), recorded, allow_unused=True)
        return sum(each is not None for each in found)

    with torch.no_grad():  # what is computed outside a tape is not recorded
        outside = net(x)
    hidden = net[:-1](x).detach()
    W, b = Node(normal(4, 1)), Node(normal(1))
    taped = (
        Node((normal(1, 4) @ W + b).value) - 1
    ) ** 2  # the loss of a given number, on the tape of scratch code
    return Problem(
        f"A network of {layers} dense layers has {len(parameters)} trainable variables. As on the slide, "
        "`prediction = model(x)` stands before `with tf.GradientTape() as tape:`, and only the loss inside. "
        "How many variables get a gradient?",
        right=with_gradient(outside.requires_grad_(), parameters),
        again=sum(node in taped.tape() for node in (W, b)),
        wrong=[
            Choice(
                with_gradient(net(x), parameters),
                "This is right if the prediction is inside. The tape records only what is computed under it.",
            ),
            Choice(
                with_gradient(net[-1](hidden), parameters),
                "The last layer is not recorded either: for the tape, the prediction is a given number.",
            ),
            Choice(
                with_gradient(net[-1](hidden), parameters[-1:]),
                "The loss depends on each bias as on each weight. The tape has seen none of them.",
            ),
        ],
        because="The tape never saw the model, so all gradients are None. Make the prediction inside.",
    )
