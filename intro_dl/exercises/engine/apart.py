"""Run a student's functions in a process of their own, with limits on time and memory."""

import copy
import io
import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from intro_dl.runs.program import printable

MEGABYTES = 2_000  # of data that the student's code may allocate; torch itself needs about 300
MOST_BYTES = 1 << 28  # of one answer
NOT_WRITTEN = "is not written yet."
OF_THE_FILE = "Your file "  # begins the error of what is outside of the functions
NOT_CALLED = "was not called, since an earlier call did not end."
FILE = "your file"  # how a traceback calls it
PLAIN = (Tensor, bool, int, float, str, type(None))  # what torch.load reads with weights_only=True
Call = tuple[str, tuple[Any, ...]]  # the name of a function, and its arguments


@dataclass(frozen=True)
class Answer:
    """What one call gave: a value, or the reason why there is none, in a sentence."""

    value: Any = None
    error: str | None = None


def answers(text: str, calls: Sequence[Call], seconds: float) -> list[Answer]:
    """Execute a file apart and call its functions in order.

    Args:
        text: the student's file, which keeps the rules.
        calls: the arguments are copied; every call starts with the same random seed.
        seconds: limit for the file and all calls; a call that does not end in it has an error, and so have
            those after it.
    """
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    prepare("torch", *["torch._dynamo"] * ("optim" in text))
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_serve, args=(there, text, _packed(list(calls))), daemon=True)
    child.start()
    there.close()
    found: list[Answer] = []
    try:
        here.recv_bytes()  # torch is imported: from here on the time counts
        end = time.monotonic() + seconds
        while len(found) < len(calls):
            if not here.poll(max(0.0, end - time.monotonic())):
                found.append(
                    Answer(error=f"did not end within {seconds:g} seconds. Is there an endless loop?")
                )
                break
            found.append(Answer(*_unpacked(here.recv_bytes(MOST_BYTES))))
    except (EOFError, OSError):
        found.append(Answer(error="ended the whole program, or returned far too much."))
    finally:
        child.kill()
        child.join()
        here.close()
    return found + [Answer(error=NOT_CALLED)] * (len(calls) - len(found))


def prepare(*modules: str) -> None:
    """Import modules once for all checks, if that was not done yet; then a check takes a tenth of a second.

    An optimizer of torch.optim imports torch._dynamo, which takes as long as torch itself.
    """
    if sys.platform != "win32":
        multiprocessing.set_forkserver_preload(list(modules))
        forkserver.ensure_running()


def in_float64(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call a function with a fixed random seed; new tensors are float64, so that rounding hides nothing."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return function(*copy.deepcopy(args))
    finally:
        torch.set_default_dtype(before)


def _serve(pipe: Connection, text: str, packed: bytes) -> None:
    """Be the child: limit the memory, execute the file, send one answer for each call."""
    calls = _unpacked(packed)
    torch.set_num_threads(1)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEGABYTES << 20, MEGABYTES << 20))
    pipe.send_bytes(b"ready")
    written: dict[str, Any] = {"__name__": "exercise"}
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed):
        broken = _failure(lambda: exec(compile(text, FILE, "exec"), written))
        if broken and broken != NOT_WRITTEN:
            broken = OF_THE_FILE + broken
        for name, args in calls:
            answer = (None, broken) if broken else _answer(written[name], args, printed)
            pipe.send_bytes(_packed(answer))


def _answer(
    function: Callable[..., Any], args: tuple[Any, ...], printed: io.StringIO
) -> tuple[Any, str | None]:
    given = copy.deepcopy(args)
    result: list[Any] = []
    start = printed.tell()
    if problem := _failure(lambda: result.append(in_float64(lambda *_: function(*given), ()))):
        return None, problem
    if not _equal(given, args):
        return None, "changes its input in place. Work on a copy: z = z.clone()."
    if result[0] is None and printed.tell() > start:
        return None, "prints its result and returns nothing. Write return."
    if not _is_plain(result[0]):
        return None, f"returns an object of type {type(result[0]).__name__}, which no check can read."
    return result[0], None


def _failure(work: Callable[[], object]) -> str | None:
    """Do the work; return the error that it raised in a sentence, with the line in the student's file."""
    try:
        work()
    except NotImplementedError:
        return NOT_WRITTEN
    except BaseException as error:  # also SystemExit: only the parent ends this process
        lines = [step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename == FILE]
        where = f" in line {lines[-1]}" if lines else ""
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return f"needs more than {MEGABYTES:,} MB of memory{where}."
        return f"raises {type(error).__name__}{where}: {message_of(error)}"
    return None


def message_of(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return printable(" ".join(str(error).split())[:300]) or "no message"


def _packed(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def _unpacked(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), weights_only=True)  # a child cannot make its parent execute code


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return type(value) in (list, tuple) and all(map(_is_plain, value))
    return type(value) in PLAIN


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return first.shape == second.shape and torch.allclose(first, second, 0, 0, equal_nan=True)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_equal, first, second))
    return first == second
