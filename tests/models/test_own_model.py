"""A model of one's own: the one that CONTRIBUTING.md shows, and what a student gets wrong in it."""

import re
import sys

import pytest

from intro_dl import load_run, models
from tests.conftest import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture
def own_model(tmp_path, monkeypatch):
    """Put the model and its yaml where a project has them, with a word changed; what the command needs."""

    def write(old: str = "", new: str = "") -> tuple[str, str]:
        (python,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
        (options,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
        assert old in python
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "my_net.yaml").write_text(options)
        (tmp_path / "my_net.py").write_text(python.replace(old, new) if old else python)
        monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
        monkeypatch.delitem(sys.modules, "intro_dl.models.my_net", raising=False)
        return f"--config-dir={tmp_path}", "model=my_net"

    return write


def test_model_of_the_guide_trains_and_loads(own_model, train):
    answer = train(*own_model(), "model.units=5", "trainer=smoke")
    (run,) = answer.runs
    assert load_run(run).model.features[1].out_features == 5


def test_model_that_could_not_be_loaded_again_is_refused_before_it_trains(own_model, train):
    answer = train(*own_model("self.save_hyperparameters()", "pass"), "trainer=smoke")
    assert answer.code == 1 and "call self.save_hyperparameters()" in answer.err
    assert not answer.runs


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("self.features(images)", "self.featured(images)", "AttributeError"),
        ("self.features(images)", "self.features(images[:, :, 1:])", "RuntimeError"),
        ("channels, height, width = in_shape", "height, width = in_shape", "ValueError"),
    ],
)
def test_error_in_a_model_names_its_line(old, new, kind, own_model, train, tmp_path):
    answer = train(*own_model(old, new), "trainer=smoke")
    line = (tmp_path / "my_net.py").read_text().split(new)[0].count("\n") + 1
    assert answer.code == 1 and re.search(rf"^Error: {kind} in \S*my_net.py, line {line}: ", answer.err)
