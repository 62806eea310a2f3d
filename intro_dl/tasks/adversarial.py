"""Two networks that learn against each other: one draws inputs, the other tells drawn from real ones."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Adversarial(Task):
    """Learn to draw new inputs. A model has a `generator`, and its `forward` is its `discriminator`.

    Even steps change the discriminator, odd ones the generator, each by its own loss (Goodfellow et al. 2014,
    Algorithm 1, k = 1). Optimizers skip weights without a gradient, so one optimizer is enough.
    """

    leading = "distance"
    unsupervised = True
    several_devices = False  # DDP waits for a gradient of every weight

    def metrics(self, batch):
        """Return both losses, the fraction of draws that look real, and in eval mode the energy distance."""
        real, _ = batch
        # An evaluation always takes the same random numbers, so that only the weights make a difference.
        drawn = self.draw(len(real), None if self.training else torch.Generator(real.device).manual_seed(0))
        logits = self(drawn)  # (B,)
        found = {
            "discriminator": F.softplus(-self(real)).mean() + F.softplus(logits).mean(),
            "generator": F.softplus(-logits).mean(),  # -log D instead of log (1 - D)
        }
        found |= {"loss": found["discriminator"] + found["generator"], "fooled": (logits > 0).float().mean()}
        return found if self.training else found | {"distance": energy_distance(drawn, real)}

    def measure(self, batch, split):
        turn = "generator" if self.global_step % 2 else "discriminator"
        for name, weight in self.named_parameters():
            weight.requires_grad_(split != "train" or name.startswith(turn))
        found = self.metrics(batch)
        self.epoch.add(split, found, self.count(batch))
        return found[turn]

    def on_after_backward(self):
        self.requires_grad_(True)

    def rivals(self, train, test):
        """Return the distance of one normal distribution, fitted to all numbers; also cut to their range."""
        known, inputs = train[0].flatten(1), test[0].flatten(1)
        normal = np.random.default_rng(0).multivariate_normal
        drawn = normal(known.mean(dim=0).numpy(), known.T.cov().numpy(), len(inputs), check_valid="ignore")
        drawn = torch.from_numpy(drawn).to(known)
        named = {"one Gaussian": drawn, "one Gaussian, cut": drawn.clamp(known.min(), known.max())}
        return {name: float(energy_distance(each, inputs)) for name, each in named.items()}


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'| of samples (M, ...), (N, ...): Székely and Rizzo (2013)."""
    x, y = x.flatten(1), y.flatten(1)  # 0 is perfect; without bias, an estimate may be a little below
    within = [torch.cdist(each, each).sum() / max(len(each) * (len(each) - 1), 1) for each in (x, y)]
    return 2 * torch.cdist(x, y).mean() - sum(within)
