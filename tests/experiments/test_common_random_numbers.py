"""The same seed gives every mechanism the same world, and a bystander disturbs nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from attrs import Factory, define

from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Study, World
from experiments.pi_curve.mechanisms import build_venues
from experiments.pi_curve.populations import build_agents
from experiments.pi_curve.worlds import build_world
from marketsim.fairvalue import ConstantFairValue
from marketsim.simulation import Simulation
from marketsim.streams import Streams

CELLS = [("clob", 0), ("fba", 1), ("fba", 10)]


@define
class Recorder:
    """Writes down every signal and never trades."""

    agent_id: str = "recorder"
    review_interval: int = 7
    seen: list = Factory(list)

    def decide(self, ctx, signal):
        self.seen.append((ctx.now, *signal))
        ctx.rng.random()

    def review(self, ctx):
        ctx.state("market-1")


def run(study: Study, mechanism: str, pi: int, *, seed: int = 3, bystander: bool = False, fair=None):
    streams = Streams(seed)
    world = build_world(study, streams)
    truth = world.fair_value if fair is None else fair(world.fair_value)
    agents = build_agents(study, world, streams, mechanism)
    recorder = Recorder()
    simulation = Simulation(
        venues=build_venues(mechanism, pi, study.venue, study.world, world.anchors),
        agents=[*agents[:2], *([recorder] if bystander else []), *agents[2:]],
        fair_value=truth,
        information=world.information,
        seed=seed,
    )
    return simulation.run(study.horizon), recorder


@pytest.mark.parametrize(("mechanism", "pi"), CELLS)
def test_no_walk_is_the_frozen_world(mechanism: str, pi: int):
    study = Study(world=World(walk_var=0.0))
    walk, _ = run(study, mechanism, pi)
    frozen, _ = run(study, mechanism, pi, fair=lambda fair: ConstantFairValue({m: fair.at(m, 0) for m in fair.markets}))
    assert len(walk.fills) > 20
    assert walk.fills.digest() == frozen.fills.digest()


@pytest.mark.parametrize(("mechanism", "pi"), CELLS)
def test_an_agent_that_never_trades_changes_nothing(mechanism: str, pi: int):
    alone, _ = run(Study(), mechanism, pi)
    watched, recorder = run(Study(), mechanism, pi, bystander=True)
    assert recorder.seen
    assert alone.fills.digest() == watched.fills.digest()
    assert alone.orders.digest() == watched.orders.digest()


def test_mechanisms_get_the_same_signals():
    seen = [run(Study(), mechanism, pi, bystander=True)[1].seen for mechanism, pi in CELLS]
    assert seen[0] == seen[1] == seen[2]


def test_mechanisms_get_the_same_noise_arrivals():
    arrivals = []
    for mechanism, pi in CELLS:
        orders = run(Study(), mechanism, pi)[0].orders.frame()
        noise = orders[orders["owner"] == "noise-1"].sort_values("order_id")
        arrivals.append(list(zip(noise["submitted"], noise["market"], noise["side"], strict=True)))
    assert arrivals[0] == arrivals[1] == arrivals[2]


PROGRAM = """
import json, sys
from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Study
print(json.dumps([simulate(Study(), Cell("base", m, pi, 5)).fills.digest() for m, pi in json.loads(sys.argv[1])]))
"""


def test_a_seed_gives_the_same_log_in_any_process():
    here = [simulate(Study(), Cell("base", mechanism, pi, 5)).fills.digest() for mechanism, pi in CELLS]
    again = [simulate(Study(), Cell("base", mechanism, pi, 5)).fills.digest() for mechanism, pi in CELLS]
    assert here == again
    for hash_seed in ("0", "2"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(CELLS)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout) == here
