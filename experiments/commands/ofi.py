"""The console command `marketsim ofi`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from attrs import evolve

from experiments.commands.options import Config, Jobs, Out, Quiet, SaveConfig, given, interruptible
from experiments.ofi import config
from experiments.progress import console, progress


def ofi(
    config_name: Config = "",
    data: Annotated[str | None, typer.Option("--data", help='A file of book snapshots, or "synthetic".')] = None,
    trades: Annotated[str | None, typer.Option("--trades", help="A file of trades beside it.")] = None,
    trades_venue: Annotated[str | None, typer.Option("--trades-venue", help="Rows of this venue only.")] = None,
    bucket_ms: Annotated[int | None, typer.Option("--bucket-ms", help="Milliseconds of a bucket.")] = None,
    zscore: Annotated[int | None, typer.Option("--zscore", help="Buckets of the z-scores.")] = None,
    spread_rank: Annotated[int | None, typer.Option("--spread-rank", help="Buckets of the spread's rank.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Buckets ahead of the label.")] = None,
    cost_bps: Annotated[float | None, typer.Option("--cost-bps", help="Of a round trip.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the simulated market.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Simulated runs with money, each a fresh seed.")] = None,
    mechanism: Annotated[str | None, typer.Option("--mechanism", help="Simulated: clob or fba.")] = None,
    effect: Annotated[int | None, typer.Option("--effect", help="Simulated: planted lots a look; 0 for none.")] = None,
    buckets: Annotated[int | None, typer.Option("--buckets", help="Simulated: length of the recording.")] = None,
    jobs: Jobs = 2,
    out: Out = Path("out/ofi"),
    save_config: SaveConfig = None,
    quiet: Quiet = False,
) -> None:
    """Judge order-flow imbalance features: whether they predict returns better than market features alone, and pay.

    Example: marketsim ofi --effect 15 --out out/ofi
    Example: marketsim ofi --data book20.parquet --trades trades.parquet --bucket-ms 1000 --zscore 60 --spread-rank 120
    """
    axes = {
        "data": data,
        "trades": trades,
        "trades_venue": trades_venue,
        "bucket_ms": bucket_ms,
        "zscore": zscore,
        "spread_rank": spread_rank,
        "horizon": horizon,
        "cost_bps": cost_bps,
        "seed": seed,
    }
    simulated = {"money_runs": seeds, "venue": mechanism, "effect": effect, "buckets": buckets}
    study = config.load(config_name)
    study = evolve(study, **given(axes), market=evolve(study.market, **given(simulated)))
    if save_config is not None:
        save_config.write_text(config.dumps(study), encoding="utf-8")
        return
    _run(study, out, jobs=jobs, quiet=quiet)


def _run(study: config.OfiStudy, out: Path, *, jobs: int, quiet: bool) -> None:
    # pandas, scikit-learn and matplotlib take seconds to import: not for `--help`.
    from experiments.ofi import run

    with progress(run.steps_of(study), study.name, quiet=quiet) as (advance, tell), interruptible():
        found = run.run(study, out, jobs=jobs, advance=advance, tell=tell)
    if not quiet:
        console.print(f"{found.verdict.said}. Results are in {out}: report.html, ofi.md, manifest.json", soft_wrap=True)
