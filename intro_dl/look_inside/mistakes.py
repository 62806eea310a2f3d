"""What a classifier gets wrong on the validation split: which classes it confuses, and its worst mistakes."""

import torch
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.look_inside.drawing import grid, new_figure, short, show_image
from intro_dl.look_inside.look import Look, class_names, is_image, outputs_on
from intro_dl.tasks import Classifier


class ConfusionMatrix(Look):
    """How often each class is taken for each other one, on the validation split."""

    def look(self, model, data, board):
        if not isinstance(model, Classifier):
            return
        inputs, labels = data.splits["val"]
        predicted = model.predict(outputs_on(model, data, inputs))
        counts = confusion_matrix(labels, predicted, data.dims["num_classes"])
        right = int(counts.diagonal().sum())
        title = f"validation, {board.moment}: {right:,} of {len(labels):,} right"
        board.figure("mistakes/confusion_matrix", draw_confusion_matrix(counts, class_names(data), title))


def confusion_matrix(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How many examples of class i (row) are called j (column), (K, K); both arguments are (N,)."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).view(classes, classes)


def draw_confusion_matrix(counts: Tensor, classes: list[str], title: str) -> Figure:
    """Counts (K, K) as numbers, colored by their share of the true class; roots, so that a few mistakes show.

    More than 20 classes have no numbers, and more than 40 no names.
    """
    number = len(classes)
    shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    side = min(max(0.45 * number + 2.2, 4), 12)
    figure = new_figure(side + 0.8, side)
    axes = figure.add_subplot()
    picture = axes.imshow(shares.numpy(), cmap="cividis", norm=PowerNorm(0.5, vmin=0, vmax=1))
    figure.colorbar(picture, label="share of the true class", shrink=0.8)
    for true, row in enumerate(counts.tolist() if number <= 20 else []):
        for predicted, count in enumerate(row):
            color = "black" if shares[true, predicted] > 0.3 else "white"
            if count:
                axes.text(
                    predicted, true, f"{count}", ha="center", va="center", color=color, fontsize="small"
                )
    if number <= 40:
        names = [short(name) for name in classes]
        long = max(map(len, names)) > 2
        axes.set_xticks(range(number), names, rotation=90 if long else 0, fontsize="small")
        axes.set_yticks(range(number), names, fontsize="small")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title, loc="left", fontsize="medium")
    return figure


class WorstMistakes(Look):
    """The validation images that the model is wrong about and most sure of.

    Args:
        count: at most so many images.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, count: int = 24, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.count = count

    def look(self, model, data, board):
        if not isinstance(model, Classifier) or not is_image(data):
            return
        images, labels = data.splits["val"]
        outputs = outputs_on(model, data, images)
        predicted, probabilities = model.predict(outputs), model.probabilities(outputs)
        worst, wrong = worst_mistakes(labels, predicted, probabilities, self.count)
        figure = draw_mistakes(
            images[worst],
            labels[worst],
            predicted[worst],
            probabilities[worst],
            class_names(data),
            f"validation, {board.moment}: the surest of {wrong:,} mistakes on {len(labels):,} images",
        )
        board.figure("mistakes/worst", figure)


def worst_mistakes(
    labels: Tensor, predicted: Tensor, probabilities: Tensor, count: int
) -> tuple[Tensor, int]:
    """Where the model is wrong, the surest first: at most `count` indices, and how many mistakes there are.

    Args:
        labels, predicted: true and predicted classes (N,).
        probabilities: of each class (N, K).
    """
    wrong = (predicted != labels).nonzero().squeeze(1)
    sureness = probabilities[wrong, predicted[wrong]]
    return wrong[sureness.argsort(descending=True, stable=True)][:count], len(wrong)


def draw_mistakes(
    images: Tensor, labels: Tensor, predicted: Tensor, probabilities: Tensor, classes: list[str], title: str
) -> Figure:
    """Images (N, C, H, W) of uint8, each below what it is and what it was taken for."""
    figure, axes = grid(len(images), 6, 1.1, title, text_height=0.42)
    for number, each in enumerate(axes):
        show_image(each, images[number])
        true, taken = int(labels[number]), int(predicted[number])
        sure = float(probabilities[number, taken])
        text = f"is {short(classes[true])}\n→ {short(classes[taken])}, {sure:.0%}"
        each.set_title(text, fontsize="small", pad=2)
    return figure
