"""The progress bar of long commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

# No markup: what is told holds names of files and texts of errors, whose brackets are their own.
console = Console(stderr=True, markup=False)

Advance = Callable[[int], None]
Tell = Callable[[str], None]


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s", style="progress.data.speed")


@contextmanager
def progress(total: int, label: str, *, quiet: bool) -> Iterator[tuple[Advance, Tell]]:
    """A bar with finished, total, rate, elapsed and remaining time, or nothing if `quiet`.

    Yields:
        What to call with the number of steps that have finished, and with words on what is being done.
    """
    if quiet:
        yield lambda _finished: None, lambda _said: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total)
        yield (
            lambda finished: bar.advance(task, finished),
            lambda said: bar.update(task, description=f"{label}: {said}"),
        )
