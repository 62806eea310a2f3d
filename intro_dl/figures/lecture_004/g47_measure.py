"""Measure G47: train model=cnn on CIFAR-10, and find by gradient ascent what excites its units.

    python intro_dl/figures/lecture_004/g47_measure.py
    python intro_dl/figures/lecture_004/g47_measure.py data=image_folder data.root=cifar10

Writes results/figures/g47.json, with no photographs: only images made by gradient ascent, as bytes in
hexadecimal, and counts. About 4 minutes on one core. Other words are options of `intro-dl train`.
"""

import sys

import torch
from rich.progress import track
from torch import nn

from intro_dl.results.evidence import RESULTS
from intro_dl.runs.files import to_json, write_whole
from intro_dl.training.product import train

UNITS, STEPS, SMOOTH, TOP = 8, 200, 20.0, 50
OPTIONS = (
    "model=cnn model.widths=[24,32,48,64] model.kernels=[5,5,5,5] model.batch_norm=true data=cifar10 "
    "data.limit_train=15000 data.augment=crop_flip data.batch_size=128 optim=adam scheduler=one_cycle "
    "trainer.max_epochs=3 seed=0"
).split()


def main(options: list[str]) -> None:
    """Train, measure and write."""
    print("Training 3 epochs on 15,000 photographs ...", flush=True)
    model, data = train(*OPTIONS, *options)
    model.eval().requires_grad_(False)
    ends = [index for index, layer in enumerate(model.features) if isinstance(layer, nn.ReLU)]
    layers = [measure(model.features[:end], data) for end in track(ends, "layers")]  # before ReLU
    command = " ".join(["python intro_dl/figures/lecture_004/g47_measure.py", *options])
    found = {
        "command": command,
        "options": " ".join([*OPTIONS, *options]),
        "accuracy/val": round(model.history[-1]["accuracy/val"], 4),
        "versions": {"torch": torch.__version__},
        "layers": layers,
    }
    (RESULTS / "figures").mkdir(exist_ok=True)
    write_whole(RESULTS / "figures" / "g47.json", to_json(found))


def measure(features: nn.Module, data) -> dict:
    """Return what excites the maps of one layer: in photographs, and by gradient ascent."""
    photographs, labels = data.splits["val"]
    peaks = torch.cat([features(data.transform(part)).amax((2, 3)) for part in photographs.split(250)])
    best = labels[peaks.topk(TOP, dim=0).indices]  # (TOP, maps): the classes that excite a map most
    shares = [best[:, unit].bincount().max().item() / TOP for unit in range(best.shape[1])]
    drawn = [ascend(features, unit, peaks[:, unit].max(), data) for unit in range(UNITS)]
    return {
        "fraction_of_most_frequent_class": sum(shares) / len(shares),
        "photographs": len(labels),
        "side": drawn[0][0].shape[1],
        "images": [hexadecimal(image) for image, _ in drawn],
        "activation_over_best_photograph": [round(reached, 3) for _, reached in drawn],
    }


def hexadecimal(image: torch.Tensor) -> list[str]:
    """Return each row of an image (3, side, side) in [0, 1] as the bytes of its pixels."""
    rows = image.permute(1, 2, 0).mul(255).round().byte().flatten(1)
    return [bytes(row.tolist()).hex() for row in rows]


def ascend(features: nn.Module, unit: int, best: torch.Tensor, data) -> tuple[torch.Tensor, float]:
    """Return the image (3, side, side) in [0, 1] that excites the middle of a map, and the activation.

    The activation is in units of `best`, that of the best photograph. The squares of the differences of
    neighboring pixels are penalized: without it the images are noise. What the unit does not see is cut off.
    """
    logits = (0.1 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(unit))).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.1)

    def activation() -> torch.Tensor:
        maps = features(data.transform(255 * logits.sigmoid()))
        return maps[0, unit, maps.shape[2] // 2, maps.shape[3] // 2] / best

    (seen,) = torch.autograd.grad(activation(), logits)
    rows = seen[0].abs().sum((0, 2)).nonzero().flatten()
    window = slice(rows.min(), rows.max() + 1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        image = logits.sigmoid()[0, :, window, window]
        rough = image.diff(dim=1).square().mean() + image.diff(dim=2).square().mean()
        (SMOOTH * rough - activation()).backward()
        optimizer.step()
    return logits.sigmoid().detach()[0][:, window, window], activation().item()


if __name__ == "__main__":
    with torch.random.fork_rng():
        main(sys.argv[1:])
