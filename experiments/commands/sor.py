"""The console command `marketsim sor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from attrs import evolve

from experiments.commands.options import Config, Jobs, Out, Quiet, SaveConfig, Several, given, interruptible
from experiments.progress import console, progress
from experiments.sor import config


def sor(
    config_name: Config = "",
    data: Annotated[str | None, typer.Option("--data", help='A file of quotes, or "synthetic".')] = None,
    quantity: Annotated[int | None, typer.Option("--quantity", help="Shares to buy.")] = None,
    policy: Annotated[
        Several, typer.Option("--policy", help=f"Repeatable: {', '.join(config.POLICIES)}; default all.")
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Decisions on the simulated market, one a seed.")] = None,
    decisions: Annotated[int | None, typer.Option("--decisions", help="Most decision times of a file.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Steps from decision to deadline.")] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", help="At replayed quotes: displayed, proportional or none.")
    ] = None,
    half_spread: Annotated[float | None, typer.Option("--half-spread", help="h of the model, a share.")] = None,
    fee: Annotated[float | None, typer.Option("--fee", help="f, of a market order, a share.")] = None,
    rebate: Annotated[float | None, typer.Option("--rebate", help="r, of a limit order, a share.")] = None,
    under: Annotated[float | None, typer.Option("--lambda-under", help="Of a share left unfilled.")] = None,
    over: Annotated[float | None, typer.Option("--lambda-over", help="Of a share too many.")] = None,
    impact: Annotated[float | None, typer.Option("--theta", help="Market impact of a share sent.")] = None,
    search: Annotated[bool | None, typer.Option("--search/--no-search", help="Search the model's prices.")] = None,
    bad: Annotated[str | None, typer.Option("--bad", help="Rows that are no quotes: list or refuse.")] = None,
    jobs: Jobs = 2,
    out: Out = Path("out/sor"),
    save_config: SaveConfig = None,
    quiet: Quiet = False,
) -> None:
    """Buy a parent order over several venues: policies, benchmark prices, the Cont-Kukanov model and its prices.

    Example: marketsim sor --quantity 5000 --policy cont-kukanov --policy twap --seeds 10
    Example: marketsim sor --data l1_day.csv --quantity 5000 --queue proportional --out out/aapl
    """
    axes = {
        "data": data,
        "quantity": quantity,
        "policies": policy,
        "seeds": seeds,
        "decisions": decisions,
        "horizon": horizon,
        "queue": queue,
        "half_spread": half_spread,
        "fee": fee,
        "rebate": rebate,
        "under": under,
        "over": over,
        "impact": impact,
        "search": search,
        "bad": bad,
    }
    study = evolve(config.load(config_name), **given(axes))
    if save_config is not None:
        save_config.write_text(config.dumps(study), encoding="utf-8")
        return
    _run(study, out, jobs=jobs, quiet=quiet)


def _run(study: config.SorStudy, out: Path, *, jobs: int, quiet: bool) -> None:
    # pandas and matplotlib take seconds to import: not for `--help`.
    from experiments.sor import run
    from experiments.sor.market import decisions_of, read

    tape = read(study)
    with progress(len(decisions_of(study, tape)), study.name, quiet=quiet) as (advance, tell), interruptible():
        found = run.run(study, out, tape, jobs=jobs, advance=advance, tell=tell)
    if not quiet:
        orders = len(found.results.orders)
        files = "report.html, summary.md, policies.parquet, children.parquet, search.parquet, manifest.json"
        console.print(f"{orders} orders. Results are in {out}: {files}", soft_wrap=True)
