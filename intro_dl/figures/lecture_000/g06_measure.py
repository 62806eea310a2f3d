"""Measure results/figures/g06.json: the losses around a trained ResNet-56, and around it without skips.

python intro_dl/figures/lecture_000/g06_measure.py

Train both on digits of 8x8 pixels, as they were scanned, then change the weights along random directions and
measure the loss on 200 training images. Each filter of a direction is as long as the filter that it changes;
biases and batch norms stay as they are. These are the filter-normalized directions of Li et al. (2017),
"Visualizing the Loss Landscape of Neural Nets". About 8 minutes on one core.
"""

import platform

import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from intro_dl.results.evidence import RESULTS
from intro_dl.runs.files import to_json, write_whole
from intro_dl.training.product import train

SEED, EPOCHS, DIRECTIONS, IMAGES = 0, 40, 10, 200
RADII = [0.1, 0.25, 0.5, 1.0]  # in units of the norm of each filter
SIDE = torch.linspace(-1, 1, 21)
OPTIONS = [
    "model=resnet",
    "model.depth=56",
    "data=digits",
    "data.batch_size=64",
    "optim.lr=0.02",
    f"trainer.max_epochs={EPOCHS}",
    "callbacks=no_early_stopping",
    f"seed={SEED}",
]


def shrink(data) -> None:
    """Reduce the images from 28x28 to the 8x8 pixels that were scanned: 12 times less work."""
    for split, (images, labels) in data.splits.items():
        small = F.interpolate(images.float(), size=8, mode="bilinear", antialias=True)
        data.splits[split] = small.round().byte(), labels


def direction(weights: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return random changes of the weights (out, ...), each filter as long as the one that it changes."""
    found = []
    for weight in weights:
        change = torch.randn(weight.shape, generator=generator).flatten(1)
        norms = weight.detach().flatten(1).norm(dim=1, keepdim=True)
        found.append((change / change.norm(dim=1, keepdim=True) * norms).view_as(weight))
    return found


@torch.no_grad()
def losses(model, data, name: str) -> dict:
    """Return the losses on the plane of two directions, and at each radius along ten others."""
    model.eval()
    weights = [layer.weight for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    center = [weight.clone() for weight in weights]
    inputs, labels = (values[:IMAGES] for values in data.whole("train"))

    def loss(*moves: tuple[float, list[Tensor]]) -> float:
        for index, weight in enumerate(weights):
            weight.copy_(center[index] + sum(far * change[index] for far, change in moves))
        value = model.loss(model(inputs), labels).item()
        return (
            float(f"{min(value, 1e9):.4g}") if value == value else 1e9
        )  # also of a loss that is not a number

    generator = torch.Generator().manual_seed(SEED)
    right, up = direction(center, generator), direction(center, generator)
    at_center = loss()
    accuracy = (model(inputs).argmax(dim=1) == labels).float().mean().item()
    rows = track(SIDE.tolist(), name)
    plane = [[loss((float(a), right), (b, up)) for a in SIDE] for b in rows]
    rays = [direction(center, generator) for _ in range(DIRECTIONS)]
    along = [[loss((far, ray)) for ray in rays] for far in RADII]
    return {"loss": at_center, "accuracy": round(accuracy, 4), "plane": plane, "along": along}


if __name__ == "__main__":
    torch.set_num_threads(1)
    content = {
        "command": "python intro_dl/figures/lecture_000/g06_measure.py",
        "trained": [*OPTIONS, "images of 8x8 pixels"],
        "images": IMAGES,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "side": [round(value, 2) for value in SIDE.tolist()],
        "radii": RADII,
        "skip": losses(*train(*OPTIONS, change=shrink), "with skips"),
        "plain": losses(*train(*OPTIONS, "model.skip=false", change=shrink), "without skips"),
    }
    write_whole(RESULTS / "figures" / "g06.json", to_json(content))
