"""The console command `marketsim validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.commands.options import Jobs, interruptible
from experiments.limits import SEED_MAX
from experiments.progress import console, progress
from experiments.validation import catalogue
from experiments.validation.check import Finding, Scale


def validate(
    only: Annotated[list[str] | None, typer.Option("--only", help=f"Repeatable: {', '.join(catalogue.NAMES)}.")] = None,
    full: Annotated[
        bool, typer.Option("--full/--quick", help="Standard errors under 2 %: a quarter of an hour on two cores.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, max=SEED_MAX, help="Root of every draw.")] = 1,
    jobs: Jobs = 2,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the page, its pictures and the table.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no table.")] = False,
) -> None:
    """Run the engine on problems whose answers are known; exits 0 only when every prediction holds.

    Example: marketsim validate
    Example: marketsim validate --full --only kyle --only roll --out out/validation
    """
    from experiments.validation.page import write
    from experiments.validation.run import run_checks

    names = only or list(catalogue.NAMES)
    with progress(len(names), "validate", quiet=quiet) as (advance, _), interruptible():
        findings = run_checks(names, Scale(full=full, seed=seed), jobs=jobs, advance=advance)
    if not quiet:
        _print(findings)
    if out is not None:
        write(findings, out)
        console.print(f"Results are in {out}: validation.md, validation.parquet, manifest.json", soft_wrap=True)
    sys.exit(0 if all(finding.holds for finding in findings) else 1)


def _print(findings: list[Finding]) -> None:
    from experiments.validation.page import away, said, verdict

    tables = Console()
    for finding in findings:
        table = Table("comparison", "prediction", "measurement", "s.e.", "away by", "n", "", title=finding.title)
        for line in finding.lines:
            word = verdict(line, finding.scale)
            name = escape(f"{line.name}, {line.unit}" if line.unit else line.name)
            error = f"{line.error:.2g}" if line.error else ""
            numbers = (f"{line.predicted:.6g}", f"{line.measured:.6g}", error, away(line), f"{line.samples:,}")
            table.add_row(name, *numbers, word if word == "holds" else f"[bold red]{word}[/]")
        tables.print(table)
        if finding.failure:
            tables.print(f"{finding.check} ended by an error: {finding.failure}", style="bold red", markup=False)
    tables.print(said(findings))
