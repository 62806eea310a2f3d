"""What a classifier gets wrong on the validation split: the classes it confuses, and its worst mistakes."""

from dataclasses import dataclass

import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from torch import Tensor

from intro_dl.tasks import Classifier
from intro_dl.visualize.callback import Visualizer, outputs_of
from intro_dl.visualize.style import draw_scale, font, image_pixels, mosaic, shorten, write_upwards


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


def draw_confusion_matrix(counts: Tensor, classes: list[str], title: str) -> Image.Image:
    """Draw counts (K, K), true class by predicted class, on the color of their fraction of the true class.

    The color scale is a square root, so that a few mistakes are visible. More than 20 classes have no
    numbers, and more than 40 no names.
    """
    number, small = len(classes), font(8.33)
    fractions = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    cell = max(min(60, 900 // number), 270 // number, 1)
    side = number * cell
    names = [shorten(name) for name in classes] if number <= 40 else []
    longest = round(max((small.getlength(name) for name in names), default=0))
    left, top, below = longest + 45, 40, longest if longest > 20 else 16
    width = max(left + side + 115, round(font(10).getlength(title)) + 20)
    page = Image.new("RGB", (width, top + side + below + 45), "white")
    draw = ImageDraw.Draw(page)
    draw.text((10, top / 2), title, "black", font(10), anchor="lm")

    colors = colormaps["Blues"](fractions.sqrt().numpy(), bytes=True)[..., :3]
    page.paste(Image.fromarray(colors).resize((side, side), Image.Resampling.NEAREST), (left, top))
    draw.rectangle((left - 1, top - 1, left + side, top + side), outline="black")
    for true, predicted in counts.nonzero().tolist() if number <= 20 else []:
        color = "white" if fractions[true, predicted] > 0.3 else "black"
        place = left + (predicted + 0.5) * cell, top + (true + 0.5) * cell
        draw.text(place, f"{counts[true, predicted]}", color, small, anchor="mm")
    for place, name in enumerate(names):
        middle = (place + 0.5) * cell
        draw.text((left - 8, top + middle), name, "black", small, anchor="rm")
        if longest > 20:
            write_upwards(page, name, left + middle, top + side + 8, 8.33, "r")
        else:
            draw.text((left + middle, top + side + 6), name, "black", small, anchor="ma")
    write_upwards(page, "true class", 18, top + side / 2, 10, "m")
    draw.text((left + side / 2, top + side + below + 25), "predicted class", "black", font(10), anchor="mm")

    marks = {f"{fraction:.1f}": fraction**0.5 for fraction in (0, 0.2, 0.4, 0.6, 0.8, 1)}
    draw_scale(page, "Blues", marks, left + side + 25, top + side // 10, round(0.8 * side))
    write_upwards(page, "fraction of the true class", left + side + 90, top + side / 2, 10, "m")
    return page


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
) -> Image.Image:
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
