"""What a classifier gets wrong on the validation split: which classes it confuses, and its worst mistakes."""

import torch
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.tasks import Classifier
from intro_dl.visualize.callback import Look, class_names, is_image, outputs_on
from intro_dl.visualize.style import image_pixels, mosaic, new_figure, short


class Mistakes(Look):
    """Mistakes on the validation split: which classes are confused, and the images it is wrong about.

    Args:
        images: at most so many images.
        every_n_epochs: as in `Look`.
    """

    def __init__(self, images: int = 24, every_n_epochs: int | None = None) -> None:
        super().__init__(every_n_epochs)
        self.images = images

    def look(self, model, data, board):
        if not isinstance(model, Classifier):
            return
        (inputs, labels), classes = data.splits["val"], class_names(data)
        outputs = outputs_on(model, data, inputs)
        predicted = model.predict(outputs)
        counts = confusion_matrix(labels, predicted, len(classes))
        right = int(counts.diagonal().sum())
        title = f"validation, {board.moment}: {right:,} of {len(labels):,} right"
        board.figure("mistakes/confusion_matrix", draw_confusion_matrix(counts, classes, title))
        if not is_image(data):
            return
        probabilities = model.probabilities(outputs)
        worst, wrong = worst_mistakes(labels, predicted, probabilities, self.images)
        sure = model.gives_probabilities  # scores that are none still say which mistakes are the grossest
        count = f"the {'surest' if sure else 'grossest'} of {wrong:,} mistakes" if wrong else "no mistake"
        figure = draw_mistakes(
            inputs[worst],
            labels[worst],
            predicted[worst],
            probabilities[worst] if sure else None,
            classes,
            f"validation, {board.moment}: {count} on {len(labels):,} images",
        )
        board.figure("mistakes/worst", figure)


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
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    probabilities: Tensor | None,
    classes: list[str],
    title: str,
) -> Figure:
    """Images (N, C, H, W) of uint8, each below what it is and what it was taken for, and how surely.

    Args:
        labels, predicted: true and predicted classes (N,).
        probabilities: of each class (N, K); None writes no percentages.
    """
    names = []
    for number, (true, taken) in enumerate(zip(labels.tolist(), predicted.tolist(), strict=True)):
        sure = "" if probabilities is None else f", {float(probabilities[number, taken]):.0%}"
        names.append(f"is {short(classes[true])}\n→ {short(classes[taken])}{sure}")
    side = 1.1 if max(map(len, classes)) < 8 else 1.7
    return mosaic([image_pixels(image) for image in images], names, title, columns=6, side=side)
