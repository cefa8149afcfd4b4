"""Runs a routing study and leaves its results in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.routing.extra import load
from agents.routing.ising import SPINS_MAX
from experiments.manifest import manifest, write_manifest
from experiments.routing import sampling
from experiments.routing.config import RouteStudy, dumps, to_dict
from experiments.routing.findings import Findings
from experiments.routing.generative import study_directions
from experiments.routing.study import Clock, Data, load_data, run_study, tasks_of, windows_of
from marketsim.errors import ConfigError

_LIBRARIES = ("jax", "jaxlib", "thrml")


def total_of(study: RouteStudy, data: Data) -> int:
    """Runs of the batched study, in seeds."""
    return sum(len(task.seeds) for task in tasks_of(study, windows_of(study, data)))


def check_ready(study: RouteStudy, data: Data) -> None:
    """Refuse at once what would otherwise be refused by the last part of a long run, which would lose the others.

    Raises:
        ConfigError: a library of the extra is not installed, or there are more venues than can be enumerated.
    """
    load("jax", "a routing study")
    if study.compare_seeds or study.inference == "thrml":
        load("thrml", "inference='thrml'")
    venues = len(data.panel.venues)
    exact = [name for name in ("compare_seeds", "samples") if getattr(study, name)]
    if exact and venues > SPINS_MAX:
        wanted = f"at most {SPINS_MAX}, or {' and '.join(f'{name} = 0' for name in exact)}"
        raise ConfigError(f"{study.data}: got {venues} venues, too many to enumerate their states, wanted {wanted}")


def find(
    study: RouteStudy,
    data: Data,
    *,
    jobs: int = 1,
    advance: Callable[[int], None] | None = None,
    tell: Callable[[str], None] = lambda _said: None,
    clock: Clock,
) -> Findings:
    """Run the batched study and the side studies; see `run_study` for the arguments. `tell` hears what is next."""
    check_ready(study, data)
    begin = clock()
    results = run_study(study, data, jobs=jobs, advance=advance, clock=clock)
    seconds = clock() - begin
    compared = looped = side = None
    if study.compare_seeds:
        tell("sampling against exact")
        compared = sampling.compare(study, data, clock=clock)
    if study.engine_steps:
        tell("event loop")
        looped = sampling.through_the_engine(study, data)
    _, states = data.panel.directions()
    if study.samples and len(states) > 1:
        tell("side study")
        side = study_directions(states, data.panel.venues, samples=study.samples, inference=study.inference)
    return Findings(study, data, results, compared, looped, side, seconds)


def run(
    study: RouteStudy,
    out: Path,
    *,
    data: Data | None = None,
    jobs: int = 1,
    advance: Callable[[int], None] | None = None,
    tell: Callable[[str], None] = lambda _said: None,
    clock: Clock,
) -> Findings:
    """Run a study and write `out`: cells.parquet, curves.parquet, summary.md, report.html, config.toml, manifest.json.

    Only the manifest and the report hold seconds, so that the tables of two runs are alike.
    """
    from experiments.routing import report

    data = data or load_data(study)
    check_ready(study, data)
    out.mkdir(parents=True, exist_ok=True)
    found = find(study, data, jobs=jobs, advance=advance, tell=tell, clock=clock)
    found.results.cells.to_parquet(out / "cells.parquet", index=False)
    found.results.curves.to_parquet(out / "curves.parquet", index=False)
    (out / "config.toml").write_text(dumps(study), encoding="utf-8")
    (out / "summary.md").write_text(report.summary(found), encoding="utf-8")
    (out / "report.html").write_text(report.render(found), encoding="utf-8")
    names = ("cells.parquet", "curves.parquet", "summary.md", "report.html", "config.toml")
    write_manifest(out / "manifest.json", manifest_of(found, [out / name for name in names]))
    return found


def manifest_of(found: Findings, files: list[Path]) -> dict[str, Any]:
    """What made the results: that of `experiments.manifest`, the libraries of the extra, the data, and seconds."""
    made = manifest(to_dict(found.study), found.results.cells, files, libraries=_LIBRARIES)
    sources = found.data.tapes.sources
    made["data"] = {"symbol": sources.symbol, "fungible": sources.fungible, "note": sources.note}
    made["seconds"] = {"batched": found.seconds, "by_agent": found.results.seconds.to_dict("records")}
    return made
