"""The study's worlds behave as theory says they must."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from experiments.pi_curve.cell import Cell, run_cell
from experiments.pi_curve.config import Snipers, Study, World

SEEDS = 100


@cache
def lp_gains(walk_var: float, displacement: float) -> np.ndarray:
    study = Study(world=World(walk_var=walk_var, displacement=displacement))
    rows = [run_cell(study, Cell("base", "clob", 0, seed))[0] for seed in range(1, SEEDS + 1)]
    return np.array([row["lp_pnl"] for row in rows])


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def test_delay_on_a_frozen_truth_does_not_bleed_the_lp():
    mean, error = mean_and_error(lp_gains(0.0, 0.0))
    assert mean > -2 * error


def test_a_moving_truth_bleeds_the_lp():
    mean, error = mean_and_error(lp_gains(1e-6, 0.0))
    assert mean < -4 * error


def test_displaced_opening_costs_the_lp_a_little_even_when_truth_is_frozen():
    displaced, error = mean_and_error(lp_gains(0.0, 0.01))
    moving, _ = mean_and_error(lp_gains(1e-6, 0.01))
    assert moving / 2 < displaced < -2 * error


def sniping_study(snipers: int) -> Study:
    return Study(
        horizon=40_000,
        world=World(kind="jumps", n_markets=1, tick_size=0.01, lot_size=1.0, displacement=0.0, jump_rate=1.0),
        population=Snipers(snipers=snipers, investor_rate=0.5),
        pi=(1, 10, 49, 100, 200),
    )


@cache
def sniped(snipers: int, mechanism: str, pi: int) -> tuple[int, int, float]:
    # (jumps, jumps sniped, what the LP lost per jump)
    study = sniping_study(snipers)
    rows = [run_cell(study, Cell("base", mechanism, pi, seed))[0] for seed in range(1, 13)]
    jumps = sum(row["jumps_alone"] for row in rows)
    lost = sum(row["lp_loss_per_jump"] * row["jumps_alone"] for row in rows if row["jumps_alone"])
    return jumps, sum(row["jumps_sniped"] for row in rows), lost / jumps


@pytest.mark.parametrize("snipers", [1, 2, 3])
@pytest.mark.parametrize("pi", [1, 10, 49, 100, 200])
def test_sniping_probability_is_delta_over_pi(snipers: int, pi: int):
    # Budish, Cramton and Shim (QJE 2015): a quote is stale at the clear with probability min(1, delta / pi).
    jumps, hit, _ = sniped(snipers, "fba", pi)
    expected = min(1.0, 49 / pi)
    error = np.sqrt(max(expected * (1 - expected), 1e-9) / jumps)
    assert jumps > 80
    assert abs(hit / jumps - expected) <= 4 * error


@pytest.mark.parametrize("snipers", [1, 3])
def test_every_jump_is_sniped_in_the_book(snipers: int):
    jumps, hit, lost = sniped(snipers, "clob", 0)
    assert hit == jumps
    assert lost == pytest.approx(0.9, abs=1e-9)  # the jump less the half-spread


@pytest.mark.parametrize("snipers", [2, 3])
@pytest.mark.parametrize("pi", [1, 49])
def test_competition_in_a_batch_bids_the_loss_away(snipers: int, pi: int):
    _, _, lost = sniped(snipers, "fba", pi)
    assert abs(lost) < 1e-9


def test_a_sniper_who_is_alone_takes_all_of_it():
    _, _, lost = sniped(1, "fba", 10)
    assert lost == pytest.approx(0.9, abs=1e-9)
