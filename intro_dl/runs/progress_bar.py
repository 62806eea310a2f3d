"""A progress bar for commands that do one thing after the other, e.g. claims or figures."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

T = TypeVar("T")


def with_bar(items: Sequence[T], name: Callable[[T], str]) -> Iterator[T]:
    """Yield the items one after the other; on a terminal, a bar names the present one.

    Args:
        name: what the bar says of an item; it is cut to 50 characters.
    """
    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # older releases of rich print an empty line even if disabled
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=console.quiet) as progress:
        task = progress.add_task("", total=len(items))
        for item in items:
            progress.update(task, description=f"{name(item)[:50]:<50}")
            yield item
            progress.advance(task)
