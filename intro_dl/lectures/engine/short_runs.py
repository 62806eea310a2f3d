"""Train for a fraction of a second, for claims about what a model learns."""

from torch import Tensor
from torch.optim import Adam

from intro_dl.tasks import Task


def fit(model: Task, inputs: Tensor, targets: Tensor, steps: int = 150, lr: float = 0.02) -> dict[str, float]:
    """Take Adam steps on all examples at once, and measure the model on the same examples.

    Args:
        inputs, targets: a batch that the model's `metrics` takes.

    Returns:
        The metrics after the last step, e.g. loss and accuracy.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        model.metrics((inputs, targets))["loss"].backward()
        optimizer.step()
    return {name: value.item() for name, value in model.metrics((inputs, targets)).items()}
