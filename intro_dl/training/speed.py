"""What makes a run faster and changes nothing of what it computes."""

import copy
import logging
import os
import time
from contextlib import AbstractContextManager, nullcontext

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.profilers import Profiler

from intro_dl.config.arguments import OWN_KEYS
from intro_dl.data.dataset import TensorData
from intro_dl.tasks import LanguageModel, Task

log = logging.getLogger(__name__)


class Unprofiled(Profiler):
    """Lightning's switch for its stopwatches, off: it opens about 80 of them in every step of training."""

    NOTHING = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager:
        return self.NOTHING

    def start(self, action_name: str) -> None:
        pass

    def stop(self, action_name: str) -> None:
        pass


def look_for_a_gpu_once() -> None:
    """Where there is no GPU, let Adam not look for one before each of its steps.

    Lightning sets PYTORCH_NVML_BASED_CUDA_CHECK=1, with which torch opens NVIDIA's library at every look
    (0.2 ms); without it, torch asks CUDA, which remembers its answer.
    """
    if not torch.cuda.is_available():
        os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"


def lightning_arguments(trainer: DictConfig) -> DictConfig:
    """The config of Lightning's Trainer: without the keys that are ours."""
    arguments = OmegaConf.to_container(trainer, resolve=True)
    return OmegaConf.create(
        {key: value for key, value in arguments.items() if key not in OWN_KEYS["trainer"]}
    )


def compile_step(model: Task) -> None:
    """Let torch.compile make one program of the forward pass, the loss and what else is measured.

    The model itself stays as it is: what looks inside finds its layers.
    """
    name = "metrics_and_state" if isinstance(model, LanguageModel) else "metrics"
    setattr(model, name, torch.compile(getattr(model, name)))


def check_bfloat16(trainer: DictConfig, model: Task, data: TensorData, device: torch.device) -> None:
    """Refuse bfloat16 where it would be slower than float32, as on processors without instructions for it.

    Raises:
        ValueError: if a step takes over a tenth longer; with `trainer.if_slower=warn`, it is only said.
    """
    if trainer.precision != "bf16-mixed" or trainer.get("if_slower", "ignore") == "ignore":
        return
    full, half = (1000 * seconds for seconds in probe(model, data, device))
    if half < 1.1 * full:
        return
    found = (
        f"bfloat16 is slower than float32 here: a step of {type(model).__name__} takes {half:.1f} ms "
        f"instead of {full:.1f} ms."
    )
    if trainer.if_slower == "refuse":
        raise ValueError(
            f"{found} Set trainer.precision=32-true; or trainer.if_slower=warn, to train in it all the same."
        )
    log.warning("%s trainer.precision=32-true is faster.", found)


def probe(model: Task, data: TensorData, device: torch.device, rounds: int = 3) -> tuple[float, float]:
    """Seconds of a step forward and back, in float32 and with bfloat16, on a copy of the model.

    Each the least of some rounds, which take turns; nothing is learned and no random number used up.
    """
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        batch = [part[:256].to(device) for part in next(iter(data.train_dataloader()))]
        model = copy.deepcopy(model).to(device).to(memory_format=torch.channels_last).train()
        for _ in range(1 + rounds):  # the first one warms up
            for half in seconds:
                began = _now(device)
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    loss = model.metrics(batch)["loss"]
                loss.backward()
                model.zero_grad()
                seconds[half].append(_now(device) - began)
    return min(seconds[False][1:]), min(seconds[True][1:])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
