"""Time parts of a program, each without the parts inside of it, so that they add up to the whole."""

from collections import Counter
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Seconds in each part; a part that begins inside another one interrupts it.

    Args:
        clock: seconds so far, e.g. time.perf_counter.
        rest: the name of what no part takes.
    """

    def __init__(self, clock: Callable[[], float], rest: str) -> None:
        self.clock = clock
        self.seconds, self.parts, self.since = Counter[str](), [rest], clock()

    def count(self) -> None:
        now = self.clock()
        self.seconds[self.parts[-1]] += now - self.since
        self.since = now

    def run(self, part: str, function: Callable, *arguments: Any, **named: Any) -> Any:
        """Call a function as a part."""
        self.count()
        self.parts.append(part)
        try:
            return function(*arguments, **named)
        finally:
            self.count()
            self.parts.pop()

    def watch(self, part: str, owner: Any, *names: str) -> None:
        """Time these functions of a class or a module from now on."""
        for function in [getattr(owner, name) for name in names]:

            def run(*given: Any, function: Callable = function, **named: Any) -> Any:
                return self.run(part, function, *given, **named)

            setattr(owner, function.__name__, run)
