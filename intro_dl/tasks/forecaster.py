"""Forecast how a series goes on, beside two rivals: nothing changes, and a linear model."""

import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Forecaster(Task):
    """Predict the next change of a series: mean squared error, and mean absolute error.

    The inputs are the last T steps, (B, T, F); the targets, (B, O), are the next values minus the last ones.
    Whoever predicts 0 says that nothing changes.
    """

    def metrics(self, batch):
        inputs, changes = batch
        predictions = self(inputs)  # (B, O)
        return {"loss": F.mse_loss(predictions, changes), "absolute_error": F.l1_loss(predictions, changes)}

    def rivals(self, train, test):
        """Return the mean squared errors of "nothing changes", of the mean change, and of a linear model."""
        (inputs, changes), (new_inputs, truth) = train, test
        linear = autoregression(inputs, changes)
        return {
            "nothing changes": truth.square().mean().item(),
            "mean change": F.mse_loss(changes.mean(dim=0).expand_as(truth), truth).item(),
            "linear (AR)": F.mse_loss(linear(new_inputs), truth).item(),
        }


def autoregression(inputs: Tensor, changes: Tensor):
    """Return the function, fitted by least squares, from series (B, T, F) to changes (B, O).

    It is linear in all numbers of the T steps, with a constant: the autoregressive model AR(T).
    """

    def rows(series: Tensor) -> Tensor:
        return F.pad(series.flatten(1), (0, 1), value=1.0).double()  # (B, T * F + 1)

    weights = torch.linalg.lstsq(rows(inputs), changes.double(), driver="gelsd").solution
    return lambda series: (rows(series) @ weights).float()
