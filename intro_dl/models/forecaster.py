"""Forecast a series: a recurrent network reads the last steps, and a linear map predicts the next change."""

from typing import Literal

from torch import Tensor, nn

from intro_dl.config.types import Size, Width
from intro_dl.tasks import Forecaster


class RecurrentForecaster(Forecaster):
    """Many to one: "where will the ball go next?", or the next value of a series (lectures 000 and 001).

    Args:
        length: T, steps of an input.
        num_features: F, numbers per step.
        num_outputs: O, numbers to forecast.
        history: how many of the last steps it reads, at most T; None reads all.
        cell: the recurrent cell, lstm or rnn.
        hidden_size: H, the length of the state.
    """

    def __init__(
        self,
        length: int,
        num_features: int,
        num_outputs: int,
        history: Size | None = None,
        cell: Literal["lstm", "rnn"] = "lstm",
        hidden_size: Width = 64,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if history is not None and history > length:
            raise ValueError(
                f"Invalid model.history={history}: an input has only {length} steps. "
                f"Choose at most {length}, or a larger data.length."
            )
        self.recurrent = {"lstm": nn.LSTM, "rnn": nn.RNN}[cell](num_features, hidden_size, batch_first=True)
        self.change = nn.Linear(hidden_size, num_outputs)

    def forward(self, series: Tensor) -> Tensor:
        """Return the next changes (B, O) of series (B, T, F)."""
        states, _ = self.recurrent(series[:, -(self.hparams["history"] or 0) :])  # (B, history, H)
        return self.change(states[:, -1])  # (B, O)
