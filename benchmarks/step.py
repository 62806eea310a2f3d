"""What one training step consists of, ours beside the bare loop, and benchmarks/RESULTS.md.

    python benchmarks/step.py                    about two minutes on two cores
    python benchmarks/step.py rounds=1 steps=50

LeNet on MNIST, as in benchmarks/throughput.py. Each part is timed without the parts inside of it, so they add
up to the whole step. The first ten steps, which allocate memory, and the last one do not count.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import report
import torch
from pytorch_lightning.trainer import call
from pytorch_lightning.trainer.connectors.logger_connector.logger_connector import _LoggerConnector
from stopwatch import Stopwatch
from throughput import BATCH, ROOT, ours
from torch.nn import functional as F

from intro_dl.config.options import Option, read_options
from intro_dl.config.schema import register_schema
from intro_dl.config.types import Size
from intro_dl.data.batches import Batches
from intro_dl.data.mnist import MNIST
from intro_dl.models.lenet import LeNet
from intro_dl.runs.program import run_script
from intro_dl.tasks import Classifier, Task

CUT, FORWARD, BACKWARD, ADAM = "cut the batch", "forward, loss, accuracy", "backward", "Adam"
KEEP, CALLBACKS, LOGGING, LOOP = "keep the metrics", "call the callbacks", "Lightning's logging", "the rest"
PARTS = (CUT, FORWARD, BACKWARD, ADAM, KEEP, CALLBACKS, LOGGING, LOOP)
WARM_UP = 10  # steps


class Steps(Stopwatch):
    """Seconds in each part of some steps."""

    def __init__(self) -> None:
        super().__init__(time.perf_counter, LOOP)
        self.steps = 0
        self.result: dict[str, float] = {}  # microseconds of a step

    def run(self, part: str, function: Callable, *arguments: Any, **named: Any) -> Any:
        if closure := named.get("closure"):  # Lightning goes forward and back within Adam.step
            named["closure"] = lambda: self.run(LOOP, closure)
        return super().run(part, function, *arguments, **named)

    def batches(self, batches: Iterator[Any]) -> Iterator[Any]:
        for number in range(self.steps):
            if number == WARM_UP:
                self.seconds.clear()
            elif number == self.steps - 1:
                each = 1e6 / (number - WARM_UP)
                self.result = {part: self.seconds[part] * each for part in PARTS}
            yield self.run(CUT, next, batches)


WATCH = Steps()


def bare_loop(data: MNIST) -> None:
    """Train as the loop in other_ways.py."""
    (images, labels), model = data.splits["train"], LeNet(**data.dims)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    chosen = torch.randperm(len(images)).split(BATCH)
    cut = (((images[each].float() / 255 - data.MEAN[0]) / data.STD[0], labels[each]) for each in chosen)
    for batch, answers in WATCH.batches(cut):
        scores = WATCH.run(FORWARD, model, batch)
        loss = WATCH.run(FORWARD, F.cross_entropy, scores, answers)
        adam.zero_grad()
        loss.backward()
        adam.step()


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 5), "steps": Option(Size, 300)})
    register_schema()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    data = MNIST(root=str(ROOT), batch_size=BATCH)
    data.prepare_data()
    data.setup()
    WATCH.watch(FORWARD, Classifier, "metrics")
    WATCH.watch(KEEP, Task, "measure")
    WATCH.watch(BACKWARD, torch.Tensor, "backward")
    WATCH.watch(ADAM, torch.optim.Adam, "step", "zero_grad")
    WATCH.watch(CALLBACKS, call, "_call_callback_hooks")
    WATCH.watch(LOGGING, _LoggerConnector, "on_batch_start", "on_batch_end", "update_train_step_metrics")
    cut = Batches.batches_from
    Batches.batches_from = lambda self, first: (WATCH.batches if self.shuffle else iter)(cut(self, first))
    run = ["model=lenet", "data=mnist", f"data.root='{ROOT.resolve()}'"]
    WATCH.steps, measured = options["steps"], {"bare loop": [], "ours": []}
    ways = {"bare loop": lambda: bare_loop(data), "ours": lambda: ours("cpu", WATCH.steps, *run)}
    for _ in range(options["rounds"]):
        for name, way in ways.items():
            way()
            measured[name].append(WATCH.result | {"one step": sum(WATCH.result.values())})
            report.say(f"  {name:<12} {measured[name][-1]['one step']:10.0f} us a step")
    rows = [
        (part, *(f"{report.median([each[part] for each in rounds]):,.0f}" for rounds in measured.values()))
        for part in (*PARTS, "one step")
    ]
    text = f"{report.machine()}\n\nMedians of {options['rounds']} rounds, in microseconds.\n\n"
    text += report.table(("a step of LeNet on MNIST", *measured), rows)
    report.say("\n" + text)
    report.write_section("benchmarks/step.py", text)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
