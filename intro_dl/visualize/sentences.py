"""Written sentences: captions below their pictures, and where a translator with attention looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from intro_dl.data.sentences import decode
from intro_dl.tasks import Writer
from intro_dl.visualize.callback import Visualizer, network_inputs
from intro_dl.visualize.recorder import record_outputs
from intro_dl.visualize.style import SEQUENTIAL, image_pixels, mosaic, new_figure

SHOWN = 6  # attention matrices in a picture


@dataclass(kw_only=True, eq=False)
class WrittenSentences(Visualizer):
    """Show what the model writes about the first validation inputs, and where its attention is."""

    count: int = 16  # captions or translations

    def draw(self, model, data, writer):
        if not isinstance(model, Writer) or data.kind != "captions":
            return
        inputs, sentences = (part[: self.count] for part in data.splits["val"])
        read = network_inputs(model, data, inputs)
        written, true = (
            decode(tokens, data.words) for tokens in (model.write(read, sentences.shape[1]).cpu(), sentences)
        )
        title = f"validation, {writer.moment}"
        if inputs.ndim == 4:
            writer.figure("sentences/captions", draw_captions(inputs, written, true, title))
            return
        phrases = decode(inputs, data.source_words)
        lines = [
            f"{a} -> {b}{'' if b == c else f'   [{c}]'}"
            for a, b, c in zip(phrases, written, true, strict=True)
        ]
        writer.text(
            "sentences/translations",
            "\n".join([f"{title}: phrase -> written   [right, if not the same]", *lines]),
        )
        if weights := attention(model, read[:SHOWN], sentences.shape[1]):
            writer.figure("sentences/attention", draw_attention(weights, phrases, written, title))


def attention(model: Writer, inputs: Tensor, length: int) -> list[Tensor]:
    """Return the attention (T, S) of each word that is written to each word that was read; [] without it.

    Args:
        model: a translator; its module `weights` computes the attention.
        inputs: B phrases (B, S).
        length: words of the longest translation.
    """
    with torch.no_grad(), record_outputs(model) as calls:
        model.write(inputs, length)
    steps = [output for name, output in calls if name == "weights"]  # of (B, 1, S) each
    return list(torch.cat(steps, dim=1).cpu()) if steps else []


def draw_captions(images: Tensor, written: Sequence[str], true: Sequence[str], title: str) -> Image.Image:
    """Draw pictures (N, C, H, W) with the captions that were written; a wrong one also has the right one."""
    names = []
    for found, right in zip(written, true, strict=True):
        names.append(
            fill(found, 24) if found == right else f"WRONG: {fill(found, 24)}\nright: {fill(right, 24)}"
        )
    most = max(name.count("\n") for name in names)
    padded = ["\n" * (most - name.count("\n")) + name for name in names]
    return mosaic([image_pixels(image) for image in images], padded, title)


def draw_attention(
    weights: Sequence[Tensor], phrases: Sequence[str], written: Sequence[str], title: str
) -> Figure:
    """Draw a matrix for each phrase: a row for each word that was written, a column for each read."""
    figure = new_figure(11, 3.4 * -(-len(weights) // 3))
    figure.suptitle(f"attention, {title}", x=0.01, ha="left", fontsize="medium")
    grid = figure.subplots(-(-len(weights) // 3), 3, squeeze=False).flatten()
    for axes in grid[len(weights) :]:
        axes.set_axis_off()
    for axes, matrix, phrase, sentence in zip(grid, weights, phrases, written, strict=False):
        read, rows = phrase.split(), [*sentence.split(), "<stop>"][: len(matrix)]
        axes.imshow(matrix[: len(rows), : len(read)].numpy(), cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(read)), read, rotation=35, ha="right", fontsize="small")
        axes.set_yticks(range(len(rows)), rows, fontsize="small")
        axes.tick_params(length=0)
    return figure
