"""How long a user waits before anything is learned, and benchmarks/RESULTS.md.

    python benchmarks/startup.py                 about a minute
    python benchmarks/startup.py rounds=9

Every round starts Python three times: `scripts/train.py --cfg job`, which must not wait for torch; the same
script up to the end of its first step (LeNet on digits); and the bare imports of torch, torchvision and
Lightning, which no program with Lightning can do without.
"""

import sys
import tempfile
from functools import partial

import report

from intro_dl.config.options import Option, read_options
from intro_dl.config.types import Size
from intro_dl.runs.program import run_script

FIRST_STEP = f"""
import os, runpy, sys
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *_: os._exit(0))
sys.argv[0] = {report.TRAIN!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def first_step() -> float:
    """Seconds from the command to the end of the first step."""
    with tempfile.TemporaryDirectory() as folder:
        return report.child("-c", FIRST_STEP, "trainer.accelerator=cpu", f"run_dir={folder}/run").seconds


def seconds(*arguments: str) -> float:
    return report.child(*arguments).seconds


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, {"rounds": Option(Size, 5)})
    config, step, imports = "--cfg job", "to the end of the first step", "the bare imports"
    contenders = {
        config: partial(seconds, report.TRAIN, "--cfg", "job"),
        step: first_step,
        imports: partial(seconds, "-c", report.IMPORTS),
    }
    measured = report.interleaved(contenders, options["rounds"])
    beyond = report.median([a - b for a, b in zip(measured[step], measured[imports], strict=True)])
    shown = report.median(measured[config])
    rows = [
        ("start: --cfg job", "<= 0.8 s", f"{shown:.2f} s", "yes" if shown <= 0.8 else "no"),
        (
            "first step beyond the bare imports",
            "<= 0.3 s",
            f"{beyond:.2f} s",
            "yes" if beyond <= 0.3 else "no",
        ),
    ]
    medians = [(name, f"{report.median(values):.2f} s") for name, values in measured.items()]
    text = [
        f"{report.machine()}\n",
        f"Medians of {options['rounds']} rounds.\n",
        report.table(("python scripts/train.py", "median"), medians),
        report.table(("what", "reach", "measured", "reached"), rows),
    ]
    report.say("\n" + "\n".join(text))
    report.write_section("benchmarks/startup.py", "\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
