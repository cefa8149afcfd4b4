"""The progress bar of long commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)

Advance = Callable[[int], None]
Tell = Callable[[str], None]


@contextmanager
def progress(total: int, label: str, *, quiet: bool) -> Iterator[tuple[Advance, Tell]]:
    """A bar with finished, total, elapsed and remaining time, or nothing if `quiet`.

    Yields:
        What to call with the number of steps that have finished, and with words on what is being done.
    """
    if quiet:
        yield lambda _finished: None, lambda _said: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total)
        yield (
            lambda finished: bar.advance(task, finished),
            lambda said: bar.update(task, description=f"{label}: {said}"),
        )
