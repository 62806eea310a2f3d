"""Printed letters with their official names: pictures that people have captioned, without a download."""

import random
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from intro_dl.data.scenes import CaptionData

ALPHABETS = ("LATIN", "GREEK", "CYRILLIC")
FONTS = [f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")]
FONTS += [f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")]
SIDE, SIZE, BASELINE = 32, 20, 24  # pixels of a picture, of the font, and from the top to the baseline


@dataclass(kw_only=True, eq=False)
class Glyphs(CaptionData):
    """The 1,644 Latin, Greek and Cyrillic letters of eight fonts, captioned with their names in Unicode.

    For example "latin small letter e with circumflex and hook above"; black on white, 32x32 pixels. No letter
    is in two splits (80 % / 10 % / 10 %), so a model has to read new letters from their parts. That cannot
    always be right: some letters of different names look the same, and some test names have a word that no
    training name has. The pixels depend slightly on the version of FreeType.

    Source: the DejaVu fonts that matplotlib ships (Bitstream Vera license), Python's `unicodedata`.
    """

    in_shape = (1, SIDE, SIDE)

    def pictures(self) -> dict[str, tuple[Tensor, list[str]]]:
        folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
        files = [folder / f"{font}.ttf" for font in FONTS]
        has = [set(map(chr, FT2Font(str(file)).get_charmap())) for file in files]
        letters = sorted(letter for letter in set().union(*has) if is_letter(letter))
        random.Random(self.split_seed).shuffle(letters)
        tenth = len(letters) // 10
        parts = {"train": letters[2 * tenth :], "val": letters[tenth : 2 * tenth], "test": letters[:tenth]}
        fonts = [ImageFont.truetype(file, SIZE, layout_engine=ImageFont.Layout.BASIC) for file in files]
        found = {}
        for split, part in parts.items():
            shown = [(letter, n) for letter in part for n, known in enumerate(has) if letter in known]
            pixels = np.stack([draw(letter, fonts[n]) for letter, n in shown])
            found[split] = torch.from_numpy(pixels)[:, None], [name(letter) for letter, _ in shown]
        return found


def is_letter(character: str) -> bool:
    """Return whether a character is a letter of one of the three alphabets."""
    return character.isalpha() and unicodedata.name(character, "").startswith(ALPHABETS)


def name(letter: str) -> str:
    """Return the name of a letter in small letters, e.g. "greek small letter alpha"."""
    return unicodedata.name(letter).lower()


def draw(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Return a letter as uint8 pixels (32, 32), on the same line in each picture and centered on it."""
    image = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(image).text((SIDE / 2, BASELINE), letter, fill=0, font=font, anchor="ms")
    return np.array(image)
