"""Train on a directory of generated images in two processes, watch their memory, kill one, and resume."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import report
import torch
from PIL import Image

SHORT = ["callbacks=no_early_stopping", "callbacks.progress=null", "trainer.accelerator=cpu"]
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node", "2"]


def draw_images(folder: Path, count: int) -> None:
    """Write images of 32x32 pixels in ten classes: a pattern for each class, below much noise."""
    random = np.random.default_rng(0)
    patterns = random.integers(256, size=(10, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    for label in range(10):
        (folder / f"class_{label}").mkdir(parents=True)
    for number in range(count):
        noise = random.integers(256, size=(32, 32, 3))
        image = Image.fromarray((0.15 * patterns[number % 10] + 0.85 * noise).astype(np.uint8))
        image.save(folder / f"class_{number % 10}" / f"{number}.jpg", quality=90)


def processes(launcher: int) -> list[int]:
    """Return the processes that a launcher has started, in the order of their ranks."""
    found = {}
    for process in Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="utf-8").split():
        for variable in Path(f"/proc/{process}/environ").read_text(encoding="utf-8").split("\0"):
            if variable.startswith("RANK="):
                found[int(variable[5:])] = int(process)
    return [found[rank] for rank in sorted(found)]


def anonymous(process: int) -> float:
    """Return the MB of a process that are not pages of a file, which the system could drop at any time."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def watch(run: Path, command: list[str], kill_after: float | None = None) -> dict[str, float]:
    """Train, and return the seconds to the first step, and the largest MB of a process before and after it.

    With `kill_after`, process 1 is killed so many seconds after the first epoch was saved.
    """
    seen, began = {"start": 0.0, "before": 0.0, "after": 0.0}, time.monotonic()
    log, saved = run / "train.log", run / "checkpoints" / "last.ckpt"
    launcher = subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while launcher.poll() is None:
        time.sleep(0.05)
        if not seen["start"] and log.is_file() and "CPU threads" in log.read_text(encoding="utf-8"):
            seen["start"] = time.monotonic() - began
        try:
            ranks = processes(launcher.pid)
            sizes = list(map(anonymous, ranks))
        except (OSError, IndexError):  # one has just ended
            continue
        if kill_after is not None and saved.is_file():
            time.sleep(kill_after)
            os.kill(ranks[1], signal.SIGKILL)
            launcher.wait()
        elif sizes:
            phase = "after" if seen["start"] else "before"
            seen[phase] = max(seen[phase], *sizes)
    if (launcher.returncode == 0) == (kill_after is not None):
        raise ValueError(f"python {' '.join(command)} ended with code {launcher.returncode}.")
    return seen


def seconds(run: Path) -> list[float]:
    """Return the seconds of each epoch of a run."""
    rows = [row.split(",") for row in (run / "history.csv").read_text(encoding="utf-8").splitlines()]
    return [float(row[rows[0].index("seconds")]) for row in rows[1:]]


def state(run: Path) -> tuple[int, dict[str, torch.Tensor]]:
    """Return the number of finished epochs, and the weights."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return len(checkpoint["history"]), checkpoint["state_dict"]


def same(one: Path, two: Path) -> bool:
    """Return whether two runs have the same weights, bit for bit."""
    (_, first), (_, second) = state(one), state(two)
    return all(torch.equal(first[name], second[name]) for name in first)


def trial(folder: Path, count: int, *more: str) -> dict[str, float]:
    """Train twice, started by torchrun, which decodes, and by trainer=ddp; then kill a process, and resume.

    Raises:
        ValueError: if the weights of the three runs differ.
    """
    draw_images(folder / "images", count)
    words = ["model=lenet", "trainer=ddp", "trainer.max_epochs=2", *SHORT, "data=image_folder", *more]
    words += [f"data.root={folder}/images", f"data.cache={folder}/cache", "data.in_memory_limit=0"]
    torchrun, ddp, killed = (folder / name for name in ("torchrun", "ddp", "killed"))
    first = watch(torchrun, [*TORCHRUN, report.TRAIN, *words, f"run_dir={torchrun}"])
    later = watch(ddp, [report.TRAIN, *words, f"run_dir={ddp}"])
    epoch = report.median(seconds(torchrun) + seconds(ddp))
    watch(killed, [*TORCHRUN, report.TRAIN, *words, f"run_dir={killed}"], kill_after=0.4 * epoch)
    done, _ = state(killed)
    watch(killed, [*TORCHRUN, report.TRAIN, f"resume={killed}"])
    if done != 1 or not same(torchrun, ddp) or not same(torchrun, killed):
        raise ValueError(f"The weights differ, or the process was killed too late, after epoch {done}.")
    return {
        "images": count,
        "MB of images": sum(file.stat().st_size for file in (folder / "images").rglob("*.jpg")) / 1e6,
        "MB of pixels": sum(file.stat().st_size for file in (folder / "cache").iterdir()) / 1e6,
        "s to the first step, decoding": first["start"],
        "s to the first step, later": later["start"],
        "MB a process, before it": max(first["before"], later["before"]),
        "MB a process, after it": max(first["after"], later["after"]),
        "s an epoch": epoch,
    }
