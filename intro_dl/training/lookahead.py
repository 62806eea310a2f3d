"""Lookahead: every few steps, pull the weights to a moving mean of themselves."""

from typing import Annotated

import pytorch_lightning as pl
import torch
from annotated_types import Ge, Lt
from torch import Tensor

from intro_dl.config.types import Size


class Lookahead(pl.Callback):
    """Keep slow weights; every few steps move them a part of the way to the weights, and set these to them.

    The slow weights begin as the weights after the first of these steps. They keep
    decay^every * (step / steps)^3 of their value: at first they follow, at the end they average. Running
    means of batch norm take part. The steps after the last move count, so a training that is too short for a
    move is one without lookahead.

    Source: Zhang et al. (2019), with the schedule of Jordan (2024), arXiv:2404.00498, section 3.4.

    Args:
        every: steps between two moves.
        decay: for each step, at the end of the training, in [0, 1).
    """

    def __init__(self, every: Size = 5, decay: Annotated[float, Ge(0), Lt(1)] = 0.95) -> None:
        self.every, self.decay = every, decay
        self.slow: dict[str, Tensor] = {}

    def on_train_start(self, trainer, module):
        weights = self._weights(module)
        self.slow = {name: slow.to(weights[name]) for name, slow in self.slow.items()}  # of a resumed run

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        step, steps = trainer.global_step, trainer.estimated_stepping_batches
        if not step or step % self.every:  # 0: the first step takes several batches
            return
        weights = self._weights(module)
        if not self.slow:
            self.slow = {name: weight.clone() for name, weight in weights.items()}
        kept = self.decay**self.every * (step / steps) ** 3
        with torch.no_grad():
            for name, slow in self.slow.items():
                slow.lerp_(weights[name], 1 - kept)
                weights[name].copy_(slow)

    def state_dict(self):
        return {"slow": self.slow}

    def load_state_dict(self, state):
        self.slow = state["slow"]

    @staticmethod
    def _weights(module: pl.LightningModule) -> dict[str, Tensor]:
        return {name: value for name, value in module.state_dict().items() if value.is_floating_point()}
