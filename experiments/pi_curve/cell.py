"""One cell of a study: one variant, mechanism, batch interval and seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from experiments.limits import CELLS_MAX
from experiments.pi_curve.config import Study
from experiments.pi_curve.contrasts import Contrast, Point
from experiments.pi_curve.measures import measure
from experiments.pi_curve.mechanisms import build_venues
from experiments.pi_curve.populations import build_agents
from experiments.pi_curve.worlds import build_world
from marketsim.errors import ConfigError, refusal
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.streams import Streams


@frozen
class Cell:
    """Where a run stands in a study; `pi` is 0 for mechanisms without batches."""

    variant: str
    mechanism: str
    pi: int
    seed: int


def cells_of(study: Study) -> list[Cell]:
    """Every cell: variants, mechanisms, batch intervals, seeds, in that order.

    Raises:
        ConfigError: there are more than `CELLS_MAX`.
    """
    studies = study.resolved()
    _counted(studies)
    return [
        Cell(variant, point.mechanism, point.pi, seed)
        for variant, own in studies.items()
        for point in _points(own)
        for seed in range(own.first_seed, own.first_seed + own.seeds)
    ]


def cell_count(study: Study) -> int:
    """How many cells `cells_of` gives; raises as it does."""
    return _counted(study.resolved())


def _counted(studies: Mapping[str, Study]) -> int:
    count = sum(len(_points(own)) * own.seeds for own in studies.values())
    if count > CELLS_MAX:
        points = max(len(_points(own)) for own in studies.values())
        seeds = max(own.seeds for own in studies.values())
        made = f"variants and factors: {len(studies)}, mechanisms and pi: up to {points}, seeds: up to {seeds}"
        raise ConfigError(refusal("study", f"{count} cells ({made})", f"at most {CELLS_MAX}"))
    return count


def _points(study: Study) -> list[Point]:
    return [Point(mechanism, pi) for mechanism in study.mechanisms for pi in (study.pi if mechanism == "fba" else (0,))]


def unanswerable(study: Study) -> list[Contrast]:
    """The contrasts of a study about cells that it does not have."""
    known = {(label, point) for label, own in study.resolved().items() for point in _points(own)}
    return [
        asked
        for asked in study.contrasts
        if any((place.variant, place.point) not in known for place in (asked.of, asked.minus) if place)
    ]


def rehearse(study: Study) -> None:
    """Run one step of every variant and mechanism, so that what cannot run says so before hours have passed.

    Raises:
        ConfigError: there are more than `CELLS_MAX` cells; a contrast is about cells or measures that the study does
            not have; or whatever a cell raises.
    """
    studies = study.resolved()
    _counted(studies)
    if lost := unanswerable(study):
        raise ConfigError(f"contrast {lost[0].asks!r}: the study lacks cells of {lost[0].reads()}")
    measured: dict[str, Any] = {}
    for label, own in studies.items():
        firsts = {point.mechanism: point.pi for point in reversed(_points(own))}
        for mechanism, pi in firsts.items():
            row, _ = run_cell(evolve(own, horizon=1), Cell(label, mechanism, pi, own.first_seed))
            measured |= row
    for asked in study.contrasts:
        for column in (asked.measure, asked.less):
            if column and column not in measured:
                raise ConfigError(f"contrast {asked.asks!r}: the study measures no {column}")


def simulate(study: Study, cell: Cell) -> Result:
    """Run a cell; `study` is the resolved one of the cell's variant."""
    streams = Streams(cell.seed)
    world = build_world(study, streams)
    simulation = Simulation(
        venues=build_venues(cell.mechanism, cell.pi, study.venue, study.world, world.anchors),
        agents=build_agents(study, world, streams, cell.mechanism),
        fair_value=world.fair_value,
        information=world.information,
        sources=world.sources,
        seed=cell.seed,
        ties=study.ties,
        time_unit=study.world.time_unit,
    )
    return simulation.run(study.horizon)


def run_cell(study: Study, cell: Cell) -> tuple[dict[str, Any], Result]:
    """Simulate and measure a cell: its row of the study's table, and the run itself."""
    result = simulate(study, cell)
    row = {"variant": cell.variant, "mechanism": cell.mechanism, "pi": cell.pi, "seed": cell.seed}
    return row | measure(study, result, pi=cell.pi), result
