"""What is typed as a path arrives as it was typed: through Hydra, saved commands and printed suggestions."""

import os
import shlex
import tempfile
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import assume, example, given
from hypothesis import strategies as st

from intro_dl.cli.overrides import PATHS, for_hydra
from intro_dl.cli.saved_command import with_saved_command
from intro_dl.config.override_syntax import quote, unquote
from intro_dl.runs.folder import RunFolder

AWKWARD = st.text(st.sampled_from("ab'\"\\,=[](){}$ :#~.-+*;&|<>`!?%@1e_é日\u202e\t\n"), min_size=1)
TYPED = AWKWARD | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def parsed(argument: str) -> tuple[str, object]:
    override = OverridesParser.create().parse_override(argument)
    return override.key_or_group, override.value()


def is_literal(text: str) -> bool:
    """Whether the text is a path, and not in Hydra's own quotes, empty or a home directory."""
    return bool(text.strip("'\" ")) and text[0] != "~" and text != "null" and unquote(text) == text


@given(st.sampled_from([key for key in PATHS if key != "run_dir"]), TYPED)
@example("data.path", r"AC\DC.txt")
@example("data.root", r"it's \'quoted\'")
@example("resume", "C:\\photos\\")
@example("data.root", "a, b=[c] (d) {e: f} $HOME #g")
@example("data.root", "1_000")
@example("data.root", "true")
@example("data.root", "NULL")
@example("data.root", "''a")
def test_path_arrives_as_it_was_typed_also_from_a_saved_command(key, text):
    assume(is_literal(text))
    (once,) = for_hydra([f"{key}={text}"])
    assert parsed(once) == (key, text)
    (again,) = for_hydra([once])  # saved overrides pass through the same function
    assert parsed(again) == (key, text)


@given(TYPED)
@example("NULL")
def test_run_dir_names_the_folder_of_a_run_and_of_a_sweep(text):
    assume(is_literal(text))
    values = [parsed(argument) for argument in for_hydra([f"run_dir={text}"])]
    assert values == [("hydra.run.dir", text), ("hydra.sweep.dir", text)]


@given(TYPED)
def test_quoting_twice_is_quoting_once(text):
    assert quote(quote(text)) == quote(text)


@given(AWKWARD)
@example('it\'s a "run"\\')
def test_printed_command_resumes_the_run_whatever_its_name(text):
    name = text.replace("/", "")[:60]
    assume(name not in ("", ".", "..") and is_literal(name))
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(os.path.realpath(directory), name)
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "last.ckpt").touch()
        words = shlex.split(RunFolder(folder).resume_command())
        assert words[:2] == ["intro-dl", "train"]
        resumed = for_hydra(with_saved_command(words[2:]))
        assert parsed(resumed[0]) == ("resume", str(folder / "checkpoints" / "last.ckpt"))


@pytest.mark.parametrize("key", PATHS)
def test_home_directory_is_expanded_and_an_unknown_user_is_named(key):
    assert parsed(for_hydra([f"{key}=~/a b"])[0])[1] == os.path.expanduser("~/a b")
    with pytest.raises(ValueError, match="Unknown user in ~nosuchuser/x"):
        for_hydra([f"{key}=~nosuchuser/x"])


def test_a_flag_with_an_optional_value_does_not_take_an_override_for_it():
    assert for_hydra(["--info", "model=mlp", "-m"]) == ["model=mlp", "--info", "-m"]
    assert for_hydra(["model=mlp", "--cfg", "job"]) == ["model=mlp", "--cfg", "job"]
