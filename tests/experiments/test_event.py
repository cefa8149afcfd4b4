"""The event contract's world: a probability that ends at 0 or 1, paid out through the ledger, under every mechanism."""

from __future__ import annotations

from functools import cache
from math import log

import numpy as np
import pytest
from attrs import evolve

from experiments.pi_curve import config
from experiments.pi_curve.cell import Cell, run_cell, simulate

STUDY = evolve(config.load("event.toml"), horizon=6000, variants=())
CELLS = [("clob", 0), ("fba", 1), ("fba", 100), ("lmsr", 0)]
SEEDS = range(1, 25)


@cache
def rows(mechanism: str, pi: int, snipers: int = 3) -> list[dict]:
    study = evolve(STUDY, population=evolve(STUDY.population, snipers=snipers))
    return [run_cell(study, Cell("base", mechanism, pi, seed))[0] for seed in SEEDS]


@pytest.mark.parametrize(("mechanism", "pi"), CELLS)
def test_the_contracts_are_paid_out_and_nothing_is_left(mechanism: str, pi: int):
    result = simulate(STUDY, Cell("base", mechanism, pi, 3))
    assert sum(result.ledger.cash.values()) + sum(result.ledger.fees.values()) == 0
    assert not any(lots for held in result.ledger.inventory.values() for lots in held.values())
    assert len(result.fills) > 20
    assert any(result.ledger.cash.values())


@pytest.mark.parametrize(("mechanism", "pi"), CELLS)
def test_wealth_is_zero_in_every_run(mechanism: str, pi: int):
    assert all(row["wealth_sum"] == 0 for row in rows(mechanism, pi))


def test_the_scoring_rule_loses_no_more_than_its_bound():
    bound = STUDY.venue.liquidity * log(2) * STUDY.world.level
    lost = np.array([-row["lp_wealth"] for row in rows("lmsr", 0)])
    # A trade may cost the maker up to a tick-lot of rounding, in its favour, so the bound holds as it stands.
    assert lost.max() <= bound
    assert lost.mean() > 0.2 * bound  # and informed traders take a good part of it


def test_the_mechanisms_see_one_event():
    outcomes = {
        cell: [simulate(STUDY, Cell("base", *cell, seed)).fair_value.at("yes", STUDY.horizon) for seed in (1, 2, 3, 4)]
        for cell in CELLS
    }
    assert len({tuple(path) for path in outcomes.values()}) == 1
    assert {0.0, 1000.0} >= set(outcomes["clob", 0])


def test_competition_in_a_batch_protects_the_maker_and_a_lone_sniper_leaves_it_exposed():
    def paired(snipers: int, pi: int) -> tuple[float, float]:
        gaps = np.array(
            [
                batch["lp_pnl"] - book["lp_pnl"]
                for batch, book in zip(rows("fba", pi, snipers), rows("clob", 0, snipers), strict=True)
            ]
        )
        return float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(len(gaps)))

    helped, error = paired(3, 1)
    assert helped > 4 * error
    alone, error = paired(1, 1)
    assert abs(alone) < max(4 * error, 0.2 * helped)
