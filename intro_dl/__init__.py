"""Five introductory deep-learning lectures, executable. Importing this module does not import torch."""

__version__ = "0.1.0"
