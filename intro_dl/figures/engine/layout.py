"""Find what is ugly in a figure: text that overlaps, text beyond the canvas, an empty picture."""

from itertools import combinations
from unittest.mock import patch

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

ALLOWED = 2.0  # points by which two texts may overlap, or stand out: the boxes of letters have margins


def faults(figure: Figure) -> list[str]:
    """Return a sentence for each fault of the layout: none for a good figure."""
    canvas, artists = _drawn_texts(figure)
    page = Bbox.from_bounds(0, 0, *canvas.get_width_height())
    texts = [(text.get_text().strip(), text.get_window_extent(canvas.get_renderer())) for text in artists]
    allowed = ALLOWED * figure.dpi / 72
    found = [
        f"{text!r} is beyond the canvas"
        for text, box in texts
        if box.x0 < -allowed or box.y0 < -allowed or box.x1 > page.x1 + allowed or box.y1 > page.y1 + allowed
    ]
    for (text, box), (other, second) in combinations(texts, 2):
        shared = Bbox.intersection(box, second)
        if shared and min(shared.width, shared.height) > allowed:
            found.append(f"{text!r} overlaps {other!r}")
    if np.asarray(canvas.buffer_rgba())[..., :3].std() < 1:
        found.append("the picture is empty")
    return found


def _drawn_texts(figure: Figure) -> tuple[FigureCanvasAgg, list[Text]]:
    """Draw the figure, and return the texts that were drawn: those of ticks beyond it are not."""
    texts: list[Text] = []
    draw = Text.draw

    def record(text: Text, renderer: RendererBase) -> None:
        texts.append(text)
        draw(text, renderer)

    canvas = FigureCanvasAgg(figure)
    with patch.object(Text, "draw", record):
        canvas.draw()
    return canvas, [text for text in texts if text.get_text().strip() and text.get_visible()]
