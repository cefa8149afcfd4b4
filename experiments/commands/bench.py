"""The console command `marketsim bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Measure speed against peers in one run (needs the extra `bench`).")


@app.command("book")
def bench_book(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each book runs, in turns.")] = 7,
    messages: Annotated[int, typer.Option("--messages", min=1000, help="In one run.")] = 200_000,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a ratio is under its floor.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the figures here, as JSON.")] = None,
) -> None:
    """The continuous book against lightmatchingengine and limit-order-book, on workload B.

    Example: marketsim bench book --rounds 5
    """
    from experiments.benchmarks import book

    rates = book.measure(rounds=rounds, messages=messages)
    found = book.ratios(rates)
    table = Table("book", "messages/s, median", "our rate to it", "lowest", "highest", "floor")
    for rate in rates:
        middle, low, high = found.get(rate.name, (1.0, 1.0, 1.0))
        floor = f"{book.FLOORS[rate.name]:.1f}" if rate.name in book.FLOORS else ""
        table.add_row(rate.name, f"{rate.median:,.0f}", f"{middle:.2f}", f"{low:.2f}", f"{high:.2f}", floor)
    Console().print(table)
    if out is not None:
        figures = {"rates": {rate.name: rate.rounds for rate in rates}, "ratios": found, "floors": book.FLOORS}
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if check and any(found[name][0] < floor for name, floor in book.FLOORS.items()):
        sys.exit(1)


@app.command("cell")
def bench_cell(
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs of each cell.")] = 15,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a limit is passed.")] = False,
) -> None:
    """One run of the centre cell of the pi-curve study, and the cost of quiet time.

    Example: marketsim bench cell
    """
    from experiments.benchmarks import cell

    seconds, quiet = cell.cell_seconds(seeds=seeds), cell.quiet_ratios()
    table = Table("cell, 8000 steps", "simulation, ms", "measures, ms", f"limit, ms: {cell.RUN_SECONDS_MAX * 1e3:.0f}")
    for (mechanism, pi), (ran, measured) in seconds.items():
        fits = "kept" if ran <= cell.RUN_SECONDS_MAX else "PASSED"
        table.add_row(f"{mechanism} pi = {pi}" if pi else mechanism, f"{ran * 1e3:.1f}", f"{measured * 1e3:.1f}", fits)
    console = Console()
    console.print(table)
    for name, ratio in quiet.items():
        console.print(f"{name}: 10^6 steps take {ratio:.3f} x the time of 10^3 with the same 100 orders (limit 1.2)")
    slow = any(ran > cell.RUN_SECONDS_MAX for ran, _ in seconds.values())
    if check and (slow or any(ratio > cell.QUIET_RATIO_MAX for ratio in quiet.values())):
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
