"""What a classifier gets wrong on the validation split: the classes it confuses, and its worst mistakes."""

from dataclasses import dataclass

import torch
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from torch import Tensor

from intro_dl.tasks import Classifier
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import image_pixels, mosaic, new_figure, shorten


@dataclass(kw_only=True, eq=False)
class Mistakes(Visualizer):
    """Show the mistakes on the validation split: a confusion matrix, and wrongly classified images."""

    images: int = 24  # at most

    def draw(self, model, data, writer):
        if not isinstance(model, Classifier):
            return
        (inputs, labels), classes = data.splits["val"], list(data.class_names)
        if labels.ndim != 1:  # not one for each example: e.g. the nodes of a graph
            return
        outputs = outputs_of(model, data, inputs)
        predicted, probabilities = model.predict(outputs), model.probabilities(outputs)
        counts = confusion_matrix(labels, predicted, len(classes))
        title = f"validation, {writer.moment}"
        correct = f"{title}: {int(counts.diagonal().sum()):,} of {len(labels):,} correct"
        writer.figure("mistakes/confusion_matrix", draw_confusion_matrix(counts, classes, correct))
        if data.kind != "images":
            return
        worst, wrong = worst_mistakes(labels, predicted, probabilities, self.images)
        confident = model.gives_probabilities  # other scores still rank the mistakes
        which = f"the {'most confident' if confident else 'worst'} of {wrong:,} mistakes"
        figure = draw_mistakes(
            inputs[worst],
            labels[worst],
            predicted[worst],
            probabilities[worst] if confident else None,
            classes,
            f"{title}: {which if wrong else 'no mistakes'} on {len(labels):,} images",
        )
        writer.figure("mistakes/worst", figure)


def confusion_matrix(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Return how many examples of class i (row) are predicted as j (column), (K, K); arguments (N,)."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).view(classes, classes)


def draw_confusion_matrix(counts: Tensor, classes: list[str], title: str) -> Figure:
    """Draw counts (K, K), true class by predicted class, on the color of their fraction of the true class.

    The color scale is a square root, so that a few mistakes are visible. More than 20 classes have no
    numbers, and more than 40 no names.
    """
    number = len(classes)
    fractions = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    side = min(max(0.45 * number + 2.2, 4), 12)
    figure = new_figure(side + 0.8, side)
    axes = figure.add_subplot()
    picture = axes.imshow(fractions.numpy(), cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
    figure.colorbar(picture, label="fraction of the true class", shrink=0.8)
    for true, predicted in counts.nonzero().tolist() if number <= 20 else []:
        color = "white" if fractions[true, predicted] > 0.3 else "black"
        style = {"ha": "center", "va": "center", "color": color, "fontsize": "small"}
        axes.text(predicted, true, f"{counts[true, predicted]}", **style)
    if number <= 40:
        names = [shorten(name) for name in classes]
        long = max(map(len, names)) > 2
        axes.set_xticks(range(number), names, rotation=90 if long else 0, fontsize="small")
        axes.set_yticks(range(number), names, fontsize="small")
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(title, loc="left", fontsize="medium")
    return figure


def worst_mistakes(
    labels: Tensor, predicted: Tensor, probabilities: Tensor, count: int
) -> tuple[Tensor, int]:
    """Return the indices of at most `count` mistakes, most confident first, and the number of all mistakes.

    Args:
        labels, predicted: true and predicted classes (N,).
        probabilities: of each class (N, K).
    """
    wrong = (predicted != labels).nonzero().squeeze(1)
    confidence = probabilities[wrong, predicted[wrong]]
    return wrong[confidence.argsort(descending=True, stable=True)][:count], len(wrong)


def draw_mistakes(
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    probabilities: Tensor | None,
    classes: list[str],
    title: str,
) -> Figure:
    """Draw uint8 images (N, C, H, W), each below its true and its predicted class with the probability.

    Args:
        labels, predicted: true and predicted classes (N,).
        probabilities: of each class (N, K); None writes no percentages.
    """
    names = []
    for number, (true, answer) in enumerate(zip(labels.tolist(), predicted.tolist(), strict=True)):
        confidence = "" if probabilities is None else f" ({float(probabilities[number, answer]):.0%})"
        names.append(f"true: {shorten(classes[true])}\nmodel: {shorten(classes[answer])}{confidence}")
    return mosaic([image_pixels(image) for image in images], names, title, side=1.1)
