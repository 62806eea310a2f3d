"""Predict a number, and learn by mean squared error."""

from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Regressor(Task):
    """Predict a number: mean squared error, and mean absolute error in the unit of the target."""

    leading = "absolute_error"

    def metrics(self, batch):
        inputs, targets = batch
        predictions = self(inputs)  # (B,)
        return {
            "loss": F.mse_loss(predictions, targets),
            "absolute_error": F.l1_loss(predictions, targets),
        }
