"""Paths and commands survive the shells of other systems, and Hydra's command line."""

import os

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from intro_dl.config.override_syntax import quote
from intro_dl.config.schema import run_name
from intro_dl.runs import files
from intro_dl.runs.files import replace, typed
from tests.conftest import ROOT

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    "path",
    [r"C:\runs\my run", r"C:\runs\my run" + "\\", r"\\server\share\it's", r"odd\'name", "a,b=c", "1e3"],
)
def test_hydra_reads_a_quoted_path_unchanged(path):
    override = OverridesParser.create().parse_override(f"data.root={quote(path)}")
    assert override.value() == path


@pytest.mark.parametrize("word", ["outputs\\lenet\\one", "outputs/a_model=lenet,optim=adam", "my runs"])
def test_a_command_printed_on_windows_is_in_double_quotes_where_cmd_or_powershell_need_them(
    word, monkeypatch
):
    monkeypatch.setattr(os, "name", "nt")
    assert typed(word) == f'"{word}"' and typed("outputs/lenet") == "outputs/lenet"


def test_a_file_that_a_virus_scanner_holds_open_is_replaced_a_moment_later(tmp_path, monkeypatch):
    class Held:
        tries = 0

        def replace(self, path):
            self.tries += 1
            if self.tries < 3:
                raise PermissionError

    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(os, "name", "nt")
    held = Held()
    replace(held, tmp_path)
    assert held.tries == 3


@pytest.mark.parametrize("override", ['data.path=C:\\a?b*c"<d>|e', "model.name=x.", "data.root=nul:"])
def test_the_name_of_a_run_is_a_file_name_on_windows(override):
    name = run_name(override)
    assert not set(name) & set('\\/:*?"<>|') and not name.endswith((".", " "))


def test_commands_of_the_documents_suit_cmd_and_powershell():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"):
        blocks = page.read_text(encoding="utf-8").split("```\n")[1::2]
        commands = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
        commands = [line for line in commands if line.startswith(("python ", "pip ", "pytest", "torchrun"))]
        for line in commands:
            bare = "".join(line.split('"')[::2])  # outside of double quotes
            assert not set("'\\,;&") & set(bare), f"{page.name}: {line}"
