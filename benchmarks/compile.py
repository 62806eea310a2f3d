"""What trainer.compile=true costs and brings, model by model, and benchmarks/RESULTS.md.

    python benchmarks/compile.py                 about half an hour on two cores
    python benchmarks/compile.py mlp steps=5     one model, a few steps; nothing is written

Each model trains on its own data as scripts/train.py does, without and with torch.compile in turns, each time
with an empty cache. The warm-up is what the first steps take beyond the duration of later ones.
"""

import contextlib
import io
import sys
import tempfile
import time
from unittest import mock

import pytorch_lightning as pl
import report
import torch
from hydra import compose, initialize_config_module
from torch._dynamo.utils import counters
from torch._inductor.utils import fresh_cache

from intro_dl.config.options import Option, read_options
from intro_dl.config.schema import register_schema
from intro_dl.config.types import Size
from intro_dl.runs.program import run_script
from intro_dl.tasks import Task
from intro_dl.training import train as training

MODELS = ["mlp", "lenet", "cnn", "resnet", "restorer", "vae", "translator", "char_rnn", "char_lstm"]
MODELS.append("char_lstm model.cell=scratch")  # the slide's equations instead of nn.LSTM
SHORT = ["trainer.max_epochs=2", "trainer.limit_val_batches=2", "trainer.accelerator=cpu", "test=false"]
SHORT += [
    "callbacks=no_early_stopping",
    "callbacks.progress=null",
    f"trainer.threads={torch.get_num_threads()}",
]


class Steps(pl.Callback):
    """Seconds of each training step."""

    def __init__(self) -> None:
        self.seconds = []

    def on_train_batch_start(self, *_):
        self.began = time.perf_counter()

    def on_train_batch_end(self, *_):
        self.seconds.append(time.perf_counter() - self.began)


def measure(model: str, steps: int, compiled: str) -> tuple[float, float]:
    """Return the seconds of the warm-up, and the milliseconds of a later step, of a run of two epochs."""
    clock = Steps()
    torch.compiler.reset()
    with (
        mock.patch.object(Task, "configure_callbacks", lambda task: [task.epoch, clock]),
        contextlib.redirect_stdout(io.StringIO()),
        initialize_config_module("intro_dl.configs", version_base="1.3"),
        tempfile.TemporaryDirectory() as folder,
        fresh_cache(),
    ):
        own = [*f"model={model}".split(), f"trainer.limit_train_batches={steps}", f"run_dir='{folder}/run'"]
        training.train(compose("train", [*own, f"trainer.compile={compiled}", *SHORT]))
    later = report.median(clock.seconds[len(clock.seconds) // 2 :])
    return sum(clock.seconds) - len(clock.seconds) * later, 1000 * later


def row(model: str, steps: int, rounds: int) -> tuple[str, ...]:
    """Return the medians of several rounds, and why torch.compile leaves parts of the model as they are."""
    counters.clear()
    try:
        found = [(*measure(model, steps, "false"), *measure(model, steps, "true")) for _ in range(rounds)]
    except Exception as error:  # whatever the compiler raises: the table names it
        return model, "-", "-", "-", "-", f"{type(error).__name__}: {error}".splitlines()[0]
    _, plain, warm_up, compiled = (report.median(column) for column in zip(*found, strict=True))
    pays = f"{1000 * warm_up / (plain - compiled):,.0f} steps" if compiled < plain else "never"
    breaks = "; ".join(sorted({reason.splitlines()[0] for reason in counters["graph_break"]}))
    return model, f"{plain:.2f}", f"{compiled:.2f}", f"{warm_up:.0f} s", pays, breaks or "none"


def main(arguments: list[str]) -> int:
    models, options = read_options(arguments, {"rounds": Option(Size, 2), "steps": Option(Size, 40)})
    register_schema()
    rows = []
    for model in models or MODELS:
        rows.append(row(model, options["steps"], options["rounds"]))
        report.say("  ".join(rows[-1]))
    columns = ("model", "ms a step", "compiled", "warm-up", "pays after", "left as it is")
    text = f"{report.machine()}\n\nMedians of {options['rounds']} rounds.\n\n{report.table(columns, rows)}"
    report.say(f"\n{text}")
    if not models:
        report.write_section("benchmarks/compile.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
