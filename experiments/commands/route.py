"""The console command `marketsim route`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import evolve

from experiments.commands.options import Out, Quiet, SaveConfig, Several, given, interruptible
from experiments.limits import JOBS_MAX
from experiments.progress import console, progress
from experiments.routing import config


def route(
    config_name: Annotated[
        str, typer.Option("--config", help="A TOML file, or a shipped name: quick.toml, published.toml.")
    ] = "",
    data: Annotated[str | None, typer.Option("--data", help='A folder of trades, or "synthetic".')] = None,
    agents: Annotated[Several, typer.Option("--agents", help="Repeatable: an agent; default all.")] = None,
    context: Annotated[Several, typer.Option("--context", help="Repeatable: fixed, random.")] = None,
    knows: Annotated[
        Several, typer.Option("--knows", help="Repeatable: last (known when deciding) or label (as published).")
    ] = None,
    information: Annotated[
        Several, typer.Option("--information", help="Repeatable: own, choice (one bit), context+choice (two).")
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Seeds per agent.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Decisions per window; 0, the default: all.")] = None,
    windows: Annotated[int | None, typer.Option("--windows", "--window", help="Windows of equal length.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="observed-likelihood or source.")] = None,
    inference: Annotated[str | None, typer.Option("--inference", help="exact or thrml.")] = None,
    compare: Annotated[
        int | None, typer.Option("--compare", help="Seeds of sampling against exact; 0, the default: none.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=JOBS_MAX, help="Threads.")] = 2,
    out: Out = Path("out/route"),
    save_config: SaveConfig = None,
    quiet: Quiet = False,
) -> None:
    """Routers that learn which venue has the best price, on recorded or made-up trades (needs the extra `route`).

    Example: marketsim route --data synthetic --agents ising --agents hidden-markov --context random --seeds 20
    Example: marketsim route --data data/btcusd-1m-3venues-202303 --windows 4 --compare 4 --out out/btcusd
    """
    axes: dict[str, Any] = {
        "data": data,
        "agents": agents,
        "contexts": context,
        "knows": knows,
        "information": information,
    }
    axes |= {"seeds": seeds, "steps": steps, "windows": windows, "rule": rule, "inference": inference}
    axes |= {"compare_seeds": compare}
    study = evolve(config.load(config_name), **given(axes))
    if save_config is not None:
        save_config.write_text(config.dumps(study), encoding="utf-8")
        return
    _run(study, out, jobs=jobs, quiet=quiet)


def _run(study: config.RouteStudy, out: Path, *, jobs: int, quiet: bool) -> None:
    # pandas, matplotlib and JAX take seconds to import: not for `--help`.
    from experiments.routing import run
    from experiments.routing.study import load_data

    data = load_data(study)
    with progress(run.total_of(study, data), study.name, quiet=quiet) as (advance, tell), interruptible():
        found = run.run(study, out, data=data, jobs=jobs, advance=advance, tell=tell, clock=console.get_time)
    if not quiet:
        took = f"{found.seconds:.1f} s for {len(found.results.cells)} runs"
        files = "report.html, summary.md, cells.parquet, curves.parquet, manifest.json"
        console.print(f"{took}. Results are in {out}: {files}", soft_wrap=True)
