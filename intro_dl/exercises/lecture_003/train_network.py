"""Train a network where no line can decide.

Lecture 003; slides "Importance of Activation Functions", "Putting it all together". Claims F3, S6, E10.

The points of class 1 lie in a disk, those of class 0 in a ring around it. "Linear activation functions
produce linear decisions": no line separates them, but a network with one hidden layer can. Put it all
together: a model (nn.Sequential of nn.Linear and an activation), an optimizer of torch.optim, and the loop
with loss.backward(). Keep it small: one check may take 60 seconds in all, and 300 steps on all points are
enough.

The check asks for at least 95 % right predictions on new points; a prediction above 0.5 means class 1.
"""

import torch
from torch import Tensor, nn


def train_and_predict(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    """Return the probability of class 1, (k,), of the new points (k, 2); train on x (n, 2) and y (n,)."""
    # solution
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.sigmoid(model(new).squeeze(1))
    # end of solution


# The student's file ends here.

from functools import partial

from intro_dl.exercises.engine.exercise import Case, mistake

SECONDS = 60.0  # measured: 20 are too few on a busy machine
HINTS = (
    "nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)) has one hidden layer and gives one logit.",
    "model(x) has the shape (n, 1), y has (n,): take model(x).squeeze(1) before you compare them.",
    "In each step: prediction, loss, optimizer.zero_grad(), loss.backward(), optimizer.step().",
)


def cases(generator: torch.Generator) -> list[Case]:
    (x, y), (new, labels) = _disk_and_ring(100, generator), _disk_and_ring(200, generator)
    return [Case("train_and_predict", (x, y, new), partial(_judge, labels))]


def _disk_and_ring(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    angle, length = torch.rand(2, n, generator=generator, dtype=torch.float64)
    y = torch.arange(n, dtype=torch.float64) % 2
    radius = torch.where(y == 1, length, 1.6 + 0.8 * length)
    return radius[:, None] * torch.stack([(6.2832 * angle).cos(), (6.2832 * angle).sin()], dim=1), y


def _judge(labels: Tensor, result: Tensor) -> str | None:
    if result.shape != labels.shape:
        return f"returns the shape {tuple(result.shape)}, but {tuple(labels.shape)} is expected."
    if not ((result >= 0) & (result <= 1)).all():
        return "is not a probability: some numbers are below 0, above 1 or NaN."
    right = ((result > 0.5) == (labels == 1)).double().mean().item()
    if right >= 0.95:
        return None
    return (
        f"is right for {right:.0%} of the new points, but 95 % can be reached. "
        "A network without an activation reaches about half."
    )


@mistake(
    "train_and_predict",
    "Your network has no activation between its layers. Two linear layers are one linear layer, and its "
    "decision is a line, however long you train.",
)
def linear_network(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    model = nn.Sequential(nn.Linear(2, 16), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.sigmoid(model(new).squeeze(1))


@mistake(
    "train_and_predict",
    "You return logits. They are below 0 or above 1 for most points: torch.sigmoid makes probabilities of "
    "them.",
)
def logits_returned(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model(new).squeeze(1)


@mistake(
    "train_and_predict",
    "You never call optimizer.step(), so that the weights stay as they were drawn. backward() computes the "
    "gradients, but moves nothing.",
)
def step_forgotten(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    return torch.sigmoid(model(new).squeeze(1))


@mistake(
    "train_and_predict",
    "You subtract y (n,) from a prediction (n, 1): the difference has every pair, (n, n). The network then "
    "learns the mean of all labels, 0.5, for every point.",
)
def every_pair(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model(new).squeeze(1)


@mistake(
    "train_and_predict",
    "You make the prediction before the loop, as the slide does outside its tape. The graph of one "
    "prediction serves one backward(), and the loss never sees the new weights: predict in every step.",
)
def prediction_before_the_loop(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    prediction = model(x).squeeze(1)
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.sigmoid(model(new).squeeze(1))
