"""A run that is told to end: SIGTERM, with which a cluster gives notice before it kills. Free of torch."""

import signal
import threading
from collections.abc import Callable

INTERRUPTED = 130  # the shell's exit code for Ctrl-C: 128 + SIGINT
TERMINATED = 143  # and for SIGTERM: 128 + 15


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Whoever answers Ctrl-C answers it in the same way."""


def terminate() -> None:
    """The answer to SIGTERM wherever nothing better can be done."""
    raise Terminated


def on_sigterm(answer: Callable[[], None]) -> None:
    """Call `answer` when SIGTERM comes, instead of what was called before."""
    if threading.current_thread() is threading.main_thread():  # Python allows it there only
        signal.signal(signal.SIGTERM, lambda number, frame: answer())


def exit_code(error: KeyboardInterrupt) -> int:
    """With what code a program ends that was interrupted."""
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
