"""What bounds a training step of an LSTM, in float32 and in bfloat16, and benchmarks/RESULTS.md.

    python benchmarks/lstm.py                   about half a minute on two cores
    python benchmarks/lstm.py quick=true        does it run? nothing is written

The LSTM of model=char_lstm on its windows; a step is forward and back, without a loss. "Its products" are
the matrix products alone, in the sizes that the recurrence needs: one for all time steps where no state is
involved, one for each time step where it is.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import report
import torch
from torch import nn

from intro_dl.config.options import Option, one_of, read_options
from intro_dl.config.types import Size
from intro_dl.data.text import Pydoc
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.runs.program import run_script

OPTIONS = {"rounds": Option(Size, 5), "quick": one_of("false", "true")}
# oneDNN writes the names of its kernels to the stream itself, so it runs in a process of its own.
VERBOSE = """
import torch
with torch.autocast("cpu", torch.bfloat16, enabled={half}):
    outputs, _ = torch.nn.LSTM({E}, {H})(torch.zeros({T}, {B}, {E}))
outputs.sum().backward()
"""
WHY = """Read in the sources of torch 2.14 and oneDNN 3 (`src/cpu/rnn`), for all CPUs: torch trains the layer with
oneDNN in both precisions, and casts the weights once a step, not at each time step. In float32, the kernel `ref`
computes the gradients of the weights as one product for all time steps. In bfloat16, `brgemm` adds a product for
each time step to these 4H(E+H) numbers, so that {traffic:.0f} MB are read and written in a step. It sums over B={B}
examples, where one tile of AMX has room for 32. Written out in Python (`model.cell=scratch`) a step has about 2,800
kernels instead of 36. benchmarks/compile.py measures what `trainer.compile=true` changes in both.
"""  # noqa: E501


def timed(step: Callable[[], object], steps: int) -> float:
    """Return the milliseconds of a step, the mean of several after a first one."""
    step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return 1000 * (time.perf_counter() - began) / steps


def layer(lstm: nn.LSTM, x: torch.Tensor, dtype: torch.dtype) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        outputs, _ = lstm(x)  # (T, B, H)
    lstm.zero_grad()
    outputs.backward(torch.ones_like(outputs))


def products(T: int, B: int, E: int, H: int, dtype: torch.dtype) -> Callable[[], object]:
    """Return the products of a step on T times B inputs of E numbers, with states of H numbers."""
    x, h, gates = (torch.randn(T * B, size).to(dtype) for size in (E, H, 4 * H))
    w, u = (torch.randn(size, 4 * H).to(dtype) for size in (E, H))

    def step() -> list[torch.Tensor]:
        forward = [x @ w, *(state @ u for state in h.split(B))]
        return [*forward, *(slope @ u.T for slope in gates.split(B)), gates @ w.T, x.T @ gates, h.T @ gates]

    return step


def kernels(dtype: torch.dtype, **sizes: int) -> str:
    """Return the names that oneDNN gives to its kernels of an LSTM, forward and back."""
    code = VERBOSE.format(half=dtype == torch.bfloat16, **sizes)
    environment = os.environ | {"ONEDNN_VERBOSE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    lines = [line.partition(",cpu,rnn,")[2].split(",") for line in done.stdout.splitlines()]
    return ", ".join(dict.fromkeys(" ".join(line[:2]) for line in lines if len(line) > 1))


def main(arguments: list[str]) -> int:
    _, options = read_options(arguments, OPTIONS)
    quick = options["quick"] == "true"
    rounds, steps = (1, 1) if quick else (options["rounds"], 30)
    data, hparams = Pydoc(), CharLSTM(vocab_size=1).hparams
    T, B, E, H = data.window, data.batch_size or 1, hparams["embedding_size"], hparams["hidden_size"]
    sizes = {"T": T, "B": B, "E": E, "H": H}
    lstm, x = nn.LSTM(E, H), torch.randn(T, B, E, requires_grad=True)
    dtypes = {"float32": torch.float32}
    if report.lstm_in_bfloat16():
        dtypes["bfloat16"] = torch.bfloat16
    contenders = {}
    for name, dtype in dtypes.items():
        contenders[name] = partial(timed, partial(layer, lstm, x, dtype), steps)
        contenders[f"its products, {name}"] = partial(timed, products(**sizes, dtype=dtype), steps)
    measured = report.interleaved(contenders, rounds, "ms")
    ms = {name: report.median(values) for name, values in measured.items()}
    operations = 6 * T * B * 4 * H * (E + H)  # multiply and add; forward, and twice back
    columns = ", ".join(f"{name}={size}" for name, size in sizes.items()), "ms a step", "GFLOP/s"
    rows = [(name, f"{each:.2f}", f"{operations / each / 1e6:.0f}") for name, each in ms.items()]
    text = [f"{report.machine()}\n", f"Medians of {rounds} rounds.\n", report.table(columns, rows)]
    text += [f"Kernels in {name}: {kernels(dtype, **sizes)}.\n" for name, dtype in dtypes.items()]
    rest = max(0.0, ms["float32"] - ms["its products, float32"])
    found = f"All but the products takes {rest / ms['float32']:.0%} of the step in float32. "
    if "bfloat16" in dtypes:
        gain = report.ratio(measured["float32"], measured["bfloat16"])
        alone = ms["float32"] / (rest + ms["its products, bfloat16"])
        found += (
            f"bfloat16 is {gain:.2f} times as fast; if it changed the products alone, {alone:.2f} times.\n"
        )
    else:
        found += "This CPU has no LSTM in bfloat16.\n"
    text += [found, WHY.format(traffic=8e-6 * T * 4 * H * (E + H), **sizes)]
    report.say("\n" + "\n".join(text))
    if not quick:
        report.write_section("benchmarks/lstm.py", "\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(__doc__, main, sys.argv[1:]))
