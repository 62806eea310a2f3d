"""The perceptron of 1958: one linear map, and a rule that corrects it after each mistake."""

import math

from torch import Tensor, nn

from intro_dl.tasks import Classifier


class Rosenblatt(Classifier):
    """The learning rule of Rosenblatt (1958); the loss is the winner's score minus the right class's score.

    A gradient step is the rule: add x to the row of the right class, subtract it from the row of the winner,
    and do nothing when they are the same. The original has one example per batch; a larger batch uses the
    mean update. The weights start at zero, so the learning rate only scales them and does not change
    decisions. If a plane separates the classes, the updates end (Novikoff 1962); otherwise they never end.

    Args:
        in_shape: shape of one input, e.g. (2,) or (1, 28, 28); flattened to N numbers.
        num_classes: number of scores K. With 2, the rows differ by the one weight vector of the original.
    """

    gives_probabilities = False  # the rule uses only which score is the highest, not by how much

    def __init__(self, in_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.scores = nn.Linear(math.prod(in_shape), num_classes)  # N * K weights, K biases
        nn.init.zeros_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return scores (B, K) of inputs (B, *in_shape)."""
        return self.scores(inputs.flatten(1))  # (B, N) -> (B, K)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        right = scores.gather(1, labels[:, None])  # (B, 1)
        # Not amax: among equal scores the gradient has to go to the class that `predict` names.
        winner = scores.gather(1, self.predict(scores)[:, None])  # (B, 1)
        return (winner - right).mean()

    def notes(self) -> list[str]:
        mistakes = [1 - epoch["accuracy/train"] for epoch in self.history]
        if len(mistakes) < 5 or min(mistakes) == 0:  # too early to tell; or an epoch without an update
            return []
        return [
            f"The updates never stopped: each of the {len(mistakes)} epochs made mistakes, the last one on "
            f"{mistakes[-1]:.0%} of the training examples. So the data are probably not linearly "
            "separable: no straight boundary is right for all. model=mlp has curved boundaries."
        ]
