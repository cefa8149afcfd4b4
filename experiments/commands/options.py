"""What the commands of the studies share: options, the configuration that they make, and how an interruption ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.limits import JOBS_MAX
from experiments.progress import console

INTERRUPTED = 130

Config = Annotated[str, typer.Option("--config", help="A TOML file; by default the default study.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=JOBS_MAX, help="Processes.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar, no closing words.")]
SaveConfig = Annotated[Path | None, typer.Option("--save-config", help="Write the configuration here and stop.")]
Several = list[str] | None


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are on the command line: neither None nor an empty list."""
    return {name: value for name, value in options.items() if value is not None and value != []}


@contextmanager
def interruptible(said: str = "interrupted; nothing was written") -> Iterator[None]:
    """Ends the command with `said` and status 130 where the user interrupts it."""
    try:
        yield
    except KeyboardInterrupt:
        console.print(said, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
