"""Train a network on handwritten digits with the code of this directory: no autograd, no nn, no optim.

    python -m intro_dl.scratch.train_by_hand

torch adds and multiplies; the derivatives are those of `autodiff.py`, the loss and its gradient those of
`losses.py`, and the update is one line. Compare with `python scripts/train.py model=mlp optim=sgd`.

Source: lecture 000, "Gradient Descent"; lecture 004, "(Mini-Batch) Stochastic Gradient Descent".
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from intro_dl.scratch.autodiff import Node
from intro_dl.scratch.losses import cross_entropy, cross_entropy_gradient


def digits(test_size: int = 360) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Load the 1 797 digits of scikit-learn, 8x8 pixels in [0, 1], in a fixed random order, and split them.

    Returns:
        Train images (1797 - test_size, 64), train labels, test images (test_size, 64), test labels.
    """
    images, labels = map(torch.from_numpy, load_digits(return_X_y=True))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, labels = images[order] / 16, labels[order]
    return images[test_size:], labels[test_size:], images[:test_size], labels[:test_size]


def initialize(hidden: int, seed: int) -> list[Node]:
    """Return W1, b1, W2, b2: weights drawn from N(0, 2 / inputs) (He et al., 2015), biases zero."""
    generator = torch.Generator().manual_seed(seed)
    W1 = (2 / 64) ** 0.5 * torch.randn(64, hidden, dtype=torch.float64, generator=generator)
    W2 = (2 / hidden) ** 0.5 * torch.randn(hidden, 10, dtype=torch.float64, generator=generator)
    b1, b2 = torch.zeros(hidden, dtype=torch.float64), torch.zeros(10, dtype=torch.float64)
    values = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return [Node(value, name, "parameter") for name, value in values.items()]


def mlp(images: Tensor, W1: Node, b1: Node, W2: Node, b2: Node) -> Node:
    """Return logits (B, 10) of images (B, 64)."""
    h = (images @ W1 + b1).relu()  # (B, hidden)
    return h @ W2 + b2


def train(epochs: int = 20, lr: float = 0.2, batch_size: int = 32, hidden: int = 64, seed: int = 0) -> float:
    """Train with mini-batch gradient descent on the digits.

    Returns:
        The accuracy on the test digits, in [0, 1].
    """
    train_images, train_labels, test_images, test_labels = digits()
    parameters = initialize(hidden, seed)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(1, epochs + 1):
        losses = []
        for batch in torch.randperm(len(train_images), generator=generator).split(batch_size):
            logits = mlp(train_images[batch], *parameters)
            losses.append(cross_entropy(logits.value, train_labels[batch]))
            logits.backward(cross_entropy_gradient(logits.value, train_labels[batch]))
            for theta in parameters:
                theta.value = theta.value - lr * theta.gradient
        predictions = mlp(test_images, *parameters).value.argmax(dim=1)
        accuracy = (predictions == test_labels).double().mean().item()
        print(f"epoch {epoch:2}  loss/train {torch.stack(losses).mean():.4f}  accuracy/test {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    train()
