"""What every lecture model promises; new models are found by themselves."""

import ast
import math
from functools import cache

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf
from torch.nn import functional as F

from intro_dl import load_run, tasks
from intro_dl.config.compose import composed
from intro_dl.inference import evaluate, export
from intro_dl.runs.folder import RunFolder
from intro_dl.tasks import Adversarial, Autoencoder, Classifier, LanguageModel, Task
from intro_dl.training.build import build_data, build_model
from intro_dl.training.report import print_summary
from tests.conftest import ROOT

TASKS = [getattr(tasks, name) for name in tasks.__all__ if name != "Task"]
MODELS = sorted(path.stem for path in (ROOT / "configs" / "model").glob("*.yaml"))
FOLDER = ROOT / "configs" / "model"
OPTIONS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))
NARROWER = {"airbench": ["model.widths=[16,16,16]"]}  # of a model that takes seconds a step


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@cache
def data_and_batch(name):
    data = build_data(OmegaConf.create(composed(f"model={name}")))
    data.batch_size = 16
    return data, next(iter(data.train_dataloader()))


@pytest.fixture
def model_and_batch(name, make_config):
    data, batch = data_and_batch(name)
    torch.manual_seed(0)
    return build_model(make_config(f"model={name}", *NARROWER.get(name, [])), data), batch


def test_every_parameter_gets_a_gradient(model_and_batch):
    model, batch = model_and_batch
    model.metrics(batch)["loss"].backward()
    learned = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    without = [name for name, each in learned if each.grad is None]
    assert not without


def test_untrained_model_guesses(model_and_batch):
    model, (inputs, targets) = model_and_batch
    model.eval()
    if isinstance(model, Classifier):
        loss = F.nll_loss(model.probabilities(model(inputs)).log(), targets)
        assert loss.item() == pytest.approx(math.log(model.hparams["num_classes"]), abs=0.5)
    elif (chance := model.chance_loss()) is not None:
        assert model.metrics((inputs, targets))["loss"].item() == pytest.approx(chance, abs=0.5)


def one_of_each_class(inputs, targets):
    first = [int((targets == label).nonzero()[0]) for label in targets.unique()]
    return inputs[first], targets[first]


# What is easy to memorize; of a task that is not here, the first eight examples of a batch.
FEW = {
    Classifier: one_of_each_class,
    LanguageModel: lambda inputs, targets: (inputs[:2, :16], targets[:2, :16]),
}


def few_examples(model, batch):
    few = (choose for task, choose in FEW.items() if isinstance(model, task))
    return next(few, lambda inputs, targets: (inputs[:8], targets[:8]))(*batch)


def test_can_memorize_a_few_examples(model_and_batch):
    model, batch = model_and_batch
    if isinstance(model, Adversarial):
        pytest.skip("one of its losses rises as the other falls; test_generative_models.py has its promises")
    batch = few_examples(model, batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = memorized(model, batch)
    for step in range(150):
        metrics = model.metrics(batch)
        optimizer.zero_grad()
        metrics["loss"].backward()
        optimizer.step()
        if metrics.get("accuracy") == 1 or (step % 10 == 9 and memorized(model, batch) < 0.1 * first):
            return
    raise AssertionError(f"after 150 steps: {metrics}")


def memorized(model, batch):
    """Return the loss, or the error of an autoencoder: the nats of gray pixels do not fall to 0."""
    if isinstance(model, Autoencoder):
        return F.mse_loss(model(batch[0]), batch[0]).item()
    return model.metrics(batch)["loss"].item()


def test_saves_and_loads_as_tensors_and_plain_values(model_and_batch, tmp_path):
    import pytorch_lightning as pl

    model, batch = model_and_batch
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, barebones=True, accelerator="cpu")
    trainer.strategy.connect(model)
    model.trainer = trainer
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = type(model).load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True, map_location="cpu")
    model.eval(), loaded.eval()
    assert torch.equal(model.metrics(batch)["loss"], loaded.metrics(batch)["loss"])


def test_is_final_and_its_task_abstract(name, make_config):
    model = get_class(make_config(f"model={name}").model._target_)
    task = model.__bases__[0]
    assert task.__module__.startswith("intro_dl.tasks.") and issubclass(task, Task)
    assert not model.__subclasses__()


def test_is_one_page_that_imports_torch_and_its_task_only(name):
    source = (ROOT / "intro_dl" / "models" / f"{name}.py").read_text()
    assert len(source.splitlines()) <= 80
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    allowed = (
        "torch",
        "torchvision",
        "math",
        "collections.abc",
        "typing",
        "intro_dl.config",
        "intro_dl.tasks",
        "intro_dl.models.layers",
        "intro_dl.scratch",
    )
    assert not {module for module in modules if not module.startswith(allowed)}


def test_a_task_is_at_most_sixty_lines():
    files = {ROOT / "intro_dl" / "tasks" / f"{task.__module__.rpartition('.')[2]}.py" for task in TASKS}
    assert len(files) == len(TASKS) >= 9
    assert not [file.name for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 60]


def test_task_without_metrics_says_so():
    with pytest.raises(NotImplementedError, match="Task must define metrics"):
        Task().metrics(None)


@pytest.mark.pictures  # an error in drawing is a warning, which ends a test
def test_trains_on_its_own_data_without_network_or_files(name, trained_run, monkeypatch, capsys):
    monkeypatch.delenv("INTRO_DL_DATA", raising=False)
    folder = RunFolder(trained_run(f"model={name}", "trainer=smoke", *NARROWER.get(name, [])))
    result = folder.read_result()
    assert {"loss/val", "loss/test"} <= result.metrics.keys()
    print_summary(folder, result)
    assert f"{result.leading or 'loss'}/test" in capsys.readouterr().out


@pytest.mark.pictures  # so that both tests share a run
@pytest.mark.parametrize("option", OPTIONS)
def test_what_trains_can_be_loaded_evaluated_and_exported(
    option, trained_run, run_main, tmp_path, monkeypatch
):
    monkeypatch.delenv("INTRO_DL_DATA", raising=False)
    run = trained_run(f"model={option}", "trainer=smoke", *NARROWER.get(option, []))
    assert type(load_run(run).model).__module__ == f"intro_dl.models.{option.replace('/', '.')}"
    code, _, errors = run_main(evaluate.main)(run, "weights=last", f"out={tmp_path}")
    assert code == 0, errors
    code, _, errors = run_main(export.main)(run, "format=safetensors", f"out={tmp_path}")
    if load_run(run).kind in ("images", "points", "text"):
        assert code == 0, errors
        assert list(tmp_path.rglob("*.safetensors"))
    else:
        assert code == 1 and "export supports" in errors and errors.count("\n") == 1
