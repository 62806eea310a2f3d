"""Lecture 002: how large a step to take, and how regularization reduces overfitting."""

from math import cos, pi

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from intro_dl.lectures.engine.claims import Check, Outcome, claim
from intro_dl.lectures.engine.numerics import gradient, normal, numbers, rounded
from intro_dl.models.mlp import MLP
from intro_dl.scratch.layers import dropout, dropout_retaining
from intro_dl.training import product


def valley(w: Tensor) -> Tensor:
    """Return a loss that is ten times as steep in w[1] as in w[0], with its minimum at 0."""
    return (w[0] ** 2 + 10 * w[1] ** 2) / 2


def follow(optimizer: torch.optim.Optimizer, w: Tensor, steps: int, penalty: float = 0.0) -> None:
    """Take `steps` steps down `valley` plus `penalty` times the squared size of w."""
    for _ in range(steps):
        optimizer.zero_grad()
        (valley(w) + penalty * (w**2).sum()).backward()
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

    slide_form = ("optim=scratch_momentum", "optim._target_=intro_dl.scratch.optimizers.SlideMomentum")
    slide, torch_s, by_hand, rescaled = (numbers(3, 1).requires_grad_() for _ in range(4))
    ours, third = product.optimizer([slide], *slide_form), product.optimizer([rescaled], *slide_form)
    theirs = product.optimizer([torch_s], "optim=momentum")
    hand = product.optimizer([by_hand], "optim=scratch_momentum")
    pairs = ((slide, ours), (torch_s, theirs), (by_hand, hand), (rescaled, third))
    for parameter, optimizer in pairs:
        optimizer.param_groups[0]["lr"] = eta
        follow(optimizer, parameter, 50)
    after_50 = [tensor.detach().clone() for tensor in (slide, torch_s, by_hand)]

    third.state[rescaled]["v"] *= 0.1
    for parameter, optimizer in pairs:
        optimizer.param_groups[0]["lr"] = eta / 10
        follow(optimizer, parameter, 50)
    return Outcome(
        [
            Check("50 steps: the slide's two lines against its form in scratch", after_50[0], w, 1e-12),
            Check("50 steps: the slide's two lines against optim=momentum", after_50[1], w, 1e-12),
            Check("50 steps: the slide's two lines against optim=scratch_momentum", after_50[2], w, 1e-12),
            Check("50 more steps at eta / 10: slide and torch differ", slide, torch_s, 1e-3, differ=True),
            Check("optim=momentum and optim=scratch_momentum agree there", by_hand, torch_s, 1e-12),
            Check("slide and torch agree if v is divided by 10, too", rescaled, torch_s, 1e-12),
        ],
        [
            "On E = (w_1^2 + 10 w_2^2) / 2 from w = (3, 1), gamma = 0.9, eta = 0.01.",
            "torch: v <- gamma v + dE/dw; w <- w - eta v. Its eta multiplies the past gradients as well.",
            f"w after 50 steps at eta and 50 at eta / 10: slide {rounded(slide)}, torch {rounded(torch_s)}",
        ],
    )


def rates(*overrides: str, steps: int = 20) -> Tensor:
    """Return the learning rate before each step of a schedule, from 0.1; (steps,).

    Args:
        overrides: choose the schedule as on the command line, e.g. "scheduler=step".
        steps: epochs or optimizer steps, whichever the schedule counts.
    """
    weight = nn.Parameter(torch.zeros(1))
    optimizer = product.optimizer([weight], "optim=sgd")
    schedule = product.schedule(optimizer, "optim=sgd", *overrides)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(1.0)  # a validation loss that does not fall
        else:
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
    slide, eta = [], 0.1
    for epoch in range(20):
        if epoch > 0 and epoch % 5 == 0:
            eta = eta * 0.3
        slide.append(eta)

    def one_cycle(t: int) -> float:
        low, high, way = (0.004, 0.1, t / 5) if t < 5 else (4e-7, 0.1, 1 - (t - 5) / 14)
        return low + (high - low) * (1 - cos(pi * way)) / 2

    by_hand = {
        "exponential": [0.1 * 0.9**t for t in range(20)],
        "inverse_sqrt": [0.1 / (t + 1) ** 0.5 for t in range(20)],
        "exponential_to_floor": [1e-4 + 0.1 * 2.718281828459045 ** (-t / 2000) for t in range(20)],
        "cosine": [0.1 * (1 + cos(pi * t / 20)) / 2 for t in range(20)],
        "one_cycle": [one_cycle(t) for t in range(20)],
        "plateau": [0.1] + [0.1 * 0.3 ** (t // 3) for t in range(19)],
    }
    found = {name: rates(f"scheduler={name}") for name in by_hand if name != "one_cycle"}
    found["one_cycle"] = rates("scheduler=one_cycle", "scheduler.total_steps=20")
    step = rates("scheduler=step")
    model, _ = product.train(
        *("model=softmax", "data=xor", "optim=sgd", "scheduler=step", "scheduler.step_size=1"),
        "trainer.max_epochs=3",
    )
    trained = [epoch["lr"] for epoch in model.history]
    return Outcome(
        [
            Check("scheduler=step: times 0.3 every 5 epochs", step, numbers(*slide), 1e-15),
            Check("rates of a real training of 3 epochs, times 0.3 each", trained, [0.1, 0.03, 0.009], 1e-8),
        ]
        + [
            Check(f"scheduler={name} against its formula", found[name], numbers(*values), 1e-12)
            for name, values in by_hand.items()
        ],
        [
            "Rates from 0.1 over 20 epochs (exponential_to_floor and one_cycle count optimizer steps):",
            f"{'t':>2} {'step':>9} " + " ".join(f"{name:>9.9}" for name in by_hand),
        ]
        + [
            f"{t:2} {step[t]:9.5f} " + " ".join(f"{found[name][t]:9.5f}" for name in by_hand)
            for t in range(20)
        ]
        + ["plateau is given a validation loss that never falls. The six others are not on the slide."],
    )


@claim(
    "N25",
    lectures=["002"],
    slide="Learning Rates",
    says="E.g. 1/t decay: eta^t = eta / sqrt(t + 1). [The values are those of the formula; its name is "
    "wrong, see E9.]",
    kind="holds",
)
def inverse_square_root() -> Outcome:
    found = rates("scheduler=inverse_sqrt", steps=100)
    return Outcome(
        [
            Check("scheduler=inverse_sqrt from eta = 0.1, t = 0: eta", found[0], 0.1),
            Check("t = 3: eta / 2", found[3], 0.05, 1e-15),
            Check("t = 99: eta / 10", found[99], 0.01, 1e-15),
        ],
        [f"t = {t}: {found[t]:.6f}" for t in (0, 1, 2, 3, 8, 99)],
    )


@claim(
    "E9",
    lectures=["002"],
    slide="Learning Rates",
    says="1/t decay: eta^t = eta / sqrt(t + 1)",
    right="1/sqrt(t) decay: eta^t = eta / sqrt(t + 1); 1/t decay: eta^t = eta / (t + 1)",
    kind="erratum",
)
def decay_is_misnamed() -> Outcome:
    rate = rates("scheduler=inverse_sqrt", steps=100)
    t = torch.arange(1, 101, dtype=torch.float64)
    power = ((rate[99] / rate[9]).log() / (t[99] / t[9]).log()).item()
    return Outcome(
        [
            Check("the slide's formula falls like t to the power", power, -0.5, 1e-12),
            Check("1/t would fall like t to the power -1", power, -1.0, 0.4, differ=True),
            Check("epoch 100: the formula against 1/t decay", rate[99], 0.1 / 100, 1e-3, differ=True),
        ],
        [
            "Computed from the rates of scheduler=inverse_sqrt, the slide's formula.",
            "It matters in theory: Robbins and Monro (1951) require that the squares of the rates have a "
            "finite sum. Those of 1/t have one, those of 1/sqrt(t) have not (not computed here).",
        ],
    )


@claim(
    "R5",
    lectures=["002"],
    slide="RMSProp (Advanced Adagrad) + Momentum",
    says="Adam = RMSProp (Advanced Adagrad) + Momentum. [And a correction for starting at zero: without "
    "momentum, Adam is RMSProp only after it.]",
    kind="holds",
)
def adam_without_momentum() -> Outcome:
    start, slope = normal(5), numbers(-0.01, 0.1, -1, 10, 100)
    adam_s, average = {"betas": (0.0, 0.999), "eps": 0.0}, {"alpha": 0.999, "eps": 0.0}

    def step(optim: str, corrected: bool = False, steps: int = 1, **settings: object) -> Tensor:
        """Return how far the weights move; `corrected` scales each rate by sqrt(1 - 0.999^t)."""
        w = start.clone().requires_grad_()
        optimizer = product.optimizer([w], f"optim={optim}")
        optimizer.param_groups[0].update(settings)
        for t in range(1, steps + 1):
            w.grad = slope / t  # smaller from step to step, so the steps differ
            if corrected:
                optimizer.param_groups[0]["lr"] = 0.001 * (1 - 0.999**t) ** 0.5
            optimizer.step()
        return (w - start).detach()

    first = {optim: step(optim, **adam_s) for optim in ("adam", "scratch_adam")}
    first |= {optim: step(optim) for optim in ("rmsprop", "scratch_rmsprop")}
    adam = step("adam", steps=50, **adam_s)
    plain = step("rmsprop", steps=50, **average)
    corrected = step("rmsprop", corrected=True, steps=50, **average)
    by_hand = step("scratch_rmsprop", corrected=True, steps=50, **average)
    size = 0.001 * slope.sign()
    return Outcome(
        [
            Check("first step of optim=adam with beta_1 = 0: alpha", first["adam"], -size, 1e-12),
            Check("first step of optim=scratch_adam with beta_1 = 0", first["scratch_adam"], -size, 1e-12),
            Check("first step of optim=rmsprop: alpha / sqrt(1 - 0.99)", first["rmsprop"], -10 * size, 1e-7),
            Check("first step of optim=scratch_rmsprop", first["scratch_rmsprop"], -10 * size, 1e-7),
            Check("50 steps, both averages over 0.999: Adam and RMSProp", adam, plain, 1e-3, differ=True),
            Check("RMSProp with rate alpha sqrt(1 - 0.999^t) is this Adam", corrected, adam, 1e-12),
            Check("the same with optim=scratch_rmsprop", by_hand, adam, 1e-12),
        ],
        [
            "Adam's running averages start at 0; it divides them by 1 - beta^t. RMSProp does not, so its "
            "first steps are larger: 0.01 against 0.001 at the same rate of 0.001.",
            f"after 50 steps: Adam without momentum {rounded(adam)}, RMSProp {rounded(plain)}",
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
    hand, library = product.optimizer([ours], "optim=scratch_adam"), product.optimizer([theirs], "optim=adam")
    box, m, v = start.clone(), torch.zeros(5).double(), torch.zeros(5).double()
    first = torch.zeros_like(start)
    for t in range(1, 301):
        g = scale * box + torch.sin(3 * box)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        box = box - 0.001 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        for w, optimizer in ((ours, hand), (theirs, library)):
            w.grad = (scale * w + torch.sin(3 * w)).detach()
            optimizer.step()
        if t == 1:
            first = (theirs - start).detach()
    slope = scale * start + torch.sin(3 * start)
    given = [
        [each["lr"], *each["betas"], each["eps"]] for each in (*hand.param_groups, *library.param_groups)
    ]
    slide = [0.001, 0.9, 0.999, 1e-8]
    return Outcome(
        [
            Check("settings of optim=scratch_adam", given[0], slide),
            Check("settings of optim=adam", given[1], slide),
            Check("300 steps of the box against optim=scratch_adam", ours, box, 1e-10),
            Check("300 steps of the box against optim=adam", theirs, box, 1e-10),
            Check("the first step is alpha, whatever the size of g", first, -0.001 * slope.sign(), 1e-7),
        ],
        [
            "That these settings are good is not tested here.",
            f"g of the first step: {rounded(slope)}",
            f"the first step:      {rounded(first)}",
        ],
    )


# Regularization ---------------------------------------------------------------------------------------------


@claim(
    "E13",
    lectures=["002"],
    slide="Regularization: Dropout; Dropout: Training",
    says="Each unit retained with fixed probability p. On another slide: Each neuron has p% to dropout.",
    right="Each unit dropped with fixed probability p, as in torch and Keras. On the other slide: Each "
    "neuron is dropped with probability p.",
    kind="erratum",
)
def two_meanings_of_p() -> Outcome:
    x, p = torch.ones(100_000, dtype=torch.float64), 0.2
    share = product.config("model=mlp", "regularization=dropout").model.dropout
    (drop,) = [
        each for each in MLP((2,), 2, hidden=(3,), dropout=share).modules() if isinstance(each, nn.Dropout)
    ]
    outputs = {
        "retained": dropout_retaining(x, p),
        "dropped": dropout(x, p),
        "torch": nn.Dropout(p)(x),
        "half": dropout_retaining(x, 0.5),
        "option": drop(x),
    }
    zeros = {name: (y == 0).double().mean().item() for name, y in outputs.items()}
    means = {name: y.mean().item() for name, y in outputs.items()}
    scaled = [means[name] for name in ("dropped", "torch", "option")]
    return Outcome(
        [
            Check("fraction of zeros where p = 0.2 is retained", zeros["retained"], 0.8, 0.01),
            Check("fraction of zeros where p = 0.2 is dropped", zeros["dropped"], 0.2, 0.01),
            Check("one p, two networks", zeros["retained"], zeros["dropped"], 0.5, differ=True),
            Check("fraction of zeros of nn.Dropout(p=0.2)", zeros["torch"], 0.2, 0.01),
            Check("p = 0.5, as in the lecture's snippet, hides it", zeros["half"], 0.5, 0.01),
            Check("fraction that regularization=dropout drops in model=mlp", zeros["option"], 0.5, 0.01),
            Check("mean output of the slide's version in training", means["retained"], p, 0.01),
            Check("mean output of those that scale in training: that of the input", scaled, [1.0] * 3, 0.05),
        ],
        [
            "On 100,000 ones. torch, Keras and scratch's `dropout` scale in training, by 1 / p_retained; the "
            "slide and scratch's `dropout_retaining` scale in testing instead."
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
    def run(optim: str, decay: float, penalty: float = 0.0, steps: int = 20) -> Tensor:
        w = numbers(3, 1).requires_grad_()
        optimizer = product.optimizer([w], f"optim={optim}")
        optimizer.param_groups[0].update(lr=0.01, weight_decay=decay)
        follow(optimizer, w, steps, penalty)
        return w.detach()

    decay = 0.1  # = 2 lambda
    penalized = {optim: run(optim, 0.0, decay / 2) for optim in ("sgd", "adam", "rmsprop")}
    decayed = {optim: run(optim, decay) for optim in ("sgd", "scratch_sgd", "adam", "scratch_adam")}
    decayed["scratch_rmsprop"] = run("scratch_rmsprop", decay)
    adamw, half = run("adamw", decay), run("sgd", decay / 2)
    sizes = [decayed["sgd"].norm().item()] + [run("sgd", strength).norm().item() for strength in (1.0, 10.0)]

    w = numbers(3, 1).requires_grad_()  # where the loss has no slope: only the option itself moves it
    w.grad = numbers(0, 0)
    product.optimizer([w], "optim=sgd", "regularization=l2").step()
    shrunk = ((3 - w[0]) / (0.1 * 3)).item()
    return Outcome(
        [
            Check(
                f"optim={optim}: weight_decay = 2 lambda against the penalty lambda sum w^2",
                found,
                penalized[optim.removeprefix("scratch_")],
                1e-12,
            )
            for optim, found in decayed.items()
        ]
        + [
            Check(
                "optim=sgd: weight_decay = lambda is not the penalty",
                half,
                penalized["sgd"],
                1e-3,
                differ=True,
            ),
            Check("optim=adamw: its decay is not the penalty", adamw, penalized["adam"], 1e-3, differ=True),
            Check("regularization=l2 shrinks a weight by eta times", shrunk, 1e-4, 1e-10),
            Check("decay 0.1, 1, 10: each gives smaller weights", sizes[0] > sizes[1] > sizes[2], True),
        ],
        [
            "20 steps on E = (w_1^2 + 10 w_2^2) / 2 from w = (3, 1), eta = 0.01.",
            f"size of w for weight_decay = 0.1, 1, 10: {[round(size, 4) for size in sizes]}",
        ],
    )
