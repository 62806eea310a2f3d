"""Losses by hand, each with its gradient: the number to minimize, and the start of back-propagation.

Notation of lecture 002: o is an output of the network, t its target, z the number before the last activation;
lectures 000 and 003 write f(x) and y, lecture 004 h(x) and y. Every loss is one number, a tensor of shape ();
every gradient has the shape of the outputs it belongs to. Means are over n elements or B rows, as in torch;
where a slide sums instead, the minimum is the same and the gradient n times as large.
"""

import torch
from torch import Tensor


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return half the squared distance to the target, summed: E = 1/2 sum (o - t)^2.

    Args:
        outputs: o, any shape.
        targets: t, the same shape.

    Source: lecture 002, "How to Train a Neural Network?", "Squared loss"; lecture 004, "Regression: Square
    error loss function".
    """
    check_shapes("outputs", outputs, "targets", targets)
    return ((outputs - targets) ** 2).sum() / 2


def squared_error_gradient(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return dE/do = o - t, the delta^o of lecture 002, "Gradient Descent for Single Layer Network"."""
    check_shapes("outputs", outputs, "targets", targets)
    return outputs - targets


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared distance to the target: J = 1/n sum (y - f(x))^2.

    Args:
        outputs: f(x), any shape with n elements.
        targets: y, the same shape.

    Source: lectures 000 and 003, "Mean Squared Error Loss".
    """
    check_shapes("outputs", outputs, "targets", targets)
    return ((targets - outputs) ** 2).mean()


def mean_squared_error_gradient(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return dJ/df = 2 (f - y) / n: 2/n times that of `squared_error`, so a step has another size."""
    check_shapes("outputs", outputs, "targets", targets)
    return 2 * (outputs - targets) / outputs.numel()


def binary_cross_entropy(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return the surprise of the model at yes/no answers: J = -1/n sum [t log o + (1 - t) log(1 - o)].

    This is the formula as on the slides. If a sigmoid has rounded to o = 0 or 1, it gives inf or nan
    (0 log 0): use `binary_cross_entropy_from_logits` instead.

    Args:
        probabilities: o in [0, 1], any shape with n elements.
        targets: t in [0, 1], the same shape; 0 and 1 for certain answers.

    Raises:
        ValueError: if shapes differ, or a probability or target is outside [0, 1].

    Source: lectures 000 and 003, "Binary Cross Entropy Loss", with the minus sign that these slides lack;
    lecture 002, "Choosing Activation and Loss Functions"; lecture 004, "binary cross entropy loss function!".
    """
    check_shapes("probabilities", probabilities, "targets", targets)
    check_range("probabilities", probabilities)
    check_range("targets", targets)
    o, t = probabilities, targets
    return -(t * o.log() + (1 - t) * (1 - o).log()).mean()


def binary_cross_entropy_gradient(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return dJ/do = (o - t) / (o (1 - o)) / n: lecture 002, "Choosing Activation and Loss Functions"."""
    check_shapes("probabilities", probabilities, "targets", targets)
    check_range("probabilities", probabilities)
    check_range("targets", targets)
    o, t = probabilities, targets
    return (o - t) / (o * (1 - o)) / o.numel()


def binary_cross_entropy_from_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the same loss from logits, for every z: J = 1/n sum [t ln(1 + e^-z) + (1 - t) ln(1 + e^z)].

    e^1000 overflows, so ln(1 + e^z) is computed as max(z, 0) + ln(1 + e^-|z|), which is the same number, and
    ln(1 + e^-z) is ln(1 + e^z) - z.

    Args:
        logits: z, any shape with n elements; o = sigmoid(z).
        targets: t in [0, 1], the same shape.

    Raises:
        ValueError: if shapes differ, or a target is outside [0, 1].

    Source: lecture 004, the last line of "Negative log-likelihood", with z = w^T x.
    """
    check_shapes("logits", logits, "targets", targets)
    check_range("targets", targets)
    z, t = logits, targets
    # max(z, 0) is written (z + |z|) / 2, whose slope at 0 is the right one for autograd too: 1/2.
    return ((z + z.abs()) / 2 + torch.log1p(torch.exp(-z.abs())) - t * z).mean()


def binary_cross_entropy_from_logits_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """Return dJ/dz = (o - t) / n: lecture 002, "We can then compute via the chain rule"."""
    check_shapes("logits", logits, "targets", targets)
    check_range("targets", targets)
    o = 1 / (1 + torch.exp(-logits))
    return (o - targets) / o.numel()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the surprise of the model at the true class: E = -1/B sum_n log o_y, with o = softmax(z).

    The slides' t_k is 1 for the true class y and 0 for all others, so of -sum_k t_k log o_k one term is left:
    log o_y = z_y - log sum_j e^(z_j). Subtracting the largest z changes no o and prevents overflow.

    Args:
        logits: z (B, K).
        labels: y (B,), integers in 0..K-1.

    Raises:
        ValueError: if shapes do not fit, or a label is not an integer in 0..K-1.

    Source: lecture 002, "Multi-class Classification".
    """
    check_labels(logits, labels)
    z = logits - logits.amax(dim=1, keepdim=True)  # (B, K)
    log_o = z - z.exp().sum(dim=1, keepdim=True).log()  # (B, K)
    return -log_o[torch.arange(len(labels)), labels].mean()


def cross_entropy_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """Return dE/dz_k = (o_k - t_k) / B.

    Lecture 002, "Multi-class Classification", has an extra factor o_k (1 - o_k): it uses do_k/dz_k as if it
    were all of do/dz, but every o_k depends on every z_j.
    """
    check_labels(logits, labels)
    e = (logits - logits.amax(dim=1, keepdim=True)).exp()
    o = e / e.sum(dim=1, keepdim=True)  # (B, K)
    t = torch.zeros_like(o)
    t[torch.arange(len(labels)), labels] = 1
    return (o - t) / len(labels)


def perceptron_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return how far the highest score exceeds the true class's: J = 1/B sum_n (max_k z_k - z_y), at least 0.

    Args:
        scores: z (B, K).
        labels: y (B,), integers in 0..K-1.

    Raises:
        ValueError: if shapes do not fit, or a label is not an integer in 0..K-1.

    Source: Rosenblatt (1958), for K classes. The "perceptron" of lectures 000 and 003 is one sigmoid neuron.
    """
    check_labels(scores, labels)
    true = scores[torch.arange(len(labels)), labels]  # (B,)
    return (scores.amax(dim=1) - true).mean()


def perceptron_loss_gradient(scores: Tensor, labels: Tensor) -> Tensor:
    """Return dJ/dz: +1/B for the winner, -1/B for the true class, nothing where they agree.

    If classes tie, the first one wins. So all-zero weights still learn: their winner is class 0.
    """
    check_labels(scores, labels)
    gradient, rows = torch.zeros_like(scores), torch.arange(len(labels))
    gradient[rows, scores.argmax(dim=1)] += 1
    gradient[rows, labels] -= 1
    return gradient / len(labels)


def check_shapes(name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
    """Reject shapes that differ: broadcasting would compare every output with every target."""
    if tensor.shape != other.shape:
        shapes = f"{name} have shape {tuple(tensor.shape)} but {other_name} have shape {tuple(other.shape)}"
        raise ValueError(f"{shapes}: give one target for each output")


def check_range(name: str, values: Tensor) -> None:
    """Reject values outside [0, 1], and nan."""
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        raise ValueError(f"{name} must lie in [0, 1], but one is {values[outside][0].item():g}")


def check_labels(logits: Tensor, labels: Tensor) -> None:
    """Reject labels that do not name one of the K classes for each of the B rows."""
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        shapes = f"logits of shape {tuple(logits.shape)} and labels of shape {tuple(labels.shape)}"
        raise ValueError(f"{shapes} do not fit: give logits (B, K) and labels (B,)")
    if labels.dtype != torch.int64:  # as an index, uint8 and bool would be masks
        raise ValueError(f"labels must be int64, but their dtype is {labels.dtype}: use labels.long()")
    outside = (labels < 0) | (labels >= logits.shape[1])
    if outside.any():
        classes = logits.shape[1]
        raise ValueError(
            f"label {labels[outside][0].item()} is outside 0..{classes - 1} for {classes} classes"
        )
