"""Lecture 002: how large a step to take, and how regularization reduces overfitting."""

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, StepLR

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import gradient, normal, numbers, rounded
from intro_dl.scratch import optimizers
from intro_dl.scratch.layers import dropout, dropout_retaining
from intro_dl.scratch.schedules import inverse_sqrt


def valley(w: Tensor) -> Tensor:
    """Return a loss that is ten times as steep in w[1] as in w[0], with its minimum at 0."""
    return (w[0] ** 2 + 10 * w[1] ** 2) / 2


def follow(optimizer: torch.optim.Optimizer, w: Tensor, steps: int) -> None:
    """Take `steps` steps down `valley`."""
    for _ in range(steps):
        optimizer.zero_grad()
        valley(w).backward()
        optimizer.step()


@claim(
    "F9",
    lectures=["002"],
    slide="Ways to Use Weight Derivatives",
    says="Add momentum: v <- gamma v + eta dE/dw_ki; w_ki <- w_ki - v.",
    kind="holds",
)
def momentum() -> Outcome:
    gamma, eta = 0.9, 0.01
    w, v = numbers(3, 1), numbers(0, 0)
    for _ in range(50):  # the slide, literally
        v = gamma * v + eta * gradient(valley, w)
        w = w - v

    slide, torch_s, rescaled = (numbers(3, 1).requires_grad_() for _ in range(3))
    ours = optimizers.SlideMomentum([slide], lr=eta, momentum=gamma)
    theirs = torch.optim.SGD([torch_s], lr=eta, momentum=gamma)
    third = optimizers.SlideMomentum([rescaled], lr=eta, momentum=gamma)
    for parameter, optimizer in ((slide, ours), (torch_s, theirs), (rescaled, third)):
        follow(optimizer, parameter, 50)
    same = [tensor.detach().clone() for tensor in (slide, torch_s)]

    third.state[rescaled]["v"] *= 0.1
    for parameter, optimizer in ((slide, ours), (torch_s, theirs), (rescaled, third)):
        optimizer.param_groups[0]["lr"] = eta / 10
        follow(optimizer, parameter, 50)
    return Outcome(
        [
            Check("50 steps: the slide's two lines against torch's SGD with momentum", w, same[1], 1e-12),
            Check("50 steps: the slide's two lines against scratch_momentum's slide form", w, same[0], 1e-12),
            Check("50 more steps at eta / 10: slide and torch differ", slide, torch_s, 1e-3, differ=True),
            Check("slide and torch agree if v is divided by 10, too", rescaled, torch_s, 1e-12),
        ],
        [
            "torch: v <- gamma v + dE/dw; w <- w - eta v. Its eta multiplies the past gradients as well.",
            f"w after 50 steps at eta and 50 at eta / 10: slide {rounded(slide)}, torch {rounded(torch_s)}",
        ],
    )


def rates(make_schedule, epochs: int, eta: float = 0.1) -> Tensor:
    """Return the learning rate of each epoch under a torch schedule, (epochs,)."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=eta)
    schedule, found = make_schedule(optimizer), []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return numbers(*found)


@claim(
    "F10",
    lectures=["002"],
    slide="Learning Rates",
    says="Popular & simple idea: reduce the learning rate by some factor every few epochs.",
    kind="holds",
)
def reduce_by_a_factor() -> Outcome:
    found = rates(lambda optimizer: StepLR(optimizer, step_size=5, gamma=0.5), epochs=20)
    slide, eta = [], 0.1
    for epoch in range(20):
        if epoch > 0 and epoch % 5 == 0:
            eta = eta * 0.5
        slide.append(eta)
    smooth, t = rates(inverse_sqrt, epochs=20), torch.arange(1, 21, dtype=torch.float64)
    return Outcome(
        [
            Check("halved every 5 epochs: scheduler=step's StepLR", found, numbers(*slide), 1e-15),
            Check("eta / sqrt(t + 1): scheduler=inverse_sqrt", smooth, 0.1 / t.sqrt(), 1e-15),
        ],
        [f"epoch {i:2}: step {found[i]:.5f}, inverse square root {smooth[i]:.5f}" for i in range(20)],
    )


@claim(
    "N25",
    lectures=["002"],
    slide="Learning Rates",
    says="E.g. 1/t decay: eta^t = eta / sqrt(t + 1).",
    kind="holds",
)
def inverse_square_root() -> Outcome:
    found = rates(inverse_sqrt, epochs=100, eta=0.3)
    return Outcome(
        [
            Check("t = 0: eta", found[0], 0.3),
            Check("t = 3: eta / 2", found[3], 0.15, 1e-15),
            Check("t = 99: eta / 10", found[99], 0.03, 1e-15),
        ],
        [f"t = {t}: {found[t]:.6f}" for t in (0, 1, 2, 3, 8, 99)],
    )


@claim(
    "E9",
    lectures=["002"],
    slide="Learning Rates",
    says="1/t decay: eta^t = eta / sqrt(t + 1). [Right: that is 1/sqrt(t) decay; 1/t decay is eta / (t + "
    "1).]",
    kind="erratum",
)
def decay_is_misnamed() -> Outcome:
    named = rates(lambda optimizer: LambdaLR(optimizer, lambda t: 1 / (t + 1)), epochs=100)
    shown = rates(inverse_sqrt, epochs=100)
    t = torch.arange(1, 101, dtype=torch.float64)
    power = [((rate[99] / rate[9]).log() / (t[99] / t[9]).log()).item() for rate in (shown, named)]
    return Outcome(
        [
            Check("the slide's formula falls like t to the power", power[0], -0.5, 1e-12),
            Check("1/t decay falls like t to the power", power[1], -1.0, 1e-12),
            Check("epoch 100 of both", shown[99], named[99], 1e-3, differ=True),
        ],
        [
            f"epoch 100 from eta = 0.1: formula {shown[99]:.4f}, name {named[99]:.4f}",
            "It matters: Robbins and Monro require a finite sum of squares; 1/t has one, 1/sqrt(t) has not.",
        ],
    )


@claim(
    "N24",
    lectures=["002"],
    slide="Algorithm 1: Adam",
    says="Good default settings are alpha = 0.001, beta_1 = 0.9, beta_2 = 0.999 and epsilon = 10^-8.",
    kind="holds",
)
def adam() -> Outcome:
    start, scale = normal(5), numbers(0.01, 0.1, 1, 10, 100)
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    hand, library = optimizers.Adam([ours]), torch.optim.Adam([theirs])
    first = torch.zeros_like(start)
    for step in range(1000):
        for w, optimizer in ((ours, hand), (theirs, library)):
            w.grad = (scale * w + torch.sin(3 * w)).detach()
            optimizer.step()
        if step == 0:
            first = (ours - start).detach()
    slope = scale * start + torch.sin(3 * start)
    group = library.param_groups[0]
    defaults = [group["lr"], *group["betas"], group["eps"]]
    return Outcome(
        [
            Check("torch's own defaults", defaults, [0.001, 0.9, 0.999, 1e-8]),
            Check("1,000 steps of the box, line by line, against torch.optim.Adam", ours, theirs, 1e-10),
            Check("the first step is alpha, whatever the size of g", first, -0.001 * slope.sign(), 1e-7),
        ],
        [f"g of the first step: {rounded(slope)}", f"the first step:      {rounded(first)}"],
    )


# Regularization ---------------------------------------------------------------------------------------------


@claim(
    "E13",
    lectures=["002"],
    slide="Regularization: Dropout; Dropout: Training",
    says="Each unit retained with fixed probability p. [Another slide:] Each neuron has p% to dropout. [The "
    "same p cannot be both: say p_retained or p_dropped. torch and Keras drop with p.]",
    kind="erratum",
)
def two_meanings_of_p() -> Outcome:
    x, p = torch.ones(100_000, dtype=torch.float64), 0.2
    zeros = {
        "retained": (dropout_retaining(x, p) == 0).double().mean().item(),
        "dropped": (dropout(x, p) == 0).double().mean().item(),
        "torch": (nn.Dropout(p)(x) == 0).double().mean().item(),
        "half": (dropout_retaining(x, 0.5) == 0).double().mean().item(),
    }
    return Outcome(
        [
            Check("fraction of zeros where p = 0.2 is retained", zeros["retained"], 0.8, 0.01),
            Check("fraction of zeros where p = 0.2 is dropped", zeros["dropped"], 0.2, 0.01),
            Check("one p, two networks", zeros["retained"], zeros["dropped"], 0.5, differ=True),
            Check("fraction of zeros of nn.Dropout(p=0.2)", zeros["torch"], 0.2, 0.01),
            Check("p = 0.5, as in the lecture's snippet, hides it", zeros["half"], 0.5, 0.01),
        ],
    )


@claim(
    "F12",
    lectures=["002"],
    slide="Regularization: L2 = weight decay",
    says="J_reg(theta) = J(theta) + lambda sum_k theta_k^2. Big weight decay coefficient -> big penalty for "
    "big weights.",
    kind="holds",
)
def weight_decay() -> Outcome:
    rate, steps = 0.01, 50

    def run(make, penalty: float) -> Tensor:
        w = numbers(3, 1).requires_grad_()
        optimizer = make([w])
        for _ in range(steps):
            optimizer.zero_grad()
            (valley(w) + penalty * (w**2).sum()).backward()
            optimizer.step()
        return w.detach()

    decay = 0.1  # = 2 lambda
    sgd_l2 = run(lambda w: torch.optim.SGD(w, lr=rate), decay / 2)
    sgd_decay = run(lambda w: torch.optim.SGD(w, lr=rate, weight_decay=decay), 0.0)
    sgd_same_number = run(lambda w: torch.optim.SGD(w, lr=rate, weight_decay=decay / 2), 0.0)
    adam_l2 = run(lambda w: torch.optim.Adam(w, lr=rate), decay / 2)
    adam_in_gradient = run(lambda w: torch.optim.Adam(w, lr=rate, weight_decay=decay), 0.0)
    adamw = run(lambda w: torch.optim.AdamW(w, lr=rate, weight_decay=decay), 0.0)
    sizes = [run(lambda w: torch.optim.SGD(w, lr=rate), penalty).norm().item() for penalty in (0, 0.1, 1, 10)]
    return Outcome(
        [
            Check("SGD: the penalty lambda is weight_decay = 2 lambda", sgd_l2, sgd_decay, 1e-12),
            Check(
                "SGD: the penalty lambda is not weight_decay = lambda",
                sgd_l2,
                sgd_same_number,
                1e-3,
                differ=True,
            ),
            Check("Adam: the penalty is its weight_decay = 2 lambda", adam_l2, adam_in_gradient, 1e-12),
            Check(
                "Adam: the penalty is not AdamW's decay",
                adam_l2,
                adamw,
                1e-3,
                differ=True,
            ),
            Check("a larger lambda gives smaller weights", sizes, sorted(sizes, reverse=True)),
        ],
        [f"size of w for lambda = 0, 0.1, 1, 10: {[round(size, 4) for size in sizes]}"],
    )
