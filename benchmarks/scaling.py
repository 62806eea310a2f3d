"""How seconds, memory and disk grow with the data, the model, the processes and the runs of a sweep.

    python benchmarks/scaling.py                        ten minutes on two quiet cores; Linux only
    python benchmarks/scaling.py images=200,400         does it run? nothing is written

The tables go to benchmarks/RESULTS.md, the last one also to docs/SCALING.md. benchmarks/two_processes.py has
the runs in two processes; their memory is that of the larger process, without the pages of files.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import report
import torch
from PIL import Image
from two_processes import SHORT, seconds, trial

from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.data.image_file import read_image
from intro_dl.runs.program import run_script

PAGE = Path(__file__).parent.parent / "docs" / "SCALING.md"
BEGIN, END = "<!-- measured: python benchmarks/scaling.py -->\n", "<!-- end -->"
IMAGES, WIDTHS, PROCESSES, RUNS = (20_000, 100_000), (250, 1000, 4000), (1, 2), (1, 2, 4, 8)
IMAGENET, SIDE = 1_281_167 + 50_000, 224  # training and validation images
PHOTOGRAPHS = 200


def model(folder: Path, width: int, processes: int) -> list[float]:
    """Return parameters, ms a step, peak MB and MB of last.ckpt of an MLP on batches of 64 digits."""
    run = folder / f"mlp-{width}-{processes}"
    words = ["model=mlp", f"model.hidden=[{width},{width}]", "data.batch_size=64", "trainer.max_epochs=2"]
    words += ["trainer=ddp" if processes > 1 else "trainer=cpu", "trainer.threads=1", "test=false"]
    words += ["trainer.limit_val_batches=1", "trainer.limit_train_batches=20", *SHORT]
    peak = report.child(report.TRAIN, *words, f"run_dir={run}").peak
    parameters = json.loads((run / "result.json").read_text(encoding="utf-8"))["parameters"]
    saved = (run / "checkpoints" / "last.ckpt").stat().st_size / 1e6
    return [parameters, 1000 * seconds(run)[1] / 20, peak, saved]


def sweep(folder: Path, runs: int) -> float:
    """Return the seconds of a sweep of so many short runs."""
    seeds = f"seed={','.join(map(str, range(runs)))}"
    words = ["-m", seeds, "model=lenet", "trainer.max_epochs=2", *SHORT]
    return report.child(report.TRAIN, *words, f"hydra.sweep.dir={folder}/sweep{runs}").seconds


def photographs(folder: Path) -> tuple[float, float, float]:
    """Return how many photographs a second are decoded, and read from a file of pixels: warm, and cold."""
    random = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        small = Image.fromarray(random.integers(256, size=(75, 100, 3), dtype=np.uint8))
        small.resize((500, 375)).save(folder / f"{number}.jpg", quality=90)
    began = time.perf_counter()
    images = [read_image(folder / f"{number}.jpg", (SIDE, SIDE), "RGB")[0] for number in range(PHOTOGRAPHS)]
    decoded = PHOTOGRAPHS / (time.perf_counter() - began)
    np.concatenate(10 * [np.stack(images)]).tofile(folder / "pixels")
    count, rates = 10 * PHOTOGRAPHS, []
    for cold in (False, True):
        with (folder / "pixels").open("rb+") as file:
            os.fsync(file.fileno())
            if cold:  # the system forgets its copy in memory
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size = count * SIDE * SIDE * 3
        pixels = torch.from_file(str(folder / "pixels"), size=size, dtype=torch.uint8).view(count, -1)
        began = time.perf_counter()
        for batch in torch.randperm(count).split(64):
            pixels[batch]
        rates.append(count / (time.perf_counter() - began))
    return decoded, *rates


def imagenet(trials: list[dict[str, float]], decoded: float, cold: float) -> list[tuple[str, str, str]]:
    """Return what ImageNet would cost: the numbers above, if they grow in proportion to the images."""
    few, many = trials[0], trials[-1]

    def growth(name: str) -> float:
        return IMAGENET * max(0.0, many[name] - few[name]) / (many["images"] - few["images"])

    pixels = IMAGENET * SIDE * SIDE * 3 / 1e9
    grows = f"as from {few['images']:,.0f} to {many['images']:,.0f} images"
    return [
        ("decoded pixels, on the disk", f"{pixels:.0f} GB", "image_size^2 x 3 bytes an image"),
        ("while they are written", f"{2 * pixels:.0f} GB", "twice that"),
        (
            "decoding, once",
            f"{IMAGENET / decoded / 3600:.1f} h",
            f"{decoded:,.0f} images a second, in one process",
        ),
        ("a later start", f"{growth('s to the first step, later'):.0f} s", grows),
        ("memory a process to list files", f"{growth('MB a process, before it') / 1e3:.1f} GB", grows),
        ("reading an epoch from the disk", f"{IMAGENET / cold / 60:.0f} min", f"{cold:,.0f} images a second"),
    ]


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"images": Option(list[Size], list(IMAGES))})
    text, trials = [f"{report.machine()}\n"], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for count in options["images"]:
            report.say(f"{count:,} images in two processes, four runs ...")
            trials.append(trial(folder / str(count), count))
        names = [name for name in trials[0] if name not in ("images", "s an epoch")]
        rows = [(name, *(f"{row[name]:,.0f}" for row in trials)) for name in names]
        rows.append(("s an epoch", *(f"{row['s an epoch']:.1f}" for row in trials)))
        sizes = [f"{count:,} images" for count in options["images"]]
        text.append(report.table(("LeNet in two processes", *sizes), rows))
        text.append(
            "On each set, three runs end with the same weights, bit for bit: one started by torchrun, one by "
            "trainer=ddp, and one that lost process 1 in its second epoch and was resumed.\n"
        )
        report.say("Models ...")
        rows = []
        for width in WIDTHS:
            parameters, *alone = model(folder, width, 1)
            _, together, *_ = model(folder, width, 2)
            numbers = [f"{number:,.1f}" for number in (*alone, together)]
            rows.append((f"[{width},{width}]", f"{parameters:,.0f}", *numbers))
        columns = ("MLP", "parameters", "ms a step", "peak MB", "MB of last.ckpt", "ms in two processes")
        text.append(report.table(columns, rows))
        report.say("Sweeps ...")
        rows = [(str(runs), f"{sweep(folder, runs):.1f}") for runs in RUNS]
        text.append(report.table(("runs of LeNet on digits, two epochs", "s in all"), rows))
        decoded, warm, cold = photographs(folder)
    text.append(
        f"JPEG photographs of 500x375 become {SIDE}x{SIDE} pixels at {decoded:,.0f} a second. Batches of 64 "
        f"in random order are read from the file of pixels at {warm:,.0f} images a second if the system has "
        f"it in memory, and at {cold:,.0f} after it was told to forget it.\n"
    )
    columns = (f"ImageNet, {IMAGENET:,} images of {SIDE}x{SIDE}", "extrapolated", "assumption")
    last = report.table(columns, imagenet(trials, decoded, cold))
    section = "\n".join([*text, last])
    report.say(f"\n{section}")
    if options["images"] == list(IMAGES):
        report.write_section("benchmarks/scaling.py", section)
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + last + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
