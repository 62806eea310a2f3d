"""The optimizers of the lectures, literally as on the slides, and interchangeable with those of torch.

Every class takes the keywords of its torch equivalent (those that it implements), so `optim=scratch_adam`
replaces `optim=adam` on the command line and training gives the same numbers.

Source: lecture 002, "Ways to Use Weight Derivatives" and "Add Momentum"; the choice of Momentum, Adagrad,
Adadelta, Adam and RMSProp is that of lectures 000, 002 and 003, "Adaptive Learning Rate".
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class UpdateRule(Optimizer):
    """One step of training: every parameter w moves by its own rule, given its gradient g.

    Weight decay adds `weight_decay * w` to every gradient. That is the gradient of the slide's penalty
    lambda sum_k w_k^2 (lecture 002, "L2 = weight decay") with `weight_decay = 2 lambda`.
    """

    def __init__(self, params: Any, lr: float, weight_decay: float, **others: Any) -> None:
        if lr < 0:
            raise ValueError(f"lr={lr} is negative and would climb the loss: use 0 or more, e.g. lr=0.01")
        if weight_decay < 0:
            raise ValueError(f"weight_decay={weight_decay} is negative and would grow the weights: use >= 0")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **others})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter once; `closure`, if given, first recomputes the loss and its gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    g = w.grad + group["weight_decay"] * w
                    self.update(w, g, self.state[w], group)
        return loss

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the parameter `w` in place, given its gradient `g` and its `state` from earlier steps."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule: define its method update")


class GradientDescent(UpdateRule):
    """Step downhill: w <- w - eta dE/dw. Equivalent to `torch.optim.SGD` without momentum.

    Args:
        lr: eta, the learning rate, at least 0.

    Source: lecture 002, "How to Train a Neural Network?"; lectures 000 and 003, "Gradient Descent".
    """

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr, weight_decay)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta = group["lr"]
        w -= eta * g


class Momentum(UpdateRule):
    """A rolling ball: v <- gamma v + dE/dw; w <- w - eta v. Equivalent to `torch.optim.SGD` with momentum.

    Here eta multiplies the whole velocity, so a new rate acts on past gradients too. See `SlideMomentum`.

    Args:
        lr: eta, the learning rate, at least 0.
        momentum: gamma in [0, 1), the fraction of the velocity that a step keeps.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        _check_decay("momentum", momentum)
        super().__init__(params, lr, weight_decay, momentum=momentum)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta, gamma = group["lr"], group["momentum"]
        v = state.get("v", torch.zeros_like(w))

        v = gamma * v + g
        w -= eta * v

        state["v"] = v


class SlideMomentum(UpdateRule):
    """Momentum as on the slide: v <- gamma v + eta dE/dw; w <- w - v. torch does not have it.

    Here every gradient keeps the rate of its own step. At a constant rate this v is eta times the v of
    `Momentum`, and both take the same path. They differ only when the rate changes from eta to eta': then
    `Momentum` applies eta' to its whole velocity at once, while here the old velocity still contains eta and
    decays only by gamma per step. Multiply this v by eta'/eta at the change, and the paths are equal again.

    Args:
        lr: eta, the learning rate, at least 0.
        momentum: gamma in [0, 1), the fraction of the velocity that a step keeps.

    Source: lecture 002, "Ways to Use Weight Derivatives" ("Add momentum").
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        _check_decay("momentum", momentum)
        super().__init__(params, lr, weight_decay, momentum=momentum)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta, gamma = group["lr"], group["momentum"]
        v = state.get("v", torch.zeros_like(w))

        v = gamma * v + eta * g
        w -= v

        state["v"] = v


class Adagrad(UpdateRule):
    """Give each weight its own rate, which falls as its squared gradients add up.

    Equivalent to `torch.optim.Adagrad`.

    Args:
        lr: eta, the rate before division, at least 0.
        eps: keeps the division finite.

    Source: lecture 002, "Learning Rates" ("giving different parameters different learning
    rates"); Duchi et al. (2011).
    """

    def __init__(self, params: Any, lr: float = 1e-2, weight_decay: float = 0.0, eps: float = 1e-10) -> None:
        _check_eps(eps)
        super().__init__(params, lr, weight_decay, eps=eps)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta, eps = group["lr"], group["eps"]
        G = state.get("G", torch.zeros_like(w))  # sum of all squared gradients

        G = G + g**2
        w -= eta * g / (G.sqrt() + eps)

        state["G"] = G


class RMSProp(UpdateRule):
    """Adagrad with a running average of squared gradients, not their sum.

    Equivalent to `torch.optim.RMSprop`.

    Args:
        lr: eta, the rate before division, at least 0.
        alpha: fraction of the average that a step keeps, in [0, 1).
        eps: keeps the division finite.

    Source: lecture 002, "RMSProp (Advanced Adagrad) + Momentum"; Tieleman and Hinton (2012).
    """

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        _check_decay("alpha", alpha)
        _check_eps(eps)
        super().__init__(params, lr, weight_decay, alpha=alpha, eps=eps)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta, alpha, eps = group["lr"], group["alpha"], group["eps"]
        v = state.get("v", torch.zeros_like(w))  # running average of squared gradients

        v = alpha * v + (1 - alpha) * g**2
        w -= eta * g / (v.sqrt() + eps)

        state["v"] = v


class Adadelta(UpdateRule):
    """RMSProp whose rate is the size of its past steps, so there is none to choose.

    Equivalent to `torch.optim.Adadelta`.

    Args:
        lr: factor on the finished step, at least 0; the paper has none, i.e. 1.
        rho: fraction of both averages that a step keeps, in [0, 1).
        eps: makes the first step larger than 0, and keeps the division finite.

    Source: lectures 000, 002 and 003, "Adaptive Learning Rate"; Zeiler (2012), Algorithm 1.
    """

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0
    ) -> None:
        _check_decay("rho", rho)
        _check_eps(eps)
        super().__init__(params, lr, weight_decay, rho=rho, eps=eps)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        eta, rho, eps = group["lr"], group["rho"], group["eps"]
        mean_g2 = state.get("mean_g2", torch.zeros_like(w))  # E[g^2]
        mean_dw2 = state.get("mean_dw2", torch.zeros_like(w))  # E[dw^2]

        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        dw = -(mean_dw2 + eps).sqrt() / (mean_g2 + eps).sqrt() * g
        mean_dw2 = rho * mean_dw2 + (1 - rho) * dw**2
        w += eta * dw

        state["mean_g2"], state["mean_dw2"] = mean_g2, mean_dw2


class Adam(UpdateRule):
    """Momentum and RMSProp together, both corrected for starting at zero. Equivalent to `torch.optim.Adam`.

    Args:
        lr: alpha, the step size, at least 0.
        betas: beta_1 and beta_2 in [0, 1), the fractions of the two averages that a step keeps.
        eps: keeps the division finite.

    Source: lecture 002, "Algorithm 1: Adam", whose lines and order these are; Kingma and Ba (2015).
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for beta in betas:
            _check_decay("betas", beta)
        _check_eps(eps)
        super().__init__(params, lr, weight_decay, betas=tuple(betas), eps=eps)

    def update(self, w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        alpha, (beta_1, beta_2), eps = group["lr"], group["betas"], group["eps"]
        m = state.get("m", torch.zeros_like(w))  # 1st moment vector
        v = state.get("v", torch.zeros_like(w))  # 2nd moment vector
        t = state.get("t", 0)  # timestep

        t = t + 1
        m = beta_1 * m + (1 - beta_1) * g  # update biased first moment estimate
        v = beta_2 * v + (1 - beta_2) * g**2  # update biased second raw moment estimate
        m_hat = m / (1 - beta_1**t)  # compute bias-corrected first moment estimate
        v_hat = v / (1 - beta_2**t)  # compute bias-corrected second raw moment estimate
        w -= alpha * m_hat / (v_hat.sqrt() + eps)  # update parameters

        state["m"], state["v"], state["t"] = m, v, t


def _check_decay(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(
            f"{name}={value} is not in [0, 1), the fraction of the past that a step keeps: use e.g. 0.9"
        )


def _check_eps(eps: float) -> None:
    if eps < 0:
        raise ValueError(f"eps={eps} is negative: use a small positive number, e.g. 1e-8")
