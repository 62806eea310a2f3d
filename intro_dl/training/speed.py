"""Make a run faster without changing what it computes."""

import copy
import ctypes
import logging
import os
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.profilers import Profiler

from intro_dl.data.dataset import TensorData
from intro_dl.tasks import LanguageModel, Task

log = logging.getLogger(__name__)

CPU = torch.device("cpu")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
HOOKS_OF_A_STEP = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
LONG = 2.0  # seconds after which the rounds so far are enough


class Unprofiled(Profiler):
    """Turn off Lightning's profiler timers: it starts about 80 of them in every training step."""

    NOTHING = nullcontext()

    def profile(self, action_name: str) -> Any:  # Lightning's own is a generator: one more frame per step
        return self.NOTHING

    def start(self, action_name: str) -> None:
        pass

    def stop(self, action_name: str) -> None:
        pass


def keep_freed_memory() -> None:
    """Let the C library of Linux reuse the memory of freed tensors in the next step.

    By default it returns large blocks to the system, which fills each new one with zeros: up to a third of
    the time of a step of a convolutional network. Up to 2 GB of free memory are kept.
    """
    with suppress(OSError):  # other systems have no libc.so.6
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def skip_empty_hooks(callbacks: list[pl.Callback]) -> None:
    """Let Lightning pass over the hooks of a step that a callback does not have.

    It would call each of about 17 callbacks six times a step, although most do nothing there.
    """
    for callback in callbacks:
        for hook in HOOKS_OF_A_STEP:
            if getattr(type(callback), hook) is getattr(pl.Callback, hook) and hook not in vars(callback):
                setattr(callback, hook, None)


def look_for_a_gpu_once() -> None:
    """Stop Adam from searching for a GPU before each step on machines without one.

    Lightning sets PYTORCH_NVML_BASED_CUDA_CHECK=1. torch then opens NVIDIA's library at every check (0.2 ms).
    Without this variable, torch uses CUDA, which caches the result.
    """
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


def compile_step(model: Task) -> None:
    """Compile the forward pass, the loss and the metrics of training into one program.

    It draws the random numbers that torch draws without it. Evaluation is not compiled: it would double the
    warm-up. The model itself stays as it is, so that callbacks still find its layers. torch.compile leaves
    nn.LSTM and nn.GRU as they are, and compiles the rest of such a model in parts.
    """
    name = "metrics_and_state" if isinstance(model, LanguageModel) else "metrics"
    plain = getattr(model, name)
    compiled = torch.compile(plain, options={"fallback_random": True})
    setattr(model, name, lambda *inputs: (compiled if model.training else plain)(*inputs))


def check_bfloat16(
    trainer: DictConfig, model: Task, data: TensorData, device: torch.device, saved: str | None = None
) -> bool:
    """Return whether to train in float32 although bfloat16 is chosen: `trainer.if_slower=float32`.

    CPUs without instructions for bfloat16 are slower with it.

    Args:
        trainer: the config of the trainer.
        model: the model, on the CPU.
        data: the data, with their splits read.
        device: the device that trains.
        saved: the precision of a resumed run, which `trainer.if_slower=float32` uses again.

    Raises:
        ValueError: if the device cannot run the model in bfloat16, or if a step takes over a tenth longer
            and `trainer.if_slower` is "refuse"; if it is "warn", this is a warning.
    """
    if trainer.precision != "bf16-mixed":
        return False
    name, choice = type(model).__name__, trainer.get("if_slower", "ignore")
    if choice == "float32" and saved:
        return saved == "32-true"
    try:
        full, half = (1000 * seconds for seconds in probe(model, data, device))
    except RuntimeError as error:
        if choice == "float32":
            return True
        raise ValueError(
            f"This device cannot run {name} in bfloat16: set trainer.precision=32-true."
        ) from error
    if half < 1.1 * full or choice == "ignore":
        return False
    found = f"bfloat16 is slower here: a step of {name} takes {half:.1f} ms, with float32 {full:.1f} ms."
    if choice == "refuse":
        raise ValueError(f"{found} Set trainer.precision=32-true, or trainer.if_slower=warn to train anyway.")
    level = logging.INFO if choice == "float32" else logging.WARNING
    log.log(level, "%s trainer.precision=32-true is faster.", found)
    return choice == "float32"


def probe(model: Task, data: TensorData, device: torch.device, rounds: int = 3) -> tuple[float, float]:
    """Return the seconds of a step forward and back, in float32 and in bfloat16, on a copy of the model.

    Each time is the minimum over several rounds, which alternate. If the first one takes long, it decides.
    So do a few examples, if bfloat16 takes three times as long: a whole batch could take a minute.
    """
    full = half = 0.0
    for examples in (8, 256):
        seconds: dict[bool, list[float]] = {False: [], True: []}
        step = rehearsal(model, data, device, examples)
        for _ in range(1 + rounds):  # the first one warms up
            for bfloat16 in seconds:
                start = _now(device)
                with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                    step()
                seconds[bfloat16].append(_now(device) - start)
            if sum(map(sum, seconds.values())) > LONG:
                break
        full, half = (min(each[1:] or each) for each in seconds.values())
        if half > 3 * full:
            break
    return full, half


def rehearsal(
    model: Task, data: TensorData, device: torch.device = CPU, examples: int = 256
) -> Callable[[], None]:
    """Return a step forward and back on a copy of the model. The model and the random state stay the same."""
    generators = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(generators):
        inputs, targets = (part[:examples].to(device) for part in next(iter(data.train_dataloader())))
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
