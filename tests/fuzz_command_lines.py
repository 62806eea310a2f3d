"""Random command lines of scripts/train.py: each one runs, or is refused in one sentence.

python tests/fuzz_command_lines.py
python tests/fuzz_command_lines.py count=1000 seed=0
python tests/fuzz_command_lines.py only=17 seed=0       the 17th line of seed 0, with all that it prints

They are made from the options and keys in configs/: valid ones, wrong names, types and ranges, hostile
strings, sweeps, flags, and folders that cannot be resumed. All run in one process, in an empty folder,
without a network; if a line ends or blocks the process, it is reported, and a new process runs the rest. No
line may print a traceback, take 60 seconds, or write outside of its output folder.
"""

import atexit
import contextlib
import io
import multiprocessing
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the models are small

from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for a start as a script

from tests.random_command_lines import make_command, read_tree  # noqa: E402

SCRIPT = ROOT / "scripts" / "train.py"
SECONDS = 60  # a command line that takes longer counts as a hang
GRACE = 30  # extra time for the start of a process, and for a command line to end after its alarm
LONGEST = 1500  # characters of one sentence; it may list what is available


@dataclass
class Answer:
    """What one command line did.

    Args:
        problem: what it did wrong; empty if nothing.
    """

    number: int
    arguments: list[str]
    code: int = 0
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    problem: str = ""

    @property
    def command(self) -> str:
        return shlex.join(["python", "scripts/train.py", *self.arguments])


class Hang(BaseException):
    """The command line took too long."""


class Watch:
    """Records what is opened for writing outside of the allowed folders, and blocks the network."""

    def __init__(self) -> None:
        self.allowed: list[Path] | None = None  # None: do not look
        self.outside: set[str] = set()
        sys.addaudithook(self._look)

    def _look(self, event: str, details: tuple) -> None:
        if self.allowed is None:
            return
        if event == "socket.connect" or event == "socket.getaddrinfo":
            raise OSError("there is no network here")
        if event == "open" and isinstance(details[0], str | bytes) and self._writes(details):
            path = Path(os.path.realpath(os.fsdecode(details[0])))
            if (
                not any(path.is_relative_to(place) for place in self.allowed)
                and "__pycache__" not in path.parts
            ):
                self.outside.add(str(path))

    @staticmethod
    def _writes(details: tuple) -> bool:
        _, mode, flags = details
        if isinstance(mode, str):
            return any(letter in mode for letter in "wax+")
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


class Fuzzer:
    """Runs command lines in a folder of its own.

    Args:
        base: the folder, empty.
        script: what is run with them.
        seconds: that each may take.
    """

    _watch: Watch | None = None  # an audit hook stays for the life of the process

    def __init__(self, base: Path, script: Path = SCRIPT, seconds: int = SECONDS) -> None:
        self.base, self.script, self.seconds = base, script, seconds
        self.folder = base / "some" / "deep" / "folder"
        for name in ("damaged/checkpoints", "empty"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "damaged" / "checkpoints" / "last.ckpt").write_bytes(b"PK\x03\x04 cut short")
        (base / "home").mkdir()
        (base / "temporary").mkdir()
        Fuzzer._watch = Fuzzer._watch or Watch()
        self.before = self._listing()

    def run(self, number: int, arguments: Sequence[str]) -> Answer:
        """Run one command line, and check what it did."""
        answer = Answer(number, list(arguments))
        if "resume=finished" in arguments:  # each line finds it as it was
            shutil.rmtree(self.folder / "finished", ignore_errors=True)
            shutil.copytree(_finished_run(self.script), self.folder / "finished")
        out, err = io.StringIO(), io.StringIO()
        began = time.monotonic()
        with (
            self._surroundings(answer.arguments),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                runpy.run_path(str(self.script), run_name="__main__")
            except SystemExit as stop:
                answer.code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            except Hang:
                answer.problem = f"it took more than {self.seconds} seconds"
            except BaseException:
                answer.problem = f"it ended with a traceback\n{traceback.format_exc()}"
        answer.out, answer.err, answer.seconds = out.getvalue(), err.getvalue(), time.monotonic() - began
        answer.problem = answer.problem or self._check(answer)
        return answer

    def _check(self, answer: Answer) -> str:
        text = answer.out + answer.err
        if "Traceback (most recent call last)" in text:
            return f"it printed a traceback\n{text}"
        lines = [line for line in answer.err.splitlines() if line.startswith(("Error: ", "Interrupted"))]
        several = "-m" in answer.arguments or "--multirun" in answer.arguments
        if answer.code and (not lines or (len(lines) > 1 and not several)):
            return f"exit code {answer.code} with {len(lines)} sentences\n{answer.err}"
        if answer.code and not several and len(answer.err.strip().splitlines()) > 1:
            rest = [
                line for line in answer.err.splitlines() if "ownload" not in line and "Skipped" not in line
            ]
            if len("".join(rest).strip()) > len(lines[0].strip()):
                return f"there is more on stderr than a sentence\n{answer.err}"
        if any(len(line) > LONGEST for line in lines):
            return f"the sentence has {max(map(len, lines))} characters\n{answer.err[:LONGEST]}"
        if "HYDRA_FULL_ERROR=1" in answer.err:
            return f"the error is a program's, not a sentence for its user\n{answer.err}"
        if Fuzzer._watch.outside:
            return f"it wrote {', '.join(sorted(Fuzzer._watch.outside))}"
        now = self._listing()
        new, self.before = now - self.before - self._named(now, answer.arguments), now
        return f"it left {', '.join(sorted(new)[:5])}" if new else ""

    def _listing(self) -> set[str]:
        """Return what is in the sandbox, except the output folder and temporary files."""
        skip = {self.folder / "outputs", self.folder / "finished", self.base / "temporary"}
        found = set()
        for parent, folders, names in os.walk(self.base):
            folders[:] = [name for name in folders if Path(parent, name) not in skip]
            found |= {str(Path(parent, name)) for name in [*folders, *names]}
        return found

    def _named(self, found: set[str], arguments: Sequence[str]) -> set[str]:
        """Which of these lie in a folder that the command line itself names for its output, or lead to it."""
        named = set()
        for place in [self.folder / "outputs", *self._places(arguments)]:
            named |= {path for path in found if Path(path).is_relative_to(place)}
            named |= {str(parent) for parent in place.parents}
        return named

    def _places(self, arguments: Sequence[str]) -> list[Path]:
        named = [text.partition("=")[2] for text in arguments if re.match(r"[+~]*run_dir=", text)]
        return [
            Path(os.path.realpath(self.folder / os.path.expanduser(text.strip("'\""))))
            for text in named
            if text
        ]

    @contextlib.contextmanager
    def _surroundings(self, arguments: list[str]) -> Iterator[None]:
        """Set the folder, the environment and the time limit of one command line, and restore them."""
        cwd, environment, argv = os.getcwd(), dict(os.environ), sys.argv
        interrupt, temporary = signal.getsignal(signal.SIGINT), tempfile.tempdir
        os.environ.update(
            HOME=str(self.base / "home"), MPLCONFIGDIR=str(self.base / "temporary"), COLUMNS="200"
        )
        for name in ("INTRO_DL_DATA", "HYDRA_FULL_ERROR", "PL_GLOBAL_SEED"):
            os.environ.pop(name, None)
        os.chdir(self.folder)
        tempfile.tempdir = str(self.base / "temporary")
        sys.argv = [str(self.script), *arguments]
        watch = Fuzzer._watch
        watch.outside = set()
        watch.allowed = [
            self.folder / "outputs",
            self.folder / "finished",
            self.base / "temporary",
            Path("/dev"),
            *self._places(arguments),
        ]
        alarm = signal.signal(signal.SIGALRM, _hang)
        signal.alarm(self.seconds)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            signal.alarm(0)
            watch.allowed = None
            signal.signal(signal.SIGALRM, alarm)
            signal.signal(signal.SIGINT, interrupt)  # Lightning leaves it ignored after Ctrl-C
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(environment)
            sys.argv, tempfile.tempdir = argv, temporary


@cache
def _finished_run(script: Path) -> Path:
    """Train one run that the command lines resume, and return its folder."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz")) / "finished"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    words = ["model=softmax", "trainer.max_epochs=1", "trainer=cpu", f"run_dir={folder}"]
    subprocess.run([sys.executable, str(script), *words], cwd=folder.parent, capture_output=True)
    return folder


def _hang(*_: Any) -> None:
    raise Hang


def fuzz(numbers: Iterable[int], seed: int, fuzzer: Fuzzer) -> Iterator[Answer]:
    """Run the command lines of these numbers, one after the other."""
    tree = read_tree()
    for number in numbers:
        yield fuzzer.run(number, make_command(tree, seed, number))


def fuzz_from_outside(
    numbers: Sequence[int], seed: int, base: Path, script: Path = SCRIPT, seconds: int = SECONDS
) -> Iterator[Answer]:
    """Run them in another process, which is replaced if it dies or no longer answers."""
    context = multiprocessing.get_context("spawn")
    waiting = deque(numbers)
    while waiting:
        ours, theirs = context.Pipe(duplex=False)
        folder = Path(tempfile.mkdtemp(dir=base))
        process = context.Process(
            target=_fuzz_into, args=(theirs, list(waiting), seed, folder, script, seconds)
        )
        process.start()
        theirs.close()
        while waiting:
            number = waiting.popleft()
            began = time.monotonic()
            try:
                if ours.poll(seconds + GRACE):
                    yield ours.recv()
                    continue
                problem = f"it took more than {seconds} seconds, and could not be interrupted"
            except EOFError:
                process.join()
                problem = f"it ended the process, with exit code {process.exitcode}"
            process.kill()
            arguments = make_command(read_tree(), seed, number)
            yield Answer(number, arguments, seconds=time.monotonic() - began, problem=problem)
            break
        process.join()


def _fuzz_into(
    pipe: Connection, numbers: Sequence[int], seed: int, base: Path, script: Path, seconds: int
) -> None:
    for answer in fuzz(numbers, seed, Fuzzer(base, script, seconds)):
        pipe.send(answer)


def summary(answers: Sequence[Answer], seed: int) -> str:
    """Return the result in a few lines."""
    codes = Counter(answer.code for answer in answers if not answer.problem)
    kinds = Counter(re.split(r"[\n/]", answer.problem)[0].strip() for answer in answers if answer.problem)
    slowest = max(answers, key=lambda answer: answer.seconds)

    def count(words: str) -> int:
        return sum(number for kind, number in kinds.items() if words in kind)

    lines = [
        f"{len(answers):,} command lines of seed {seed}: {codes[0]:,} ran, {codes.total() - codes[0]:,} were "
        f"refused with a sentence, {kinds.total():,} went wrong",
        f"tracebacks: {count('traceback')}, hangs over {SECONDS} s: {count('seconds')}, "
        f"files elsewhere: {count('it wrote') + count('it left')}, crashes: {count('ended the process')}",
        f"slowest: {slowest.seconds:.1f} s, line {slowest.number}; "
        f"all: {sum(answer.seconds for answer in answers):.0f} s",
        *(f"{number:5} x {kind}" for kind, number in kinds.most_common()),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Fuzz; 1 if a command line went wrong."""
    given = {"count": 1000, "seed": 0, "only": None}
    for argument in arguments:
        key, _, text = argument.partition("=")
        if key not in given or not text.isdecimal():
            print(__doc__.strip(), file=sys.stderr)
            return 2
        given[key] = int(text)
    with tempfile.TemporaryDirectory() as folder:
        if given["only"] is not None:
            (answer,) = fuzz([given["only"]], given["seed"], Fuzzer(Path(folder)))
            print(
                answer.command, answer.out, answer.err, f"exit code {answer.code}", answer.problem, sep="\n"
            )
            return bool(answer.problem)
        answers = []
        running = fuzz_from_outside(range(given["count"]), given["seed"], Path(folder))
        for answer in track(running, "command lines", given["count"], console=Console(stderr=True)):
            answers.append(answer)
            if answer.problem:
                print(f"line {answer.number}: {answer.command}\n    {answer.problem}\n", flush=True)
    print(summary(answers, given["seed"]))
    return any(answer.problem for answer in answers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
