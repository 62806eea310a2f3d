"""Handle Ctrl-C and SIGTERM. A cluster sends SIGTERM before it kills a program."""

import signal
import threading
from collections.abc import Callable

INTERRUPTED = 130  # the shell's exit code for Ctrl-C: 128 + SIGINT
TERMINATED = 143  # and for SIGTERM: 128 + 15


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. Code that handles Ctrl-C handles it in the same way."""


received: list[Terminated] = []  # each SIGTERM of this command that was answered with an exception


def terminate() -> None:
    """Raise Terminated: the default answer to SIGTERM."""
    received.append(Terminated())
    raise received[-1]


def what_ended_it(error: BaseException) -> BaseException:
    """Return what ended the run: SIGTERM if it was received, otherwise the error.

    A library may hide the exception of SIGTERM, and then fail with its own error.
    """
    return error if isinstance(error, KeyboardInterrupt) or not received else received[-1]


def on_sigterm(answer: Callable[[], None]) -> None:
    """Call `answer` when SIGTERM is received, instead of the previous answer."""
    if threading.current_thread() is threading.main_thread():  # Python allows it only there
        signal.signal(signal.SIGTERM, lambda number, frame: answer())


def on_first_interrupt(answer: Callable[[], None]) -> None:
    """Call `answer` at the first Ctrl-C; a second one ends the program at once."""

    def handler(number, frame):
        interrupt_at_once()
        answer()

    _on_sigint(handler)


def interrupt_at_once() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, as in every Python program."""
    _on_sigint(signal.default_int_handler)


def _on_sigint(handler: Callable) -> None:
    # SIGINT stays ignored where it is: in the background of a shell, and while Lightning ends a run.
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def exit_code(error: BaseException) -> int:
    """Return the exit code of a program that was interrupted."""
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
