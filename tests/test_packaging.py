"""The wheel holds the configs, importing the package costs nothing, and Colab has all that it needs."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the package as a user would install it, unpacked into an empty directory."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy, so that no build folder is left in the checkout
    subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(source)], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "site")
    return folder / "site"


def python(program: str, site) -> str:
    # -P: not the checkout of the current folder; -S would lose the dependencies too.
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n{program}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=site.parent, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_configs_ship_in_the_wheel(wheel):
    program = (
        "import intro_dl; from hydra import compose, initialize_config_module\n"
        "from intro_dl.config.schema import register_schema; register_schema()\n"
        "with initialize_config_module('intro_dl.configs', version_base='1.3'):\n"
        "    print(intro_dl.__file__, compose('train', ['model=mlp']).model._target_)"
    )
    path, target = python(program, wheel).split()
    assert path.startswith(str(wheel)) and target == "intro_dl.models.mlp.MLP"


def test_wheel_holds_every_module_every_option_and_every_result(wheel):
    for folder, inside in (
        ("intro_dl", "intro_dl"),
        ("configs", "intro_dl/configs"),
        ("results", "intro_dl/results/measured"),
    ):
        tracked = subprocess.run(
            ["git", "ls-files", folder], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
        ).stdout.split()
        for path in tracked:
            assert (wheel / inside / path.removeprefix(f"{folder}/")).is_file(), path


def test_importing_the_package_does_not_import_torch(wheel):
    assert python("import intro_dl; print('torch' in sys.modules)", wheel).strip() == "False"


def test_the_wheel_alone_trains_and_checks_a_measured_claim(wheel):
    # In one process, to import torch once; in an empty directory.
    program = f"""
import os, sys
from importlib.metadata import distribution
from PIL import Image
(entry,) = distribution("intro-dl").entry_points
run = "sweep/0_model=softmax,seed=0,trainer=smoke"
commands = [
    "train -m model=softmax trainer=smoke seed=0,1 run_dir=sweep",
    "compare sweep",
    f"evaluate {{run}}",
    f"predict {{run}} digit.png",
    "lectures id=H1",
    "page out=page.html",
]
if __name__ == "__main__":
    os.chdir({str(wheel.parent / "empty")!r})
    Image.new("L", (9, 9)).save("digit.png")
    for command in commands:
        sys.argv = ["intro-dl", *command.split()]
        assert entry.load()() == 0, command
    sys.argv = ["intro-dl", "results"]
    assert entry.load()() == 1  # needs a checkout
    print(sorted(os.listdir()))
"""
    (wheel.parent / "empty").mkdir()
    assert python(program, wheel).endswith("['digit.png', 'page.html', 'sweep']\n")


@pytest.fixture(scope="module")
def drift():
    """Import scripts/drift.py, which is not in a package."""
    spec = importlib.util.spec_from_file_location("drift", ROOT / "scripts" / "drift.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_citation_has_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"version: {project['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_libraries_of_colab_are_new_enough(drift):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        if requirement.name in drift.COLAB:
            assert drift.COLAB[requirement.name] in requirement.specifier, requirement
    assert drift.COLAB_PYTHON in SpecifierSet(project["requires-python"])


def test_the_oldest_versions_are_the_floors_of_pyproject(drift):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = dict(line.split("==") for line in drift.constraints("oldest").splitlines())
    assert Version(oldest["pytorch-lightning"]) >= Version("2.6.6")  # earlier ones run code of a checkpoint
    for requirement in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]]):
        assert oldest[requirement.name] in requirement.specifier, requirement
    assert drift.constraints("newest") == drift.constraints("nightly") == ""
