"""Speed never changes what is computed: a run gives the weights of a plain loop over the same batches."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from intro_dl.data.images import Digits
from intro_dl.load import load_run
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import ResNet

STEPS = 10
QUICK = [
    "trainer.max_epochs=1",
    f"trainer.limit_train_batches={STEPS}",
    "callbacks.mistakes=null",
    "test=false",
]
OPTIMIZERS = {"adam": partial(torch.optim.Adam, lr=1e-3), "sgd": partial(torch.optim.SGD, lr=0.01)}


def plain_loop(model_class, optimizer):
    """What a student would write: image by image, torch's plain optimizer, no Lightning."""
    torch.manual_seed(0)
    data = Digits()
    data.setup()
    model = model_class(**data.dims)
    optimizer = OPTIMIZERS[optimizer](model.parameters(), foreach=False, fused=False)
    images, labels = data.splits["train"]
    order = data.train_dataloader().order()
    for step in range(STEPS):
        chosen = order[32 * step : 32 * (step + 1)].tolist()
        batch = torch.stack([(images[i] / 255 - data.MEAN[0]) / data.STD[0] for i in chosen])
        loss = F.cross_entropy(model(batch), torch.stack([labels[i] for i in chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(("model_class", "optimizer"), [(LeNet, "adam"), (LeNet, "sgd"), (ResNet, "sgd")])
def test_a_run_gives_the_weights_of_a_plain_loop_over_the_same_batches(model_class, optimizer, trained_run):
    chosen = [f"model={model_class.__name__.lower()}", "data=digits", f"optim={optimizer}", "scheduler=step"]
    rate = OPTIMIZERS[optimizer].keywords["lr"]
    run = trained_run(*chosen, f"optim.lr={rate}", "regularization=none", *QUICK)
    fast = load_run(run, weights="last").model.state_dict()
    for name, value in plain_loop(model_class, optimizer).state_dict().items():
        # Sums in another order differ in their last digits; a single other image, or step, by far more.
        torch.testing.assert_close(fast[name], value, rtol=1e-4, atol=1e-4, msg=name)
