"""The gallery of figures: what sphinx-gallery needs to run the scripts in intro_dl/figures."""

import re
import textwrap
from pathlib import Path

from intro_dl.figures.catalog import Script, all_scripts
from intro_dl.lectures import LECTURES

STILL_DPI, FILM_DPI = 120, 72  # the figures are 10 inches wide


def name_of_image(script: Script) -> str:
    """Return the path of a figure in the gallery, below docs/; a film is a GIF."""
    suffix = "gif" if script.moves else "png"
    return f"figures/{script.path.parent.name}/images/sphx_glr_{script.path.stem}_001.{suffix}"


def write_scripts(folder: Path) -> None:
    """Write the scripts as sphinx-gallery reads them: a title that is underlined, and text cells in RST."""
    sections = {name: f"Lecture {name}: {title}" for name, title in LECTURES.items()}
    write(folder / "GALLERY_HEADER.rst", heading("Figures") + GALLERY)
    for script in all_scripts().values():
        lecture = script.path.parent.name
        header = sections[lecture.removeprefix("lecture_")]
        write(folder / lecture / "GALLERY_HEADER.rst", heading(header, "-"))
        write(folder / lecture / script.path.name, as_example(script))


GALLERY = """
Each figure of the slides is one script. It trains, draws, and checks the property that makes the picture
honest. At the end of its page, the script is a notebook and a Python file.
``intro-dl figures id=G5`` draws one figure as PNG, SVG, PDF or GIF.

"""


def as_example(script: Script) -> str:
    """Return the script with its head and its cells in the form of sphinx-gallery; the code is the same."""
    _, docstring, code = script.path.read_text(encoding="utf-8").split('"""', 2)
    title, text = docstring.split("\n\n", 1)
    head = heading(" ".join(title.split()).removesuffix(".")) + "\n" + rst(text.strip())
    if script.claims:
        head += f"\n\n``intro-dl lectures id={','.join(script.claims)}`` computes the claims."
    code = re.sub(r"^# %% *((?:.*\n)(?:#.*\n)*)", _text_cell, code, flags=re.MULTILINE)
    return f'"""\n{head}\n"""{code}'


def _text_cell(match: re.Match) -> str:
    text = " ".join(line.removeprefix("#").strip() for line in match[1].splitlines())
    return "# %%\n" + textwrap.indent(textwrap.fill(rst(text), 100), "# ") + "\n\n"


def rst(text: str) -> str:
    """Escape what RST would read as markup; `code` becomes ``code``."""
    parts = text.split("`")
    for index in range(len(parts)):
        parts[index] = (
            f"``{parts[index]}``" if index % 2 else re.sub(r"[*|\\]|_(?!\w)", r"\\\g<0>", parts[index])
        )
    return "".join(parts)


def heading(title: str, line: str = "=") -> str:
    """Return an underlined title."""
    return f"{title}\n{line * len(title)}\n"


def write(path: Path, text: str) -> None:
    """Write a file if its text is new: Sphinx reads again what has another date."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def reset(conf: dict, file: str) -> None:
    """Start each script as `intro-dl figures` does: seed 0, no open figure, and properties that must hold."""
    import matplotlib.pyplot as plt
    import torch

    from intro_dl.figures.engine import properties

    plt.close("all")
    plt.rcdefaults()
    torch.manual_seed(0)
    properties.SHOWN.lines.clear()
    properties.SHOWN.strict = True


def _save_film(figure, frame, film, path: Path) -> None:
    """Save a film as GIF. Its own `save` draws each frame three times, which takes minutes."""
    from PIL import Image

    figure.set_dpi(FILM_DPI)
    figure.canvas.draw()
    figure.set_layout_engine("none")  # all frames have the layout of the last
    pictures = []
    for k in film.new_frame_seq():
        frame(k)
        figure.canvas.draw()
        pictures.append(
            Image.frombytes("RGBA", figure.canvas.get_width_height(), figure.canvas.buffer_rgba())
        )
    pictures = [picture.convert("RGB").quantize(64) for picture in pictures]
    pace = round(film.event_source.interval)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=pace, loop=0)


def save(block: tuple, variables: dict, conf: dict) -> str:
    """Save the picture after the cell that ends with plt.show(), and the film if there is one. Return RST."""
    import matplotlib.pyplot as plt

    if "plt.show()" not in block[1]:
        return ""
    figure, names = plt.gcf(), variables["example_globals"]
    still = Path(next(variables["image_path_iterator"]))
    figure.savefig(still, dpi=STILL_DPI)
    if "film" in names:
        _save_film(figure, names["frame"], names["film"], still.with_suffix(".gif"))
    plt.close("all")
    script = next(each for each in all_scripts().values() if each.path.stem in still.stem)
    pages = ", ".join(f":doc:`/lectures/lecture_{name}`" for name in script.lectures)
    image = f".. image:: /{name_of_image(script)}\n   :alt: {script.title}\n   :class: figure"
    return f"\n{image}\n\nLecture pages: {pages}\n"
