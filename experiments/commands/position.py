"""The console command `marketsim position`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from attrs import evolve

from experiments.commands.options import Config, Out, Quiet, SaveConfig, Several, given, interruptible
from experiments.position import config
from experiments.progress import console, progress


def position(
    config_name: Config = "",
    data: Annotated[
        Several,
        typer.Option(
            "--data", help='Repeatable: a file of bars, of one symbol, or with a column symbol; or "synthetic".'
        ),
    ] = None,
    bid: Annotated[str | None, typer.Option("--bid", help="A file of bars of the bid; with --ask.")] = None,
    ask: Annotated[str | None, typer.Option("--ask", help="A file of bars of the ask; with --bid.")] = None,
    entries: Annotated[str | None, typer.Option("--entries", help="A file of entries and predictions.")] = None,
    ages: Annotated[str | None, typer.Option("--ages", help="Of a position, buckets: 5,15,30,60.")] = None,
    every: Annotated[int | None, typer.Option("--every", help="Buckets between regular entries.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Buckets ahead of the label.")] = None,
    cost_bps: Annotated[float | None, typer.Option("--cost-bps", help="Of a round trip.")] = None,
    stop_bps: Annotated[float | None, typer.Option("--stop-bps", help="Of the price plan.")] = None,
    target_bps: Annotated[float | None, typer.Option("--target-bps", help="Of the price plan.")] = None,
    regressor: Annotated[str | None, typer.Option("--regressor", help="huber or ridge.")] = None,
    spread_rank: Annotated[int | None, typer.Option("--spread-rank", help="Buckets of the spread's rank.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the simulated market.")] = None,
    mechanism: Annotated[str | None, typer.Option("--mechanism", help="Simulated: clob or fba.")] = None,
    effect: Annotated[int | None, typer.Option("--effect", help="Simulated: lots a bucket of planted trends.")] = None,
    buckets: Annotated[int | None, typer.Option("--buckets", help="Simulated: length of the recording.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Simulated: whose fills are entries.")] = None,
    out: Out = Path("out/position"),
    save_config: SaveConfig = None,
    quiet: Quiet = False,
) -> None:
    """Judge the state of open positions: whether their own path says when to exit, better than the market alone.

    Example: marketsim position --data btc-perp_1m.csv.gz --ages 5,15,30,60 --horizon 15 --cost-bps 5
    Example: marketsim position --bid bid.csv.gz --ask ask.csv.gz --cost-bps 1 --stop-bps 15 --target-bps 30
    Example: marketsim position --data synthetic --effect 4 --agent holder --spread-rank 240
    """
    axes = {
        "data": data or (() if bid else None), "bid": bid, "ask": ask, "entries": entries, "entry_every": every,
        "ages": None if ages is None else _whole(ages), "horizon": horizon, "cost_bps": cost_bps, "stop_bps": stop_bps,
        "target_bps": target_bps, "regressor": regressor, "spread_rank": spread_rank, "seed": seed,
    }  # fmt: skip
    simulated = {"venue": mechanism, "effect": effect, "buckets": buckets, "entries_of": agent}
    study = config.load(config_name)
    study = evolve(study, **given(axes), market=evolve(study.market, **given(simulated)))
    if save_config is not None:
        save_config.write_text(config.dumps(study), encoding="utf-8")
        return
    _run(study, out, quiet=quiet)


def _whole(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--ages: got {text!r}, wanted whole numbers like 5,15,30") from error


def _run(study: config.PositionStudy, out: Path, *, quiet: bool) -> None:
    # pandas, scikit-learn and matplotlib take seconds to import: not for `--help`.
    from experiments.position import run

    with progress(run.STAGES, study.name, quiet=quiet) as (advance, tell), interruptible():
        found = run.run(study, out, advance=advance, tell=tell)
    if not quiet:
        files = "report.html, position.md, manifest.json"
        console.print(f"{found.verdict.said}. Results are in {out}: {files}", soft_wrap=True)
