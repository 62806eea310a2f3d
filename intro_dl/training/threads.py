"""Choose the number of CPU threads: more threads make a small step slower, above all on a busy machine.

Each operation of a step waits until all its threads are done. If other programs use the cores, a step of
LeNet can take ten times as long with all threads as with one. So a short measurement chooses before training.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Literal

import torch
from pytorch_lightning import Trainer

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import Task
from intro_dl.training.speed import rehearsal

log = logging.getLogger(__name__)

BURST = 0.03  # seconds of steps for one measurement: shorter ones depend on when the system switches programs
ROUNDS, SECONDS = 5, 2.0  # measure so often, or so long: at least one step with each number
AS_FAST = 1.05  # of two numbers that are as fast, the smaller one leaves cores to others


@contextmanager
def set_threads(number: int) -> Iterator[None]:
    """Use this number of CPU threads, and restore the number that was set before."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(number)
        yield
    finally:
        torch.set_num_threads(before)


def choose_threads(
    number: int | Literal["auto"], saved: int | None, trainer: Trainer, model: Task, data: TensorData
) -> int:
    """Return the number of CPU threads for a training.

    Args:
        number: the number, or "auto": measure which is fastest, up to torch's own (OMP_NUM_THREADS, if set).
        saved: the number of a resumed run. "auto" uses it again, since another number rounds differently.
        trainer: only a single process that trains on the CPU measures.
        model: the model, on the CPU.
        data: the data, with their splits read.
    """
    most = torch.get_num_threads()
    alone_on_cpu = trainer.world_size == 1 and trainer.strategy.root_device.type == "cpu"
    if number != "auto":
        chosen = number
    elif saved:
        chosen = saved
    elif alone_on_cpu and most > 1:
        with set_threads(most):
            chosen = fastest(rehearsal(model, data))
    else:
        chosen = most
    log.info("CPU threads: %d of %d", chosen, most)
    return chosen


def fastest(step: Callable[[], None]) -> int:
    """Return the number of threads with which `step` is fastest now: 1, 2, 4, ... or torch's own number."""
    most = torch.get_num_threads()
    seconds: dict[int, list[float]] = {2**power: [] for power in range(most.bit_length())} | {most: []}
    torch.set_num_threads(1)
    step()  # the first one also allocates memory
    start = time.perf_counter()
    for _ in range(ROUNDS):  # in turns, so that all meet the same load
        for threads, measured in seconds.items():
            measured.append(_seconds(step, threads))
        if time.perf_counter() - start > SECONDS:
            break
    typical = {threads: median(measured) for threads, measured in seconds.items()}
    return next(threads for threads, each in typical.items() if each <= AS_FAST * min(typical.values()))


def _seconds(step: Callable[[], None], threads: int) -> float:
    """Return the mean seconds of a step, over a burst of steps."""
    torch.set_num_threads(threads)
    steps, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < BURST:
        step()
        steps += 1
    return passed / steps
