"""Write docs/notebooks/*.ipynb from the scripts beside them: one cell for each `# %%`, without outputs.

    python docs/make_notebooks.py

Needs jupytext: pip install -e ".[docs]". A test checks that the committed notebooks are up to date.
"""

import tomllib
from pathlib import Path
from typing import Any

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "docs" / "notebooks"
INSTALL = """\
# Only Google Colab needs this cell: it installs the package there.{hint}
import sys

if "google.colab" in sys.modules:
    %pip install --quiet {package}"""


def for_colab(script: str, project: dict[str, Any]) -> tuple[str, str]:
    """Return the badge that opens a notebook in Colab, as Markdown, and the code that installs the package.

    Both name the release, never a branch. As long as pyproject.toml has no Repository under [project.urls],
    there is no badge, and Colab installs a wheel that the reader uploads.
    """
    tag, repository = f"v{project['version']}", project.get("urls", {}).get("Repository")
    if repository is None:
        wheel = f"intro_dl-{project['version']}-py3-none-any.whl"
        return "", INSTALL.format(hint=f"\n# Before, upload {wheel}.", package=wheel)
    page = repository.replace("https://github.com", "https://colab.research.google.com/github")
    badge = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    badge += f"({page}/blob/{tag}/docs/notebooks/{script}.ipynb)"
    return badge, INSTALL.format(hint="", package=f"git+{repository}@{tag}")


def notebook(script: Path, project: dict[str, Any]) -> str:
    """Return the notebook of a script as JSON."""
    made = jupytext.read(script, fmt="py:percent")
    badge, install = for_colab(script.stem, project)
    if badge:
        made.cells[0].source += f"\n\n{badge}"
    made.cells.insert(1, nbformat.v4.new_code_cell(install))
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"  # nbformat's own ids are random
        cell.metadata = {}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def main() -> None:
    """Write all notebooks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for script in sorted(NOTEBOOKS.glob("lecture_*.py")):
        file = script.with_suffix(".ipynb")
        file.write_text(notebook(script, project), encoding="utf-8", newline="\n")
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
