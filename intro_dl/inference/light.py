"""Separate one drawing from its paper: from shadows, noise, the lines of the paper and other drawings."""

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

INK = 0.2  # a pixel with at least this fraction of the strongest ink belongs to the drawing
EVEN = 0.02  # on even paper, at most this fraction of the border is as far from the rest as ink
MARK = 0.4  # of the strongest ink; the lines of paper and noise are weaker
PART = 0.1  # a mark with this fraction of the ink of the largest is a part of it, or another drawing
SPECK = 0.02  # a mark with less than this fraction of the ink is not the drawing
SKEW = 1.0  # most photographs are of dark ink; a skewness above this means light ink
SMALLEST = 64  # pixels of the shorter side of a photograph
FEW_LEVELS = 32  # of grey: a photograph has more
FAINT = 0.12  # a drawing takes at least this fraction of the light of the paper


def one_drawing(pixels: np.ndarray, steps: list[str]) -> np.ndarray:
    """Return a grey image (H, W) with one drawing on even paper; unchanged if it already is one.

    Args:
        pixels: uint8, a scan or a photograph.
        steps: what was changed is added to this list.
    """
    if min(pixels.shape) < SMALLEST or len(np.unique(pixels)) <= FEW_LEVELS:
        return pixels  # drawn or scanned, e.g. 8x8 pixels whose strokes touch the border
    border = border_of(pixels).astype(np.float32)
    paper = np.median(border)
    contrast = max(np.ptp(pixels), 1)
    even = (np.abs(border - paper) > INK * contrast).mean() <= EVEN
    if even:
        ink = (paper - pixels if paper >= 128 else pixels - paper) / contrast
        kept, count, dark = *_largest(ink), paper >= 128
        if count < 2:
            return pixels
    else:
        ink, dark = _without_light(pixels)
        kept, count = _largest(ink)
        if ink[kept].max(initial=0) < FAINT:
            steps.append("uneven light, and no drawing found")
            return pixels
        steps.append("light evened out")
    if count > 1:
        steps.append(f"{count} drawings, the largest is used")
    around = ndimage.binary_dilation(kept, iterations=max(1, min(pixels.shape) // 150))
    drawing = np.where(around, np.clip(ink / ink[kept].max(), 0, 1), 0)
    drawing = (255 * drawing).round().astype(np.uint8)
    return 255 - drawing if dark else drawing


def border_of(pixels: np.ndarray) -> np.ndarray:
    """Return the pixels along the four sides of a grey image (H, W)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _without_light(pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the fraction of the light that ink takes at each pixel (H, W), and whether the ink is dark.

    The light around a pixel is the photograph after a closing: this removes dark strokes, and keeps the edges
    of shadows, which blurring would not.
    """
    side = min(pixels.shape)
    smooth = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(side / 300))
    values = np.asarray(smooth, dtype=np.float32)
    around = np.asarray(smooth.filter(ImageFilter.BoxBlur(side // 6)), dtype=np.float32)
    # Strokes are rare, and far from what is around them: light ink makes the distribution skewed upwards.
    difference = values - around
    dark = bool((difference**3).mean() < SKEW * (difference**2).mean() ** 1.5)
    values = values if dark else 255 - values
    ink = 1 - values / np.maximum(ndimage.grey_closing(values, size=max(3, side // 4)), 1)
    return np.clip(ink - np.median(ink), 0, None), dark  # noise made the closing brighter than the paper


def _largest(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Return where the largest drawing in ink (H, W) is, and the number of drawings."""
    marks, _ = ndimage.label(ink > MARK * ink.max(), np.ones((3, 3)))
    boxes = ndimage.find_objects(marks)
    sums = ndimage.sum_labels(ink, marks, np.arange(1, len(boxes) + 1))
    inside = sums.copy()
    at_border = np.unique(border_of(marks))
    inside[at_border[at_border > 0] - 1] = 0  # lines, and what lies beside the paper
    if inside.max(initial=0) < SPECK * sums.max(initial=0):
        inside = sums  # a drawing that reaches the border
    if not len(boxes):
        return np.zeros(ink.shape, bool), 0
    largest = int(inside.argmax())
    columns = boxes[largest][1]
    kept, count = [largest + 1], 1
    for number in np.flatnonzero(inside > PART * inside[largest]).tolist():
        if number == largest:
            continue
        start, stop = boxes[number][1].start, boxes[number][1].stop
        if start < columns.stop and columns.start < stop:  # above or below, such as the bar of a 5
            kept.append(number + 1)
        else:
            count += 1
    return np.isin(marks, kept), count
