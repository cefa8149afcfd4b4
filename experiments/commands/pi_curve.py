"""The console command `marketsim pi-curve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import evolve

from experiments.commands.options import Jobs, Out, Quiet, SaveConfig, given, interruptible
from experiments.pi_curve import config
from experiments.pi_curve.cell import cell_count, unanswerable
from experiments.pi_curve.config import Study
from experiments.pi_curve.factors import Variant, swept
from experiments.pi_curve.mechanisms import MECHANISMS
from experiments.progress import console, progress

Config = Annotated[
    str, typer.Option("--config", help="A TOML file, or a shipped name: centre.toml, demo.toml, frozen.toml, ...")
]
Seeds = Annotated[int | None, typer.Option("--seeds", help="Seeds per cell.")]
Mechanisms = Annotated[list[str] | None, typer.Option("--mechanism", help=f"Repeatable: {', '.join(MECHANISMS)}.")]
TimeColumn = Annotated[
    str, typer.Option("--time-column", help="Time column of --fair-value; else the first with time in its name.")
]
Where = Annotated[
    list[str] | None, typer.Option("--where", help="Repeatable: rows of --fair-value to take, column=value.")
]


def pi_curve(
    config_name: Config = "centre.toml",
    out: Out = Path("out/pi-curve"),
    seeds: Seeds = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    backend: Annotated[str, typer.Option("--backend", help="local, ray or dask.")] = "local",
    address: Annotated[str, typer.Option("--address", help="Of a running cluster; none starts one here.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away the finished cells in --out.")] = False,
    mechanism: Mechanisms = None,
    pi: Annotated[list[int] | None, typer.Option("--pi", help="Repeatable: batch interval in steps.")] = None,
    sweep: Annotated[list[str] | None, typer.Option("--sweep", help="Repeatable: KEY=VALUE,VALUE of the TOML.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Steps per run.")] = None,
    fills: Annotated[bool, typer.Option("--fills", help="Also write the fill log of every run.")] = False,
    fair_value: Annotated[Path | None, typer.Option("--fair-value", help="Recorded trades as the truth.")] = None,
    column: Annotated[str, typer.Option("--column", help="Price column of --fair-value.")] = "price",
    time_column: TimeColumn = "",
    where: Where = None,
    step: Annotated[int, typer.Option("--step", help="Time stamps of --fair-value per step.")] = 100,
    save_config: SaveConfig = None,
) -> None:
    """LP markout, informed gain and immediacy cost against the batch interval, paired by seed against the book.

    Finished cells are kept in OUT/cells.sqlite: after an interruption the same command continues there.

    Example: marketsim pi-curve --config demo.toml --seeds 20 --jobs 2 --out out/demo
    Example: marketsim pi-curve --sweep population.lp_delay=1,50,200 --pi 10 --jobs 2
    """
    axes = {"seeds": seeds, "mechanisms": mechanism, "pi": pi, "horizon": horizon}
    whole = config.load(config_name)
    study = _with_axes(whole, given(axes))
    study = _still_asked(whole, evolve(study, factors=(*study.factors, *map(swept, sweep or []))), quiet=quiet)
    if fair_value is not None:
        study = _on_recorded(study, fair_value, column, time_column, where or [], step, covering=horizon is None)
    if save_config is not None:
        save_config.write_text(config.dumps(study), encoding="utf-8")
        return
    settings = {"jobs": jobs, "backend": backend, "address": address, "fills": fills, "fresh": fresh}
    _run_study(study, out, quiet=quiet, settings=settings)


def _run_study(study: Study, out: Path, *, quiet: bool, settings: dict[str, Any]) -> None:
    # pandas, pyarrow and matplotlib take a second to import: not for `--help`.
    from experiments.pi_curve import run as study_of

    said = f"interrupted; the same command continues with what is in {out / study_of.STORE}"
    with progress(cell_count(study), study.name, quiet=quiet) as (advance, tell), interruptible(said):
        study_of.run(study, out, advance=advance, tell=tell, **settings)
    if not quiet:
        console.print(
            f"Results are in {out}: report.html, summary.md, pi_curve.png, cells.parquet, manifest.json", soft_wrap=True
        )


def _with_axes(study: Study, axes: dict[str, Any]) -> Study:
    # What the command line says holds for every variant, also for one that changes the same axis.
    variants = tuple(_without(item, axes) for item in study.variants)
    factors = tuple(
        evolve(item, levels=tuple(_without(level, axes) for level in item.levels))
        for item in study.factors
        if item.key not in axes
    )
    return evolve(study, variants=variants, factors=factors, **axes)


def _without(variant: Variant, axes: dict[str, Any]) -> Variant:
    return Variant(name=variant.name, change={key: value for key, value in variant.change.items() if key not in axes})


def _still_asked(whole: Study, study: Study, *, quiet: bool) -> Study:
    # What the command line left out cannot be asked about; what the file itself lacks stays, and is refused.
    wrong, lost = unanswerable(whole), unanswerable(study)
    dropped = [asked for asked in lost if asked not in wrong]
    if dropped and not quiet:
        console.print(f"{len(dropped)} questions of the configuration are about cells that will not be run: left out")
    return evolve(study, contrasts=tuple(asked for asked in study.contrasts if asked not in dropped))


def _on_recorded(
    study: Study, path: Path, column: str, time_column: str, where: list[str], step: int, *, covering: bool
) -> Study:
    from experiments.pi_curve.worlds import on_recorded_prices
    from marketsim.errors import ConfigError

    pairs = [item.partition("=") for item in where]
    if any(not name or not equals for name, equals, _ in pairs):
        raise ConfigError(f"--where: got {where}, wanted column=value")
    world = evolve(
        study.world,
        kind="historical",
        path=str(path),
        price_column=column,
        time_column=time_column,
        where={name: value for name, _, value in pairs},
        step=step,
    )
    recorded = on_recorded_prices(study, world)
    return recorded if covering else evolve(recorded, horizon=min(study.horizon, recorded.horizon))
