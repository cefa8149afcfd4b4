"""The console script `marketsim`."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.table import Table

from experiments.commands import bench, check, download, ofi, pi_curve, position, route, sor, sweep, validate, verify
from experiments.progress import console
from marketsim.errors import MarketsimError
from marketsim.registry import KINDS, plugins

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("pi-curve")(pi_curve.pi_curve)
app.command("route")(route.route)
app.command("sor")(sor.sor)
app.command("ofi")(ofi.ofi)
app.command("position")(position.position)
app.command("validate")(validate.validate)
app.command("verify")(verify.verify)
app.command("download")(download.download)
app.add_typer(check.app, name="check")
app.add_typer(bench.app, name="bench")
app.add_typer(sweep.app, name="sweep")


@app.callback()
def marketsim() -> None:
    """Simulate markets: order books, batch auctions and pools behind one interface."""


@app.command("plugins")
def list_plugins() -> None:
    """Every venue, agent and fair value that is installed, and where it comes from.

    Example: marketsim plugins
    """
    table = Table("kind", "name", "from", "target")
    for kind in KINDS:
        for item in plugins(kind):
            table.add_row(kind.replace("_", " "), item.name, f"{item.distribution} {item.version}", item.target)
    Console().print(table)


def main() -> None:
    """Run the console script; errors that say what is wrong are printed without a traceback."""
    try:
        app()
    except (MarketsimError, OSError) as error:
        console.print(f"error: {type(error).__name__}: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
