"""A result belongs to the recipe that made it: where the recipe changes, claims and RESULTS.md say so."""

import json
import shutil

import pytest

from intro_dl.lectures.engine.claims import all_claims
from intro_dl.results import evidence
from intro_dl.results.page import page, read_summaries
from intro_dl.results.recipe import changes_since, told
from intro_dl.results.systems import read_systems
from tests.conftest import ROOT

SYSTEMS = read_systems(ROOT / "results")
SUMMARIES = read_summaries(ROOT / "results")
RECIPE, COMMAND = (SUMMARIES["mnist_cnn"][key] for key in ("recipe", "command"))


@pytest.mark.parametrize("saved", [*SUMMARIES.values(), *SYSTEMS.values()], ids=[*SUMMARIES, *SYSTEMS])
def test_the_command_of_each_result_still_has_its_recipe(saved):
    assert changes_since(saved["recipe"], saved["command"]) == {}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("optim.lr=0.1", "optim.lr: 0.003 then, 0.1 now"),
        ("model.kernels=[5,5,5]", "model.kernels: [5, 5, 4] then, [5, 5, 5] now"),
        ("trainer.max_epochs=17", "trainer.max_epochs: 18 then, 17 now"),
        ("callbacks.early_stopping={patience:5}", "callbacks.early_stopping: None then"),
        ("regularization.dropout=0.5", "model.dropout: 0.0 then, 0.5 now"),
        ("+optim.amsgrad=true", "optim.amsgrad: False then, True now"),  # not in its yaml file then
        ("scheduler=none", "scheduler.steps: 2000 then, not an option now"),
        ("trainer.threads=2", ""),
        ("data.root=elsewhere", ""),
        ("logger=csv", ""),
    ],
)
def test_a_changed_recipe_is_noticed(override, said):
    found = told(changes_since(RECIPE, f"{COMMAND} '{override}'"))
    assert said in found and bool(said) == bool(found)


def test_an_option_that_is_new_since_is_no_change_at_its_default():
    before = {key: value for key, value in RECIPE.items() if key not in ("model.batch_norm", "data.augment")}
    assert changes_since(before, COMMAND) == {}
    found = changes_since(before, f"{COMMAND} model.batch_norm=true")
    assert found == {"model.batch_norm": "False then, True now"}


@pytest.fixture
def stale(tmp_path, monkeypatch):
    """Copy the results, of which mnist_cnn was trained with another learning rate."""
    folder = shutil.copytree(ROOT / "results", tmp_path / "results")
    path = folder / "mnist_cnn.json"
    saved = json.loads(path.read_text())
    saved["recipe"]["optim.lr"] = 0.1
    path.write_text(json.dumps(saved))
    monkeypatch.setattr(evidence, "RESULTS", folder)
    return folder


def test_a_claim_fails_if_the_recipe_of_its_evidence_has_changed(stale):
    claims = {each.id: each for each in all_claims()}
    assert claims["H2"].run().verdict == "measured"
    result = claims["H3"].run()
    assert result.verdict == "fails" and "(optim.lr: 0.1 then, 0.003 now)" in result.error
    assert result.error.endswith(
        "Train again: python scripts/train.py -m experiment=mnist_cnn seed=0,1,2,3,4"
    )


def test_results_page_names_a_result_whose_recipe_has_changed(stale):
    assert "has changed" not in page(SUMMARIES)
    text = page(read_summaries(stale))
    assert "The recipe of `mnist_cnn` has changed since its runs** (optim.lr: 0.1 then, 0.003 now)" in text


def test_a_result_without_a_recipe_is_no_evidence(stale):
    saved = json.loads((stale / "mnist_cnn.json").read_text())
    del saved["recipe"]
    (stale / "mnist_cnn.json").write_text(json.dumps(saved))
    with pytest.raises(ValueError, match="needs a recipe"):
        evidence.read_runs("mnist_cnn")


def test_a_mean_is_below_a_number_beyond_three_standard_errors():
    mean = evidence.Mean.of([1.0, 2.0, 3.0])
    assert (mean.value, mean.n) == (2.0, 3) and mean.error == pytest.approx(3**-0.5)
    assert mean.is_below(2 + 3.01 * mean.error) and not mean.is_below(2 + 2.99 * mean.error)
