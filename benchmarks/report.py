"""What the benchmarks share: the metadata of the machine, medians, and the file that keeps their tables."""

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytorch_lightning as pl
import torch

RESULTS = Path(__file__).parent / "RESULTS.md"
TITLE = (
    "# Speed, measured\n\nEach section is written by the script that it names; ratios are those of one run.\n"
)
NO_BFLOAT16 = "no bfloat16 instructions"
IMPORTS = "import torch, torchvision, pytorch_lightning"  # what any such program imports
TRAIN = str(Path(__file__).parent.parent / "scripts" / "train.py")


def machine() -> str:
    """Return what was measured on, with what, and when."""
    names = [f"{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"]
    if torch.cuda.is_available():
        names.append(torch.cuda.get_device_name())
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, Lightning {pl.__version__}"
    return f"{'; '.join(names)}; {versions}; {date.today()}."


def processor() -> str:
    """Return the processor's name, and which of its instructions make bfloat16 fast."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*: (.+)", text)
    found = [flag for flag in ("avx512_bf16", "amx_bf16") if re.search(rf"\b{flag}\b", text)]
    return f"{name[1] if name else platform.machine()} ({', '.join(found) or NO_BFLOAT16})"


def lstm_in_bfloat16(device: str = "cpu") -> bool:
    """Return whether torch has an LSTM in bfloat16 here: on a CPU, oneDNN needs AVX-512 or newer for it."""
    try:
        with torch.autocast(device, torch.bfloat16):
            torch.nn.LSTM(2, 2, device=device)(torch.zeros(1, 1, 2, device=device))
    except RuntimeError:
        return False
    return True


def interleaved(
    contenders: Mapping[str, Callable[[], float]], rounds: int, unit: str = "s"
) -> dict[str, list[float]]:
    """Measure each contender once a round, one after the other: a slow minute hits all of them alike."""
    measured = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        for name, measure in contenders.items():
            measured[name].append(measure())
            say(f"  round {number} of {rounds}: {name:<52} {measured[name][-1]:10.3f} {unit}")
    return measured


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median over the rounds of the ratio within each round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def say(text: str) -> None:
    print(text, flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown that can be read on the screen too."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in (columns, *rows)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write_section(script: str, text: str, file: Path = RESULTS) -> None:
    """Put `text` in the place of what the script of that name wrote last time; the other sections stay."""
    before = file.read_text(encoding="utf-8") if file.is_file() else TITLE
    parts = dict(re.findall(r"^## `python (\S+)[^`]*`\n(.*?)(?=^## `|\Z)", before, re.MULTILINE | re.DOTALL))
    parts[script] = f"\n{text.strip()}\n\n"
    file.write_text(
        TITLE + "".join(f"\n## `python {name}`\n{parts[name]}".rstrip() + "\n" for name in sorted(parts)),
        encoding="utf-8",
    )
    say(f"Written to {file.name}.")


# A process begins with the peak memory of its parent, so a small one stands in between.
SMALL_PARENT = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(1 if status else 0)
"""


class Child(NamedTuple):
    """What a program took."""

    seconds: float
    of_a_core: float  # seconds in which a core computed for it, or for a process that it started
    peak: float  # MB of memory


def child(*arguments: str | Path) -> Child:
    """Run Python on `arguments`, and return what it took."""
    command = [sys.executable, "-c", SMALL_PARENT, sys.executable, *map(str, arguments)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    seconds = time.perf_counter() - began
    if done.returncode:
        raise ValueError(f"python {' '.join(map(str, arguments))} failed: {done.stderr[-500:]}")
    peak, of_a_core = map(float, done.stdout.split())
    return Child(seconds, of_a_core, peak / (2**20 if sys.platform == "darwin" else 2**10))  # bytes, or KiB
