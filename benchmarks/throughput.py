"""Training speed beside what users would otherwise write, in one process, and benchmarks/RESULTS.md.

    python benchmarks/throughput.py                     about five minutes on two cores
    python benchmarks/throughput.py quick=true          does it run? a few steps, and nothing is written

MNIST is read from the folder that INTRO_DL_DATA names, or data/, and downloaded if need be. A round measures
all contenders one after the other; what is shown is the median, and the median of the ratios within a round.
"Ours" is the way of scripts/train.py: composed config, Trainer, callbacks, TensorBoard, checkpoints. The
ResNet trains on random pixels of CIFAR-10's shape: speed does not depend on what they show.
"""

import contextlib
import ctypes
import io
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import report
import torch
from hydra import compose, initialize_config_module
from other_ways import Clock, Pictures, bare_loop, lightning_loop, loader_loop, one_hot_loop
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from intro_dl.config.options import Option, one_of, read_options
from intro_dl.config.schema import register_schema
from intro_dl.config.types import Size
from intro_dl.data.cifar10 import CIFAR10
from intro_dl.data.mnist import MNIST
from intro_dl.data.text import Pydoc
from intro_dl.models.airbench import Airbench
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.lenet import LeNet
from intro_dl.models.resnet import ResNet
from intro_dl.runs.program import run_script
from intro_dl.tasks import Task
from intro_dl.training import build as building
from intro_dl.training import train as training
from intro_dl.training.speed import M_MMAP_MAX, M_TRIM_THRESHOLD

ROOT = Path(os.environ.get("INTRO_DL_DATA", "data"))
BATCH = 128
STEPS = {
    "lenet": 429,
    "resnet": 20,
    "airbench": 10,
    "char_lstm": 328,
}  # 429 batches of 128 are MNIST's 55,000 images, less the rest; 328 of 16 x 64 characters are pydoc's epoch
M_MMAP_THRESHOLD = -3  # of malloc.h
HALF = ("trainer=bf16", "trainer.if_slower=warn")
OPTIONS = {
    "rounds": Option(Size, 3),
    "quick": one_of("false", "true"),
    "steps": Option(Size),
}


def ours(device: str, steps: int, *overrides: str) -> float:
    """Seconds of an epoch of so many steps of the command `python scripts/train.py <overrides>`."""
    clock = Clock(device)
    accelerator = "gpu" if device == "cuda" else "cpu"
    fixed = [
        f"trainer.limit_train_batches={steps}",
        "trainer.max_epochs=1",
        "trainer.limit_val_batches=1",
        "test=false",
        f"trainer.accelerator={accelerator}",
    ]

    def build_trainer(cfg):
        trainer = build(cfg)
        trainer.callbacks.insert(0, clock)
        return trainer

    build, building.build_trainer = building.build_trainer, build_trainer
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            with initialize_config_module("intro_dl.configs", version_base="1.3"):
                cfg = compose("train", [*overrides, *fixed, f"run_dir='{folder}/run'"])
            training.train(cfg)
    finally:
        building.build_trainer = build
        return_freed_memory()
    if clock.steps != steps:
        raise ValueError(f"{' '.join(overrides)} made {clock.steps} steps instead of {steps}.")
    return clock.seconds


def return_freed_memory() -> None:
    """Undo `speed.keep_freed_memory`, so that other contenders train as in a process of their own.

    The values are those that glibc itself chooses once a program has freed large blocks.
    """
    if sys.platform == "linux":
        libc, megabyte = ctypes.CDLL("libc.so.6"), 2**20
        libc.mallopt(M_MMAP_MAX, 65_536)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * megabyte)
        libc.mallopt(M_TRIM_THRESHOLD, 64 * megabyte)


def lenet(device: str, steps: int, folder: Path) -> dict[str, Callable[[], float]]:
    data = MNIST(root=str(ROOT), batch_size=BATCH)
    data.prepare_data()
    data.setup()
    normalize = [transforms.ToTensor(), transforms.Normalize(data.MEAN, data.STD)]
    move = transforms.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1))
    plain, moved = (
        datasets.MNIST(ROOT, transform=transforms.Compose(change))
        for change in (normalize, [move, *normalize])
    )
    make = partial(LeNet, **data.dims)
    loop = partial(bare_loop, make, *data.splits["train"], data.MEAN, data.STD, steps, BATCH, device)
    run = ["model=lenet", "data=mnist", f"data.root='{ROOT.resolve()}'"]
    return {
        "bare loop": loop,
        "bare loop, fused Adam": partial(loop, fused=True),
        "ours": partial(ours, device, steps, *run),
        "DataLoader": partial(loader_loop, make, plain, steps, BATCH, device),
        "DataLoader, 2 workers": partial(loader_loop, make, plain, steps, BATCH, device, workers=2),
        "Lightning + DataLoader": partial(lightning_loop, make, plain, steps, BATCH, device, folder),
        "ours, augmented": partial(ours, device, steps, *run, "data.augment=affine"),
        "DataLoader, RandomAffine": partial(loader_loop, make, moved, steps, BATCH, device),
    }


def invented_cifar10(steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Let data=cifar10 read random pixels and labels, and return these."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, ((steps + 1) * BATCH, 32, 32, 3), generator=generator).byte()
    labels = torch.randint(10, (len(pixels),), generator=generator)
    images = pixels.permute(0, 3, 1, 2)
    CIFAR10.prepare_data = lambda self: None
    CIFAR10.load = lambda self: dict.fromkeys(("train", "val", "test"), (images, labels))
    return images, labels


def airbench(device: str, steps: int, folder: Path) -> dict[str, Callable[[], float]]:
    invented_cifar10(steps)
    run = ["experiment=cifar10_fast", f"data.batch_size={BATCH}"]
    contenders = {"ours": partial(ours, device, steps, *run, "trainer.precision=32-true")}
    return contenders | in_bfloat16(device, steps, run)


def resnet(device: str, steps: int, folder: Path) -> dict[str, Callable[[], float]]:
    images, labels = invented_cifar10(steps)
    pixels = images.permute(0, 2, 3, 1).numpy()
    normalize = [transforms.ToTensor(), transforms.Normalize(CIFAR10.MEAN, CIFAR10.STD)]
    move = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    moved = Pictures(pixels, labels.tolist(), transforms.Compose([*move, *normalize]))
    make = partial(ResNet, **CIFAR10.dims)
    run = ["model=resnet", "data=cifar10", "optim=adam"]
    as_is = images.contiguous(), labels, CIFAR10.MEAN, CIFAR10.STD
    contenders = {
        "bare loop": partial(bare_loop, make, *as_is, steps, BATCH, device),
        "ours": partial(ours, device, steps, *run),
        "ours, augmented": partial(ours, device, steps, *run, "data.augment=crop_flip"),
        "DataLoader, crop and flip": partial(loader_loop, make, moved, steps, BATCH, device),
    }
    if half := in_bfloat16(device, steps, run):
        loop = partial(bare_loop, make, *as_is, steps, BATCH, device, bfloat16=True)
        contenders["bare loop, bf16, channels-last"] = loop
    return contenders | half


def in_bfloat16(device: str, steps: int, run: list[str]) -> dict[str, Callable[[], float]]:
    if device == "cpu" and report.NO_BFLOAT16 in report.processor():  # it would take seconds a step
        return {}
    return {"ours, trainer=bf16": partial(ours, device, steps, *run, *HALF)}


def char_lstm(device: str, steps: int, folder: Path) -> dict[str, Callable[[], float]]:
    data = Pydoc()
    data.setup()
    text = data.decode(data.splits["train"][0])
    hidden_size = CharLSTM(**data.dims).hparams.hidden_size
    sizes = hidden_size, steps, data.batch_size, data.window
    contenders = {
        "one-hot loop in NumPy": partial(one_hot_loop, text, data.alphabet, *sizes, device),
        "ours": partial(ours, device, steps, "model=char_lstm"),
    }
    if report.lstm_in_bfloat16(device):
        contenders["ours, trainer=bf16"] = partial(ours, device, steps, "model=char_lstm", *HALF)
    return contenders


def of_one_image(model: Task) -> float:
    """Floating-point operations of one training step on one image."""
    images = torch.zeros(2, *model.hparams["in_shape"])
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    return counter.get_total_flops() / 2


def operations() -> dict[str, float]:
    """Floating-point operations of one training step on one image, or one character."""
    models = {
        "lenet": LeNet(**MNIST.dims),
        "resnet": ResNet(**CIFAR10.dims),
        "airbench": Airbench(**CIFAR10.dims),
    }
    counts = {name: of_one_image(model) for name, model in models.items()}
    data = Pydoc()
    data.setup()
    model = CharLSTM(**data.dims)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embedding" not in n]
    counts["char_lstm"] = 6 * sum(
        matrix.numel() for matrix in matrices
    )  # multiply and add; forward, and twice back
    return counts


def matrix_product(size: int = 2048) -> float:
    """Operations a second of a product of two matrices of float32."""
    a, b = torch.randn(2, size, size)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / report.median(seconds)


def peak_memory() -> float:
    """MB that LeNet on MNIST takes at its peak, beyond the imports alone."""
    imports = report.child("-c", report.IMPORTS)
    with tempfile.TemporaryDirectory() as folder:
        run = ["data=mnist", f"data.root={ROOT.resolve()}", "trainer.max_epochs=1", "trainer.accelerator=cpu"]
        ours = report.child(report.TRAIN, *run, "trainer.limit_train_batches=100", f"run_dir={folder}/run")
    return ours.peak - imports.peak


def images_trained() -> float:
    """Images that experiment=cifar10_fast trains on, all epochs together."""
    with initialize_config_module("intro_dl.configs", version_base="1.3"):
        cfg = compose("train", ["experiment=cifar10_fast"])
    return cfg.trainer.max_epochs * (1 - cfg.data.split_fraction) * 50_000  # of CIFAR-10


WORK = {"lenet": lenet, "resnet": resnet, "airbench": airbench, "char_lstm": char_lstm}
TITLES = {
    "lenet": "LeNet on MNIST",
    "resnet": "ResNet-20 on 32x32x3",
    "airbench": "Airbench on 32x32x3",
    "char_lstm": "Character LSTM on pydoc",
}
REACH = [  # what, on which work, which contender, over which, at least (at most, if negative)
    ("LeNet on MNIST, ours / bare loop, logging on", "lenet", "ours", "bare loop", -0.95),
    ("DataLoader loop / ours", "lenet", "DataLoader", "ours", 2.1),
    ("Lightning + DataLoader / ours", "lenet", "Lightning + DataLoader", "ours", 2.4),
    ("per-image RandomAffine / ours augmented", "lenet", "DataLoader, RandomAffine", "ours, augmented", 3.3),
    ("ResNet-20 float32 loop / ours with trainer=bf16", "resnet", "bare loop", "ours, trainer=bf16", 2.3),
    # With one-hot vectors of 103 characters, instead of 64 embedded numbers, an LSTM of 192 cells takes
    # (103 + 192) / (64 + 192) = 1.15 times the operations. All else costs as much, so float32 reaches 1.1.
    ("char LSTM, one-hot NumPy loop / ours", "char_lstm", "one-hot loop in NumPy", "ours", 1.1),
    (
        "char LSTM, one-hot NumPy loop / ours with trainer=bf16 (AMX)",
        *("char_lstm", "one-hot loop in NumPy", "ours, trainer=bf16", 1.5),
    ),
]


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, OPTIONS)
    quick = options["quick"] == "true"
    rounds = 1 if quick else options["rounds"]
    register_schema()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    product, counts = matrix_product(), operations()
    text = [
        f"{report.machine()}\n",
        f"A product of two 2048x2048 matrices of float32: {product / 1e9:,.0f} GFLOP/s. "
        "Convolutions, computed by another library, and bfloat16 can be faster. "
        f"Medians of {rounds} rounds.\n",
    ]
    measured, length = {}, {work: options["steps"] or (3 if quick else STEPS[work]) for work in WORK}
    with tempfile.TemporaryDirectory() as folder:
        for work, make in WORK.items():
            steps = length[work]
            report.say(f"{TITLES[work]}, {steps} steps of each:")
            report.interleaved(make("cpu", 2, Path(folder)), 1)  # two steps, to warm up
            measured[work] = report.interleaved(make("cpu", steps, Path(folder)), rounds)
            text.append(speeds(work, steps, measured[work], counts[work], product))
    rows = [reached(measured, *row) for row in REACH]
    memory = peak_memory()
    what = "peak memory, LeNet on MNIST, beyond the bare imports"
    rows.append((what, "<= 300 MB", f"{memory:.0f} MB", "yes" if memory <= 300 else "no"))
    fastest = min(map(report.median, measured["airbench"].values()))
    minutes = images_trained() / (length["airbench"] * BATCH) * fastest / 60
    what = "the steps of experiment=cifar10_fast, at the speed of Airbench above"
    rows.append((what, "<= 40 min", f"{minutes:.0f} min", "yes" if minutes <= 40 else "no"))
    text.append(report.table(("what", "reach", "measured", "reached"), rows))
    report.say("\n" + "\n".join(text))
    if not quick:
        report.write_section("benchmarks/throughput.py", "\n".join(text))
    return 0


def speeds(work: str, steps: int, measured: dict[str, list[float]], count: float, product: float) -> str:
    """Return the table of one task: seconds, examples a second, and operations a second."""
    each = 16 * 64 if work == "char_lstm" else BATCH
    rows = []
    for name, seconds in measured.items():
        middle = report.median(seconds)
        speed = steps * each / middle
        times = f"{middle:.2f}", f"{1000 * middle / steps:.1f}"
        rows.append(
            (name, *times, f"{speed:,.0f}", f"{count * speed / 1e9:.1f}", f"{count * speed / product:.0%}")
        )
    unit = "characters/s" if work == "char_lstm" else "images/s"
    columns = (f"{TITLES[work]}, {steps} steps", "seconds", "ms a step", unit, "GFLOP/s", "of the product")
    return report.table(columns, rows)


def reached(measured: dict, what: str, work: str, above: str, below: str, reach: float) -> tuple[str, ...]:
    wanted = f"{'>=' if reach > 0 else '<='} {abs(reach)}"
    if below not in measured[work]:
        return what, wanted, "-", report.NO_BFLOAT16
    ratio = report.ratio(measured[work][above], measured[work][below])
    done = ratio >= reach if reach > 0 else ratio <= -reach
    return what, wanted, f"{ratio:.2f}", "yes" if done else "no"


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
