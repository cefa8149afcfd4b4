"""The console command `marketsim bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from experiments.benchmarks.table import Line

app = typer.Typer(help="Measure speed against peers in one run (needs the extra `bench`).")

_RUNS_MAX = 1000
"""The spread of a ratio has long settled."""
_SIZE_MAX = 10**7
"""Messages, events or cells, all held in memory."""
_CHECK = Annotated[bool, typer.Option("--check", help="Exit 1 when a ratio is under its floor.")]
_OUT = Annotated[Path | None, typer.Option("--out", help="Also write the figures here, as JSON.")]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    check: _CHECK = False,
    out: _OUT = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything, and nothing that takes minutes.")] = False,
    margin: Annotated[
        float, typer.Option("--margin", min=0.0, max=0.9, help="Share by which --check lets a limit be missed.")
    ] = 0.0,
) -> None:
    """Measure all speeds against peers and bare floors, and print one table (needs the extra `bench`).

    PAMS runs in the Python that MARKETSIM_PAMS_PYTHON names, for it asks for another numpy.

    Example: marketsim bench --quick --check --margin 0.3 --out bench.json
    """
    if context.invoked_subcommand is not None:
        if check or quick or margin or out is not None:
            raise typer.BadParameter("options of the whole benchmark go without a subcommand; a subcommand has its own")
        return
    from experiments.benchmarks import table

    console = Console()
    with console.status("starting") as status:
        lines = list(table.every_line(quick=quick, tell=lambda said: status.update(f"measuring: {said}")))
    _report(console, lines, check=check, margin=margin, out=out)


def _report(console: Console, lines: list[Line], *, check: bool, margin: float, out: Path | None) -> None:
    from experiments.benchmarks.table import as_json

    table = Table("what, against what", "rates, /s", "ratio, spread", "limit", "aim", "")
    for line in lines:
        value, asked = line.value, line.asked
        rates = " : ".join(_short(rate) for rate in (line.ours, line.theirs) if rate is not None)
        spread = f"{value.median:.3g}, {value.low:.3g}-{value.high:.3g}" if value else ""
        limits = [f"{'<=' if asked.at_most else '>='}{each:g}" for each in (asked.limit, asked.aim)] if asked else []
        what = f"{line.what}, {line.against}" if line.against else line.what
        table.add_row(what, rates, spread, *(limits or ["", ""]), line.verdict)
    console.print(table)
    for line in lines:
        if line.note:
            console.print(f"{line.what}: skipped: {line.note}", markup=False, highlight=False)
    if out is not None:
        out.write_text(json.dumps([as_json(line) for line in lines], indent=2) + "\n", encoding="utf-8")
    if check and not all(line.kept(margin) for line in lines):
        sys.exit(1)


def _short(rate: float) -> str:
    """A rate in three digits: 1.31M, 409k, 35."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.3g}{letter}"
    return f"{rate:.3g}"


@app.command("book")
def bench_book(
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=_RUNS_MAX, help="How often each book runs, in turns.")
    ] = 7,
    messages: Annotated[int, typer.Option("--messages", min=1000, max=_SIZE_MAX, help="In one run.")] = 200_000,
    check: _CHECK = False,
    out: _OUT = None,
) -> None:
    """The continuous book against lightmatchingengine and limit-order-book, on workload B deep and thin.

    Example: marketsim bench book --rounds 5
    """
    from experiments.benchmarks import book
    from experiments.benchmarks.table import lines_of

    lines = [
        line
        for workload in book.SHARES
        for line in lines_of(f"book, {workload}", book.measure(workload, rounds=rounds, messages=messages))
    ]
    _report(Console(), lines, check=check, margin=0.0, out=out)


@app.command("growth")
def bench_growth(
    out: Annotated[Path, typer.Option("--out", help="The folder for growth.json and growth.svg.")] = Path(),
    largest: Annotated[
        int, typer.Option("--largest", min=10, max=_SIZE_MAX, help="No axis goes beyond this size.")
    ] = 100_000,
) -> None:
    """How time and memory grow with pending events, price levels, batch size, agents, markets and cells.

    Example: marketsim bench growth --out docs
    """
    from attrs import asdict

    from experiments.benchmarks import growth

    found = growth.curves(largest=largest)
    out.mkdir(parents=True, exist_ok=True)
    figures = json.dumps([asdict(curve) for curve in found], indent=2)
    (out / "growth.json").write_text(figures + "\n", encoding="utf-8")
    (out / "growth.svg").write_bytes(growth.picture(found))


@app.command("cell")
def bench_cell(
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=_RUNS_MAX, help="Runs of each cell.")] = 15,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a limit is passed.")] = False,
) -> None:
    """One run of the centre cell of the pi-curve study, and the cost of quiet time.

    Example: marketsim bench cell
    """
    from experiments.benchmarks import cell

    seconds, quiet = cell.cell_seconds(seeds=seeds), cell.quiet_ratios()
    most = f"limit, ms: {cell.RUN_SECONDS_MAX * 1e3:.0f}"
    table = Table("cell, 8000 steps", "simulation, ms", "all measures, ms", "the source's measures, ms", most)
    for (mechanism, pi), took in seconds.items():
        fits = "kept" if took.simulation <= cell.RUN_SECONDS_MAX else "PASSED"
        spent = [f"{each * 1e3:.1f}" for each in (took.simulation, took.measures, took.source_measures)]
        table.add_row(f"{mechanism} pi = {pi}" if pi else mechanism, *spent, fits)
    console = Console()
    console.print(table)
    for name, ratio in quiet.items():
        times = f"{ratio.median:.3f} x the time (limit {cell.QUIET_RATIO_MAX})"
        console.print(f"{name}: 10^6 steps with the same 100 orders as 10^3 take {times}")
    slow = any(took.simulation > cell.RUN_SECONDS_MAX for took in seconds.values())
    if check and (slow or any(ratio.median > cell.QUIET_RATIO_MAX for ratio in quiet.values())):
        sys.exit(1)


@app.command("studies")
def bench_studies(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a limit is passed.")] = False,
) -> None:
    """The factorial, the batched routing study, and exact inference against sampling; some three minutes on two cores.

    Example: marketsim bench studies --check
    """
    from experiments.benchmarks import studies

    rows: list[tuple[str, float, str, bool]] = []

    def limited(name: str, cost: studies.Cost, seconds: float, gib: float) -> None:
        rows.append((f"{name}, s", cost.seconds, f"at most {seconds:g}", cost.seconds <= seconds))
        rows.append((f"{name}, GiB", cost.gib, f"at most {gib:g}", cost.gib <= gib))

    limited("factorial", studies.factorial(), studies.FACTORIAL_SECONDS_MAX, studies.FACTORIAL_GIB_MAX)
    limited("routing", studies.routing(), studies.ROUTING_SECONDS_MAX, studies.ROUTING_GIB_MAX)
    for rule, ratio in studies.sampled_over_exact().items():
        least = studies.EXACT_RATIO_MIN
        rows.append((f"THRML's time over exact, {rule}", ratio, f"at least {least:g}", ratio >= least))
    table = Table("what", "measured", "limit", "")
    for name, value, limit, kept in rows:
        table.add_row(name, f"{value:.3g}", limit, "kept" if kept else "PASSED")
    Console().print(table)
    if check and not all(kept for *_, kept in rows):
        sys.exit(1)
