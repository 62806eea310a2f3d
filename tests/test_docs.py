"""The pages name tests, files, links and commands that exist, and the README stays short."""

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from pkgutil import resolve_name

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from intro_dl.cli.commands import COMMANDS
from intro_dl.cli.overrides import for_hydra
from intro_dl.config import validate
from intro_dl.config.options import read_options
from intro_dl.exercises.command import ACTIONS
from tests.conftest import ROOT

GENERATED = re.findall(r"^/(docs/.*)/?$", (ROOT / ".gitignore").read_text(encoding="utf-8"), re.MULTILINE)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"] + [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if not page.relative_to(ROOT).as_posix().startswith(("docs/_build", "docs/templates", *GENERATED))
]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_a_page_names_exists(page):
    named = re.findall(r"`(test_\w+)(\.\.\.)?`", page.read_text(encoding="utf-8"))
    missing = [name for name, more in named if f"def {name}" + ("" if more else "(") not in TESTS]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    named = [
        ROOT / path for path in re.findall(r"`((?:intro_dl|tests|configs|scripts|docs)/[\w/]+\.\w+)`", text)
    ]
    missing = [str(path) for path in (*linked, *named) if not path.exists() and "my_net" not in path.name]
    assert not missing


@pytest.mark.parametrize("folder", ["tutorial", "howto"])
def test_the_index_of_a_folder_lists_each_of_its_pages(folder):
    pages = {page.stem for page in (ROOT / "docs" / folder).glob("*.md")} - {"index"}
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    assert set(index.partition("```{toctree}")[2].split()) >= pages


def code(text: str) -> list[str]:
    """Return the lines of the blocks of a page, and its code within sentences."""
    blocks = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [*lines, *(" ".join(piece.split()) for piece in re.findall(r"`([^`]+)`", rest))]


def commands() -> dict[str, set[tuple[str, ...]]]:
    """Return the commands of all pages: by their name, e.g. "train", the words after it."""
    found: dict[str, set[tuple[str, ...]]] = {name: set() for name in COMMANDS}
    for line in [line for page in PAGES for line in code(page.read_text(encoding="utf-8"))]:
        for arguments in re.findall(r"intro_dl\.train\(([^)]*)\)", line):
            found["train"].add(tuple(re.findall(r'"([^"]+)"', arguments)))
        start = re.match(
            r"(?:\w+=\S+ )*(?:torchrun .*?|exec )?"
            r"(?:(?:intro-dl|(?:python )?-m intro_dl) (\w+)|(?:python )?\S*\bscripts/(\w+)\.py)(?![\w.])",
            line,
        )
        if start and (start[0].startswith(("intro-dl", "python", "torchrun", "exec")) or "=" in start[0]):
            words = shlex.split(re.sub(r"<[\w ]+>", "x", line[start.end() :]), comments=True)
            found.setdefault(start[1] or start[2], set()).add(tuple(words))
    return found


FOUND = commands()
TRAINED = sorted(FOUND["train"])
OTHERS = sorted((name, words) for name, each in FOUND.items() if name != "train" for words in each)
OWN = ("my_net", "--config-dir")  # their options are files that a reader writes


def values(override: Override) -> list[str]:
    """Return what an override sets, as words: each option of a sweep of groups, the ends of other sweeps."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [override.input_line]
    if override.is_interval_sweep():
        return [f"{key}={override.value().start}", f"{key}={override.value().end}"]
    each = [f"{key}={value}" for value in override.sweep_string_iterator()]
    return each if (ROOT / "configs" / key).is_dir() else list(dict.fromkeys([each[0], each[-1]]))


def overrides_of(words: Sequence[str]) -> list[str]:
    """Return the words of a command without its flags."""
    return list(takewhile(lambda word: not word.startswith("-"), for_hydra(words)))  # flags are last


def jobs(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the overrides of each run of a command: the first values of its sweeps, then each other value."""
    words = [word for word in overrides_of(words) if not word.startswith(("resume=", "hydra", "own_code="))]
    for word in [word for word in words if word.startswith("sweep=")]:
        swept = OmegaConf.load(ROOT / "configs" / "sweep" / f"{word[6:]}.yaml")
        words = [f"{key}={value}" for key, value in swept.hydra.sweeper.params.items()] + words
    given = {override.key_or_group: override for override in OverridesParser.create().parse_overrides(words)}
    choices = [values(override) for override in given.values()]  # what is typed replaces what sweep= says
    first = [each[0] for each in choices]
    yield first
    for place, each in enumerate(choices):
        for value in each[1:]:
            yield [*first[:place], value, *first[place + 1 :]]


@pytest.mark.parametrize("words", TRAINED, ids=" ".join)
def test_every_training_that_a_page_shows_composes(words, make_config, monkeypatch):
    monkeypatch.setattr(validate, "find_spec", lambda package: True)  # wandb and mlflow are extra
    if any(word.startswith(OWN) or word == f"model={OWN[0]}" for word in words):
        OverridesParser.create().parse_overrides(overrides_of(words))
        return
    for overrides in jobs(words):
        validate.validate(make_config(*overrides))


NUMBER_OF_WORDS = {
    "predict": (2, 99),
    "page": (0, 99),
    "compare": (0, 99),
    "results": (0, 99),
    "figures": (0, 1),
}
NUMBER_OF_WORDS |= {name: (1, 1) for name in ("evaluate", "sample", "export", "grade")}
NUMBER_OF_WORDS |= {"exercises": (1, 2)}


@pytest.mark.parametrize(
    ("name", "words"), OTHERS, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_every_other_command_that_a_page_shows_reads_its_arguments(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name not in COMMANDS:
        assert (ROOT / "scripts" / f"{name}.py").is_file()
    elif words and words != ("--help",):
        options = resolve_name(COMMANDS[name].main.partition(":")[0]).OPTIONS
        rest, given = read_options(
            words, options, open_groups=("data",) if name in ("evaluate", "grade") else ()
        )
        least, most = NUMBER_OF_WORDS.get(name, (0, 0))
        assert least <= len(rest) <= most
        if name == "exercises":
            assert rest[0] in ACTIONS
        known = {"lectures": CLAIMS, "figures": FIGURES}.get(name, "")
        ids = given.get("id") or []
        assert all(each in known for each in (ids.split(",") if isinstance(ids, str) else ids))


CLAIMS = re.findall(r"^\| (\w+) ", (ROOT / "docs" / "LECTURES.md").read_text(encoding="utf-8"), re.MULTILINE)
FIGURES = re.findall(r"^\| (G\d+) ", (ROOT / "docs" / "FIGURES.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_pages_show_commands_of_every_kind():
    assert len(TRAINED) > 80 and len(OTHERS) > 40
    assert all(FOUND[name] for name in ("evaluate", "predict", "sample", "export", "compare", "figures"))


def test_every_program_that_a_page_shows_exists():
    lines = [line for page in PAGES for line in code(page.read_text(encoding="utf-8"))]
    modules = {name for line in lines for name in re.findall(r"^python -m ((?:intro_dl|tests)[\w.]*)", line)}
    files = {
        name
        for line in lines
        for name in re.findall(r"^python ((?:docs|benchmarks|tests|scripts)/[^\s<]+)(?![^\s])", line)
    }
    assert len(modules) >= 3 and len(files) >= 3
    assert not [name for name in modules if find_spec(name) is None]
    assert not [name for name in files if not (ROOT / name).is_file()]


def test_the_first_run_of_the_readme_is_written_where_it_stands(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")  # where python finds the modules beside a script
    before = runpy.run_path(str(ROOT / "docs" / "make_tutorial.py"))["BEFORE"]
    assert (ROOT / "README.md").read_text(encoding="utf-8").count(before) == 1


def test_the_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_page_about_scaling_has_the_table_that_was_measured():
    page = (ROOT / "docs" / "SCALING.md").read_text(encoding="utf-8")
    written = page.partition("benchmarks/scaling.py -->\n")[2].partition("<!-- end -->")[0]
    assert written in (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_tutorial_prints_what_its_pages_show():
    command = [sys.executable, str(ROOT / "docs" / "make_tutorial.py"), "check=true"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
