"""What the scripts of the figures share: the canvas, labels, and how a property is checked."""

from intro_dl.figures.engine.plots import label_ends, points, regions
from intro_dl.figures.engine.properties import measured, shows
from intro_dl.figures.engine.style import animate, canvas, ink

__all__ = ["animate", "canvas", "ink", "label_ends", "measured", "points", "regions", "shows"]
