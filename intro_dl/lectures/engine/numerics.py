"""Numeric helpers of the claims: float64 vectors, derivatives, fits that converge, pieces of a curve."""

import statistics
import warnings
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor


def numbers(*values: float) -> Tensor:
    """Return a vector in float64."""
    return torch.tensor(values, dtype=torch.float64)


def normal(*shape: int) -> Tensor:
    """Draw independent numbers from N(0, 1) in float64; every claim starts with the same random seed."""
    return torch.randn(*shape, dtype=torch.float64)


def rounded(values: Tensor, decimals: int = 4) -> list[float]:
    """Round numbers as on a slide."""
    return [round(value, decimals) + 0.0 for value in values.flatten().tolist()]  # + 0.0 turns -0.0 into 0.0


def listed(values: Iterable[float], decimals: int = 3) -> str:
    """Return e.g. "0.623, 0.633, 0.636": the numbers of several runs."""
    return ", ".join(f"{value:.{decimals}f}" for value in values)


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of at least two numbers and its standard error."""
    return statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5


def gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the gradient of `function` at `x`, by torch's autograd."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(function(x), x)[0]


def along(function: Callable[[Tensor], Tensor], x: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Return the value of `function` at `x` and its slope along `direction`, by forward mode (jvp)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own torch.jit.script
        value, slope, *_ = torch.func.jvp(function, (x,), (direction,))
    return value, slope


def finite_difference(function: Callable[[Tensor], Tensor], x: Tensor, step: float = 1e-6) -> Tensor:
    """Return the gradient without calculus: move each number a little to both sides and compare.

    Args:
        function: maps a tensor shaped as `x` to one number.
        x: the point, float64.
        step: how far to move; the error is about step^2, but below 1e-6 rounding takes over.
    """
    slopes = torch.zeros_like(x)
    for index in range(x.numel()):
        move = torch.zeros_like(x)
        move.view(-1)[index] = step
        slopes.view(-1)[index] = (function(x + move) - function(x - move)) / (2 * step)
    return slopes


def with_one(inputs: Tensor) -> Tensor:
    """Put x_0 = 1 before every row, so that the first weight is the bias."""
    return torch.cat([torch.ones_like(inputs[:, :1]), inputs], dim=1)


def logistic_loss(weights: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of logistic regression: softplus(z) - y z, with z = x . w.

    Args:
        weights: (m,).
        inputs: (N, m).
        labels: (N,), 0 or 1, float64.
    """
    z = inputs @ weights  # (N,)
    return (torch.nn.functional.softplus(z) - labels * z).mean()


def logistic_hessian(weights: Tensor, inputs: Tensor) -> Tensor:
    """Return the Hessian of `logistic_loss`, (m, m): mean of p (1 - p) x x^T, whatever the labels are."""
    p = torch.sigmoid(inputs @ weights)  # (N,)
    return (inputs.T * (p * (1 - p))) @ inputs / len(inputs)


def fit_logistic(inputs: Tensor, labels: Tensor, start: Tensor | None = None) -> Tensor:
    """Return the weights (m,) that minimize `logistic_loss`, by Newton's method with halved steps.

    Args:
        inputs, labels: as for `logistic_loss`.
        start: (m,), default zeros.

    Raises:
        ValueError: if a plane separates the classes: then the loss has no minimum.
    """
    weights = torch.zeros_like(inputs[0]) if start is None else start
    for _ in range(100):
        slope = inputs.T @ (torch.sigmoid(inputs @ weights) - labels) / len(labels)  # (m,)
        loss = logistic_loss(weights, inputs, labels)
        if slope.norm() < 1e-10 or loss < 1e-8:
            break
        # A ridge far below every curvature that matters keeps far starts, where p (1 - p) is 0, solvable.
        ridge = 1e-9 * torch.eye(len(weights), dtype=torch.float64)
        step = torch.linalg.solve(logistic_hessian(weights, inputs) + ridge, slope)
        while logistic_loss(weights - step, inputs, labels) > loss and step.norm() > 1e-12:
            step = step / 2
        weights = weights - step
    if slope.norm() >= 1e-10 or loss < 1e-8:
        raise ValueError("a plane separates the classes, so the loss has no minimum: add noise or more data")
    return weights


def minimize(loss: Callable[[], Tensor], parameters: list[Tensor], steps: int = 100) -> float:
    """Minimize `loss` with L-BFGS by changing `parameters` in place; return the final loss.

    Args:
        loss: computes one number from `parameters`, which must require gradients.
        steps: maximum number of iterations.
    """
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return loss().item()


def count_pieces(x: Tensor, y: Tensor) -> int:
    """Count the straight pieces of a piecewise linear curve; its kinks must lie on the grid `x`.

    Args:
        x: (n,), increasing.
        y: (n,), the curve there.
    """
    slopes = y.diff() / x.diff()  # (n - 1,)
    return 1 + int((slopes.diff().abs() > 1e-6 * (1 + slopes.abs().max())).sum())


def tent(x: Tensor) -> Tensor:
    """Apply one layer of two ReLU units: up from 0 to 1 on [0, 1/2], down to 0 on [1/2, 1]."""
    return 2 * torch.relu(x) - 4 * torch.relu(x - 0.5)


def fit_output_weights(features: Tensor, targets: Tensor) -> Tensor:
    """Return the output weights with the least squared error, the shortest if there are several.

    Args:
        features: outputs of the hidden units, (n, W).
        targets: (n,) or (n, K).

    Returns:
        (W,) or (W, K).
    """
    return torch.linalg.lstsq(features, targets.reshape(len(targets), -1), driver="gelsd").solution.reshape(
        features.shape[1], *targets.shape[1:]
    )


def steep_sigmoids(x: Tensor, width: int) -> Tensor:
    """Return sigmoid units whose steps are spread evenly over [0, 1], and a constant; (n, width + 1).

    Args:
        x: (n,).
        width: number of hidden units, at least 2; each climbs over about two spacings.
    """
    centers = torch.linspace(0, 1, width, dtype=x.dtype)
    return with_one(torch.sigmoid(2 * (width - 1) * (x[:, None] - centers)))
