"""A run that is told to end: by Ctrl-C, or by SIGTERM, a cluster's notice before it kills. Free of torch."""

import signal
import threading
from collections.abc import Callable

INTERRUPTED = 130  # the shell's exit code for Ctrl-C: 128 + SIGINT
TERMINATED = 143  # and for SIGTERM: 128 + 15


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Whoever answers Ctrl-C answers it in the same way."""


told: list[Terminated] = []  # that SIGTERM was answered so, in this command


def terminate() -> None:
    """The answer to SIGTERM wherever nothing better can be done."""
    told.append(Terminated())
    raise told[-1]


def what_ended_it(error: BaseException) -> BaseException:
    """What ended the run: SIGTERM, if it came; else the error.

    A library may catch what interrupts it, e.g. in asking whether a file exists, and fail of its answer.
    """
    return error if isinstance(error, KeyboardInterrupt) or not told else told[-1]


def on_sigterm(answer: Callable[[], None]) -> None:
    """Call `answer` when SIGTERM comes, instead of what was called before."""
    if threading.current_thread() is threading.main_thread():  # Python allows it there only
        signal.signal(signal.SIGTERM, lambda number, frame: answer())


def on_first_interrupt(answer: Callable[[], None]) -> None:
    """Call `answer` when Ctrl-C comes; a second one ends at once."""

    def hear(number, frame):
        interrupt_at_once()
        answer()

    _on_sigint(hear)


def interrupt_at_once() -> None:
    """Let Ctrl-C do what it does in every Python program."""
    _on_sigint(signal.default_int_handler)


def _on_sigint(handler: Callable) -> None:
    # It is ignored in the background of a shell, and while Lightning ends a run: that stays so.
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def exit_code(error: KeyboardInterrupt) -> int:
    """With what code a program ends that was interrupted."""
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
