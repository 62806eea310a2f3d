"""What every lecture model promises; new models are found by themselves."""

import ast
import math

import pytest
import torch
from torch.nn import functional as F

from intro_dl import load_run
from intro_dl.inference import evaluate, export
from intro_dl.tasks import Classifier, LanguageModel, Regressor, Task
from intro_dl.training.build import build_data, build_model
from tests.conftest import ROOT

MODELS = sorted(path.stem for path in (ROOT / "configs" / "model").glob("*.yaml"))
FOLDER = ROOT / "configs" / "model"
OPTIONS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def model_and_batch(name, make_config):
    cfg = make_config(f"model={name}")
    torch.manual_seed(0)
    data = build_data(cfg)
    data.batch_size = 16
    return build_model(cfg, data), next(iter(data.train_dataloader()))


def test_every_parameter_gets_a_gradient(model_and_batch):
    model, batch = model_and_batch
    model.metrics(batch)["loss"].backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not without


def test_untrained_model_guesses(model_and_batch):
    model, (inputs, targets) = model_and_batch
    model.eval()
    if isinstance(model, Regressor):
        pytest.skip("a regressor has no classes to guess among")
    if isinstance(model, LanguageModel):
        options, loss = model.hparams["vocab_size"], model.metrics((inputs, targets))["loss"]
    else:
        options = model.hparams["num_classes"]
        loss = F.nll_loss(model.probabilities(model(inputs)).log(), targets)
    assert loss.item() == pytest.approx(math.log(options), abs=0.5)


def few_examples(model, batch):
    """One example of each class, two short windows of text, or eight examples with their numbers."""
    inputs, targets = batch
    if isinstance(model, LanguageModel):
        return inputs[:2, :16], targets[:2, :16]
    if isinstance(model, Regressor):
        return inputs[:8], targets[:8]
    first = [int((targets == label).nonzero()[0]) for label in targets.unique()]
    return inputs[first], targets[first]


def test_can_memorize_a_few_examples(model_and_batch):
    model, batch = model_and_batch
    batch = few_examples(model, batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = model.metrics(batch)["loss"].item()
    for _ in range(150):
        metrics = model.metrics(batch)
        optimizer.zero_grad()
        metrics["loss"].backward()
        optimizer.step()
    if "accuracy" in metrics:
        assert metrics["accuracy"] == 1
    else:
        assert metrics["loss"].item() < 0.1 * first


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


def test_is_final_and_its_task_abstract(model_and_batch):
    model, _ = model_and_batch
    assert type(model).__bases__[0] in (Classifier, Regressor, LanguageModel)
    assert not type(model).__subclasses__()


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


def test_task_without_metrics_says_so():
    with pytest.raises(NotImplementedError, match="Task must define metrics"):
        Task().metrics(None)


def test_trains_on_its_own_data_without_network_or_files(name, train, monkeypatch):
    monkeypatch.delenv("INTRO_DL_DATA", raising=False)
    answer = train(f"model={name}", "trainer=smoke")
    assert answer.code == 0, answer.err
    assert {"loss/val", "loss/test"} <= answer.result.keys()


@pytest.mark.parametrize("option", OPTIONS)
def test_what_trains_can_be_loaded_evaluated_and_exported(option, trained_run, run_main, tmp_path):
    run = trained_run(f"model={option}", "trainer=smoke")
    assert type(load_run(run).model).__module__ == f"intro_dl.models.{option.replace('/', '.')}"
    for main, words in ((evaluate.main, ["weights=last"]), (export.main, ["format=safetensors"])):
        code, _, errors = run_main(main)(run, *words, f"out={tmp_path}")
        assert code == 0, errors
    assert list(tmp_path.rglob("*.safetensors"))
