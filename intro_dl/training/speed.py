"""Make a run faster without changing what it computes."""

import copy
import logging
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from omegaconf import DictConfig
from pytorch_lightning.profilers import Profiler

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import LanguageModel, Task

log = logging.getLogger(__name__)

CPU = torch.device("cpu")


class Unprofiled(Profiler):
    """Turn off Lightning's profiler timers: it starts about 80 of them in every training step."""

    NOTHING = nullcontext()

    def profile(self, action_name: str) -> Any:  # Lightning's own is a generator: one more frame per step
        return self.NOTHING

    def start(self, action_name: str) -> None:
        pass

    def stop(self, action_name: str) -> None:
        pass


def look_for_a_gpu_once() -> None:
    """Stop Adam from searching for a GPU before each step on machines without one.

    Lightning sets PYTORCH_NVML_BASED_CUDA_CHECK=1. torch then opens NVIDIA's library at every check (0.2 ms).
    Without this variable, torch uses CUDA, which caches the result.
    """
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


def compile_step(model: Task) -> None:
    """Compile the forward pass, the loss and the metrics into one program.

    The model itself stays as it is, so that callbacks still find its layers.
    """
    name = "metrics_and_state" if isinstance(model, LanguageModel) else "metrics"
    setattr(model, name, torch.compile(getattr(model, name)))


def check_bfloat16(trainer: DictConfig, model: Task, data: TensorData, device: torch.device) -> None:
    """Refuse bfloat16 where it cannot run or is slower than float32, as on CPUs without instructions for it.

    Raises:
        ValueError: if a step takes over a tenth longer; with `trainer.if_slower=warn`, this is a warning.
    """
    if trainer.precision != "bf16-mixed":
        return
    name = type(model).__name__
    try:
        full, half = (1000 * seconds for seconds in probe(model, data, device))
    except RuntimeError as error:
        raise ValueError(
            f"This device cannot run {name} in bfloat16: set trainer.precision=32-true."
        ) from error
    if half < 1.1 * full or trainer.get("if_slower", "ignore") == "ignore":
        return
    found = f"bfloat16 is slower here: a step of {name} takes {half:.1f} ms, with float32 {full:.1f} ms."
    if trainer.if_slower == "refuse":
        raise ValueError(f"{found} Set trainer.precision=32-true, or trainer.if_slower=warn to train anyway.")
    log.warning("%s trainer.precision=32-true is faster.", found)


def probe(model: Task, data: TensorData, device: torch.device, rounds: int = 3) -> tuple[float, float]:
    """Return the seconds of a step forward and back, in float32 and in bfloat16, on a copy of the model.

    Each time is the minimum over several rounds, which alternate.
    """
    seconds: dict[bool, list[float]] = {False: [], True: []}
    step = rehearsal(model, data, device)
    for _ in range(1 + rounds):  # the first one warms up
        for half in seconds:
            start = _now(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                step()
            seconds[half].append(_now(device) - start)
    return min(seconds[False][1:]), min(seconds[True][1:])


def rehearsal(model: Task, data: TensorData, device: torch.device = CPU) -> Callable[[], None]:
    """Return a step forward and back on a copy of the model. The model and the random state stay the same."""
    generators = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(generators):
        inputs, targets = (part[:256].to(device) for part in next(iter(data.train_dataloader())))
        copied = copy.deepcopy(model).to(device).to(memory_format=torch.channels_last).train()

    def step() -> None:
        with torch.random.fork_rng(generators):  # for dropout
            copied.metrics((inputs, targets))["loss"].backward()
        copied.zero_grad()

    return step


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
