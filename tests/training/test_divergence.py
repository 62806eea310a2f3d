"""A loss that is not finite: which layer broke first, and which weights are saved."""

import pytest
import torch

from intro_dl.models.char_rnn import CharRNN
from intro_dl.models.mlp import MLP
from intro_dl.tasks import Task
from intro_dl.training.divergence import StopWhenNotFinite, first_broken


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    return MLP((4,), 3, hidden=(5, 6))


BATCH = torch.randn(2, 4), torch.tensor([0, 2])


def test_first_layer_whose_output_overflows_is_named(mlp):
    with torch.no_grad():
        mlp.features[0].weight.fill_(1e30)
        mlp.features[3].weight.fill_(1e30)
        mlp.logits.weight.fill_(1e30)
    inputs = torch.ones(2, 4)
    assert "Layer features.3 (Linear) broke first: its output" in first_broken(
        mlp, (inputs, BATCH[1]), step=7
    )


def test_of_broken_weights_those_whose_gradient_came_first_are_named(mlp):
    with torch.no_grad():
        mlp.features[0].weight[0, 0] = torch.nan
        mlp.features[3].bias[0] = torch.inf
    sentence = first_broken(mlp, BATCH, step=7)
    assert "Layer features.3 (Linear) broke first" in sentence and "step 6" in sentence


def test_broken_data_are_told_from_broken_layers(mlp):
    assert "look at the data" in first_broken(mlp, (BATCH[0] / 0, BATCH[1]), step=1)
    assert "in the loss itself" in first_broken(mlp, BATCH, step=1)


def test_weights_that_belong_to_no_layer_are_named_by_themselves():
    model = CharRNN(5, 3)
    with torch.no_grad():
        model.W_hh.fill_(torch.nan)
    assert "Layer W_hh broke first" in first_broken(
        model, (torch.tensor([[0, 1]]), torch.tensor([[1, 2]])), 3
    )


@pytest.mark.parametrize("at_once", [True, False], ids=["each step looked at", "looked at now and then"])
def test_step_is_exact_and_the_finished_epochs_are_kept(at_once, train, monkeypatch):
    real = Task.training_step

    def break_later(self, batch, batch_idx):
        loss = real(self, batch, batch_idx)
        return loss * float("nan") if self.trainer.global_step == 50 else loss

    monkeypatch.setattr(Task, "training_step", break_later)
    monkeypatch.setattr(StopWhenNotFinite, "_at_once", lambda self, module: at_once)
    answer = train("model=softmax", "trainer.max_epochs=3")
    (run,) = answer.runs
    assert "The training loss became nan at step 51 (epoch 2)" in answer.err
    assert ("in the loss itself" if at_once else "callbacks=doctor names the layer") in answer.err
    assert "finished epochs are saved in outputs/" in answer.err and "best.ckpt and last.ckpt" in answer.err
    for name in ("best", "last"):
        saved = torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert saved["epoch"] == 0
        assert all(tensor.isfinite().all() for tensor in saved["state_dict"].values())
