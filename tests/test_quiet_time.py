"""A quiet step costs nothing: the work of a run is that of its events."""

from __future__ import annotations

import pytest

from experiments.benchmarks.cell import Hundred
from marketsim import Simulation
from marketsim.fairvalue import ConstantFairValue
from venues.clob import ContinuousBook
from venues.fba import BatchAuction


def run(venue, horizon: int):
    agent = Hundred()
    fair = ConstantFairValue({"A": 100.0})
    return Simulation(venues={"v": venue}, agents=[agent], fair_value=fair).run(horizon), agent


@pytest.mark.parametrize(
    "make", [lambda: ContinuousBook(("A",)), lambda: BatchAuction(("A",), 10)], ids=["clob", "fba"]
)
def test_a_million_quiet_steps_run_no_events(make):
    short, agent = run(make(), 1_000)
    long, other = run(make(), 1_000_000)
    assert agent.sent == other.sent == 100
    assert len(short.fills) == 100
    assert long.events == short.events < 500
    assert long.fills.digest() == short.fills.digest()
