"""The console commands `marketsim sweep`: run, status, verify, export, replay."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from experiments.commands.options import Jobs, Quiet, interruptible
from experiments.progress import console, progress
from marketsim.errors import ConfigError, refusal, shown

if TYPE_CHECKING:  # numpy takes a while to import: not for `--help`
    from experiments.sweep.cells import Grid
    from experiments.sweep.task import Task

_SHOWN = 10


class _RunByDefault(TyperGroup):
    """`marketsim sweep my_module:run ...` is `marketsim sweep run my_module:run ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and not args[0].startswith("-") and args[0] not in self.commands
        return super().parse_args(ctx, ["run", *args] if named else args)


app = typer.Typer(cls=_RunByDefault, no_args_is_help=True, help="Run a function over a grid of cells, and resume it.")

StorePath = Annotated[Path, typer.Argument(help="The store of a sweep.")]


@app.command()
def run(
    target: Annotated[str, typer.Argument(help="module:function, imported from the current folder first.")],
    grid: Annotated[Path, typer.Option("--grid", help="A TOML file: [axes] or [[cells]], [fixed], seeds.")],
    store: Annotated[Path, typer.Option("--store", help="Where finished cells are kept.")] = Path("out/sweep.sqlite"),
    jobs: Jobs = 2,
    backend: Annotated[str, typer.Option("--backend", help="local, ray or dask.")] = "local",
    address: Annotated[str, typer.Option("--address", help="Of a running cluster; none starts one here.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away what the store holds.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compute the cells of a grid that the store lacks. The same command continues where it stopped.

    Example: marketsim sweep my_module:run --grid grid.toml --jobs 8
    Example: marketsim sweep my_module:run --grid grid.toml --backend dask --address tcp://head:8786
    """
    from experiments.sweep.cells import load_grid
    from experiments.sweep.task import Task

    asked = load_grid(grid)
    task = Task(target, path=(str(Path.cwd()),))
    settings = {"jobs": jobs, "backend": backend, "address": address}
    _sweep(task, asked, store, fresh=fresh, quiet=quiet, settings=settings)


@app.command()
def replay(
    target: Annotated[
        str, typer.Argument(help="module:function of the sweep, imported from the current folder first.")
    ],
    store: StorePath,
    cell: Annotated[str, typer.Argument(help="The id of a cell that is in it.")],
) -> None:
    """Compute one cell again, alone, with the code as it is now; print its row or its traceback and record nothing.

    Example: marketsim sweep replay my_module:run out/sweep.sqlite 3f0a4c1e5b7d92863f0a4c1e5b7d9286
    """
    from experiments.sweep.process import DONE, WorkerProcess
    from experiments.sweep.records import about_of, cell_of, reading
    from experiments.sweep.task import Task

    with reading(store) as connection:
        about, text = about_of(connection, store), cell_of(connection, cell)
    # A store is data: what code runs, the command says and not the file.
    if target != about.target:
        raise ConfigError(refusal(f"{store}, entry 'target'", shown(about.target), f"{target}, as the command says"))
    task = Task(target, about.config, (str(Path.cwd()),))
    with closing(WorkerProcess(task)) as worker:
        outcome = worker.run(text)
    told = json.loads(outcome.text)
    _say(json.dumps(told, indent=2) if outcome.state == DONE else f"{told['traceback']}\n{told['error']}".strip())
    raise typer.Exit(0 if outcome.state == DONE else 1)


@app.command()
def status(store: StorePath) -> None:
    """How far a sweep is, and what failed; also while it runs.

    Example: marketsim sweep status out/sweep.sqlite
    """
    from experiments.sweep.cells import grid_from_dict
    from experiments.sweep.records import about_of, counts, failure_of, reading, records
    from experiments.sweep.runner import replay_command

    with reading(store) as connection:
        about, found = about_of(connection, store), counts(connection)
        failed = list(islice(records(connection, "failed"), _SHOWN))
    total = len(grid_from_dict(about.cells, f"{store}, entry 'cells'"))
    lines = [
        f"{record.id} {record.cell}\n  {failure_of(record, store)}\n  {replay_command(about.target, store, record.id)}"
        for record in failed
    ]
    _say(f"{about.target}: {found['done']} of {total} cells done, {found['failed']} failed")
    for line in lines:
        _say(line)
    if found["failed"] > _SHOWN:
        _say(f"and {found['failed'] - _SHOWN} more")


@app.command()
def verify(store: StorePath) -> None:
    """Check every byte and every row of a store; exits 1 if anything is damaged.

    Example: marketsim sweep verify out/sweep.sqlite
    """
    from experiments.sweep.verify import verify as check

    found = check(store)
    for problem in found.problems:
        _say(problem)
    covered = (
        "every byte" if found.sealed else "every row; other bytes are not covered until the sweep has been resumed"
    )
    _say(f"{found.rows} rows are whole, {len(found.problems)} problems. Checked: {covered}")
    raise typer.Exit(1 if found.problems else 0)


@app.command()
def export(
    store: StorePath,
    out: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
) -> None:
    """Write the cells that are done as Parquet, sorted by cell id: the same bytes for the same results.

    Example: marketsim sweep export out/sweep.sqlite --out out/cells.parquet
    """
    from experiments.sweep.export import export as write

    found = write(store, out)
    _say(f"{found.rows} cells are in {out}; table hash {found.table_hash}")
    if found.failed:
        _say(f"{found.failed} cells failed and are not in it; see `marketsim sweep status {store}`")


def _sweep(task: Task, asked: Grid, store: Path, *, fresh: bool, quiet: bool, settings: dict[str, Any]) -> None:
    from experiments.sweep.pools import check_backend
    from experiments.sweep.runner import run_sweep, version_here
    from experiments.sweep.store import Store

    check_backend(settings["backend"])
    with Store.open(store, version_here(task), asked.to_dict(), fresh=fresh) as kept:
        before = kept.counts()["done"]
        said = f"interrupted; the same command continues with what is in {store}"
        with progress(len(asked) - before, task.target, quiet=quiet) as (advance, tell), interruptible(said):
            swept = run_sweep(task, asked, kept, advance=advance, tell=tell, **settings)
    if not quiet:
        there = f", {before} were there" if before else ""
        console.print(f"{swept.done} cells done, {swept.failed} failed{there}. They are in {store}", soft_wrap=True)
    raise typer.Exit(1 if swept.failed else 0)


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
