"""One cell of a study: one variant, mechanism, batch interval and seed."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from experiments.config import Study
from experiments.measures import measure
from experiments.mechanisms import build_venues
from experiments.populations import build_agents
from experiments.worlds import build_world
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
    """Every cell: variants, mechanisms, batch intervals, seeds, in that order."""
    return [
        Cell(variant, mechanism, pi, seed)
        for variant, own in study.resolved().items()
        for mechanism in own.mechanisms
        for pi in (own.pi if mechanism == "fba" else (0,))
        for seed in range(own.first_seed, own.first_seed + own.seeds)
    ]


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
