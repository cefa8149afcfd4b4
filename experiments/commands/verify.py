"""The console command `marketsim verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def verify(
    folder: Annotated[Path, typer.Argument(help="The --out folder of a study.")],
) -> None:
    """Compare the files of a study with its manifest, byte by byte; exits 1 if one is damaged or missing.

    Example: marketsim verify out/demo
    """
    from experiments.manifest import damage

    listed, found = damage(folder)
    said = [*found, f"{listed} files and the manifest, {len(found)} problems"]
    Console().print("\n".join(said), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if found else 0)
