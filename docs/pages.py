"""The pages that come from the code: lectures, options, commands, API, and the texts at the root.

`conf.py` calls this before and after sphinx-gallery draws the figures. Meanwhile a child process computes the
claims, once for each state of the code.
"""

import hashlib
import json
import os
import posixpath
import re
import subprocess
import sys
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import walk_packages

import yaml
from figure_pages import name_of_image, rst, write
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from intro_dl import configs
from intro_dl.cli import help_text
from intro_dl.cli.commands import COMMANDS
from intro_dl.figures.catalog import figures_of
from intro_dl.lectures import LECTURES

DOCS = Path(__file__).parent
ROOT = DOCS.parent
CLAIMS = DOCS / "_build" / "claims.json"
KEPT = "INTRO_DL_CLAIMS"  # names the file of what pytest has just computed, see tests/lectures/test_claims.py
# The page of the site for a file of the repository, so that a link works both on GitHub and here.
PAGE_OF = {
    "README.md": "index.md",
    "RESULTS.md": "project/results.md",
    "benchmarks/RESULTS.md": "project/benchmarks.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "docs/LECTURES.md": "lectures.md",
    "docs/FIGURES.md": "figures/index.rst",
}
# The rooms that users import; each module in them is documented.
ROOMS = ["models", "tasks", "data", "scratch", "inference", "lectures.engine", "exercises.engine"]
ROOMS += ["config.types", "runs.folder"]

environment = Environment(
    loader=FileSystemLoader(DOCS / "templates"),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_computing: subprocess.Popen | None = None


def before_the_figures(app) -> None:
    """Start to compute the claims, and write the pages that need neither claims nor figures."""
    _start_claims()
    for group, what in help_text.GROUPS.items():
        options = {name: (says, *_yaml(group, name)) for name, says in help_text.describe(group).items()}
        render("options.md", f"reference/options/{group}.md", group=group, what=what, options=options)
    helps = {name: command.help or help_text.text(width=84) for name, command in COMMANDS.items()}
    render("commands.md", "reference/commands.md", commands=COMMANDS, helps=helps)
    for room in ROOMS:
        package = import_module(f"intro_dl.{room}")
        paths = getattr(package, "__path__", None)  # None: a room of one module
        names = (
            [each.name for each in walk_packages(paths, f"{package.__name__}.")]
            if paths
            else [package.__name__]
        )
        modules = {name: import_module(name).__doc__.splitlines()[0] for name in names}
        says = package.__doc__.splitlines()[0]
        render("api.md", f"reference/api/{room}.md", room=room, says=says, modules=modules)
    for source, page in PAGE_OF.items():
        if page.startswith("project/"):
            write(DOCS / page, with_links(ROOT.joinpath(source).read_text(encoding="utf-8"), source, page))


def _yaml(group: str, name: str) -> tuple[str, str | None]:
    """Return the file of an option, and its class if it is one of ours."""
    text = Path(configs.__file__).parent.joinpath(group, f"{name}.yaml").read_text(encoding="utf-8")
    target = (yaml.safe_load(text) or {}).get("_target_", "")
    return text, target if target.startswith("intro_dl.") else None


def render(template: str, page: str, **values) -> None:
    """Write a page of docs/ from a template."""
    write(DOCS / page, environment.get_template(template).render(**values))


def escape_docstring(app, what, name, found, options, lines: list[str]) -> None:
    """Let a docstring, which is plain text, be read as RST."""
    lines[:] = rst("\n".join(lines)).split("\n")


# Claims -----------------------------------------------------------------------------------------------------


def _state() -> str:
    """Return a hash of all that the claims read."""
    files = [
        path for folder in ("intro_dl", "configs", "results") for path in ROOT.joinpath(folder).rglob("*.*")
    ]
    kept = sorted(path for path in files if path.suffix in (".py", ".yaml", ".json", ".csv"))
    digest = hashlib.sha256()
    for path in kept:
        if path.name != "hall.yaml":  # words for the hall, which no claim reads
            digest.update(
                f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode()
            )
    data = Path(os.environ.get("INTRO_DL_DATA", ROOT / "data"))
    for path in sorted(data.rglob("*")) if data.is_dir() else []:
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.hexdigest()


def _start_claims() -> None:
    global _computing
    CLAIMS.parent.mkdir(exist_ok=True)
    stamp = CLAIMS.with_suffix(".state")
    if (kept := os.environ.get(KEPT)) and Path(kept).is_file():
        stamp.unlink(missing_ok=True)
        CLAIMS.write_bytes(Path(kept).read_bytes())
        return
    state = _state()
    if CLAIMS.is_file() and stamp.is_file() and stamp.read_text() == state:
        return
    stamp.unlink(missing_ok=True)
    command = [sys.executable, "scripts/lectures.py", "format=json", f"out={CLAIMS}"]
    _computing = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    _computing.state = state


def _claims() -> list[dict]:
    if _computing:
        _, errors = _computing.communicate()
        if _computing.returncode:
            raise RuntimeError(f"A claim fails; see {CLAIMS}.\n{errors}")
        CLAIMS.with_suffix(".state").write_text(_computing.state)
    return json.loads(CLAIMS.read_text(encoding="utf-8"))["claims"]


def after_the_figures(app) -> None:
    """Write a page for each lecture: claims in slide order, with their steps, figures and exercises."""
    from intro_dl.exercises.engine.exercise import all_exercises
    from intro_dl.lectures.engine.claims import all_claims, in_slide_order
    from intro_dl.lectures.engine.hall import all_steps
    from intro_dl.lectures.engine.page import typeset
    from intro_dl.lectures.engine.quiz import questions

    environment.filters |= {"typeset": lambda text: typeset(" ".join(text.split())), "plain": plain}
    computed = {claim["id"]: claim for claim in _claims()}
    for lecture, title in LECTURES.items():
        shown = [computed[each.id] for each in in_slide_order(all_claims(), lecture)]
        exercises = [each for each in all_exercises().values() if each.lecture == lecture]
        render(
            "lecture.md",
            f"lectures/lecture_{lecture}.md",
            lecture=lecture,
            title=title,
            claims=shown,
            slides=[(slide, list(same)) for slide, same in groupby(shown, lambda claim: claim["slide"])],
            steps=all_steps(),
            figures_of=figures_of,
            image=name_of_image,
            exercises=exercises,
            questions=questions(lecture),
        )


def write_page(app, exception) -> None:
    """Write the page of `intro-dl page` into the finished site, with the models of the package."""
    if exception is None:
        from intro_dl.page.write import shipped, to_page

        page = Path(app.outdir) / "page.html"
        page.write_text(to_page(shipped(), "intro-dl page"), encoding="utf-8", newline="\n")


def plain(text: str) -> str:
    """Escape what Markdown would read as markup."""
    return re.sub(r"[\\`*_\[\]<>$#|{}~]", r"\\\g<0>", text)


# Links ------------------------------------------------------------------------------------------------------


def resolve_links(app, name: str, text: list[str]) -> None:
    """Let the links in docs/*.md lead to pages of the site."""
    page = f"{name}.md"
    if DOCS.joinpath(page).is_file():
        text[0] = with_links(text[0], f"docs/{page}", page)


def with_links(text: str, source: str, page: str) -> str:
    """Return a Markdown text with its links as they must be on a page of docs/; code has no page."""

    def resolved(match: re.Match) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        inside = PAGE_OF.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if inside:
            return f"[{words}]({posixpath.relpath(inside, posixpath.dirname(page) or '.')}{anchor})"
        return words if (ROOT / path).exists() else match[0]

    return re.sub(r"(?<!!)\[([^\]\n]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)", resolved, text)
