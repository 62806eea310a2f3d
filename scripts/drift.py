"""Run the tests in a fresh environment, with the versions of the libraries that a user may have.

python scripts/drift.py oldest              every direct dependency at its floor in pyproject.toml
python scripts/drift.py newest              the newest releases
python scripts/drift.py colab               the versions of Google Colab
python scripts/drift.py nightly             the newest pre-releases
python scripts/drift.py oldest tests=all    all default tests, not only the quick ones

For developers. The environment has the Python that runs this script: use 3.11 for `oldest`, since the floors
have no wheels for later ones, and 3.13 for `colab`. It is in the temporary directory, needs about 7 GB,
and is deleted at the end. pip's settings apply, except constraints. The installed versions are printed.

Exit code: the exit code of pytest, or 1 if the installation fails.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = {"quick": ["-m", "quick"], "all": ["-n", "auto", "--dist", "loadfile"]}

# November 2026. Our floors must not be above these: every student would download gigabytes again.
COLAB_PYTHON = "3.13"
COLAB = {
    "torch": "2.11",
    "torchvision": "0.26",
    "numpy": "2.1",
    "scikit-learn": "1.6",
    "tensorboard": "2.20",
    "rich": "13.9",
}


def floors() -> dict[str, str]:
    """Return the lowest allowed version of each direct dependency, extras included, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    found = (re.match(r"([\w.-]+)>=([\w.]+)", requirement) for names in lists for requirement in names)
    return {match[1]: match[2] for match in found if match}


def constraints(versions: str) -> str:
    """Return the content of a constraints file; empty for `newest` and `nightly`."""
    exact = {"oldest": floors(), "colab": {name: f"{version}.*" for name, version in COLAB.items()}}
    return "".join(f"{name}=={version}\n" for name, version in exact.get(versions, {}).items())


def test(versions: str, tests: str) -> int:
    """Install the package and its development tools in a temporary environment; run the tests there."""
    with tempfile.TemporaryDirectory(prefix="drift-", ignore_cleanup_errors=True) as folder:
        subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True)
        python = Path(folder, "venv", "Scripts" if os.name == "nt" else "bin", "python")
        Path(folder, "constraints.txt").write_text(constraints(versions), encoding="utf-8")
        # The variable replaces constraints that pip's config may name; -c would add to them.
        environment = os.environ | {"PIP_CONSTRAINT": "constraints.txt"}
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        options = ["--quiet", "--no-compile", *(["--pre"] if versions == "nightly" else [])]
        install = [*pip, "install", *options, "--editable", f"{ROOT}[dev]"]
        if subprocess.run(install, cwd=folder, env=environment).returncode:
            return 1
        print(f"Python {sys.version.split()[0]}, {versions} versions:", flush=True)
        subprocess.run([*pip, "list"], cwd=folder, check=True)
        return subprocess.run([python, "-m", "pytest", *TESTS[tests]], cwd=ROOT).returncode


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("versions", choices=["oldest", "newest", "colab", "nightly"])
    parser.add_argument("tests", nargs="?", choices=["tests=quick", "tests=all"], default="tests=quick")
    words = parser.parse_args()
    return test(words.versions, words.tests.removeprefix("tests="))


if __name__ == "__main__":
    sys.exit(main())
