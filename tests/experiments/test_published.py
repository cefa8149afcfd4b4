"""The published study: its table with its faults switched on, its ladder of repairs, and its re-quote line."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import hypot

import numpy as np
import pytest
from attrs import evolve

from experiments.pi_curve import config
from experiments.pi_curve.cell import Cell, simulate
from marketsim.metrics import pnl_by_role, trades

# The table

CELLS = {
    "clob": ("clob", 0),
    "fba-1": ("fba", 1),
    "fba-10": ("fba", 10),
    "fba-50": ("fba", 50),
    "fba-200": ("fba", 200),
}
PUBLISHED = {  # (mean, standard error) of LP PnL, LP fills and informed gain, from the published table
    "clob": ((-91.9, 14.5), (21.9, 0.9), (182, 23)),
    "fba-1": ((-4.7, 1.4), (12.0, 0.5), (129, 19)),
    "fba-10": ((-4.7, 1.5), (9.5, 0.5), (130, 19)),
    "fba-50": ((-4.9, 1.5), (8.1, 0.4), (134, 21)),
    "fba-200": ((-6.7, 1.6), (6.6, 0.4), (138, 23)),
}
QUICK, FULL = 60, 400


@cache
def published(requote: int = 500) -> config.Study:
    study = config.load("published.toml")
    return evolve(study, population=evolve(study.population, lp_requote=requote), variants=(), factors=(), contrasts=())


def repaired(requote: int = 500, *, capital: bool = False, clearing: bool = False) -> config.Study:
    """The published cell with a sound book and, on request, sound capital and a sound auction."""
    study = published(requote)
    auction = {"price_rule": "midpoint", "allocation": "batch-pro-rata"} if clearing else {}
    rule = {"capital": "committed"} if capital else {}
    return evolve(study, venue=evolve(study.venue, book="clob", **auction), population=evolve(study.population, **rule))


_rows: dict[str, list[tuple[float, float, float]]] = {}


def measured(study: config.Study, cell: str, seeds: int) -> np.ndarray:
    """(seeds, 3): LP PnL in money, LP fills in legs, informed gain in money; a seed is simulated once per session."""
    money = study.world.tick_size * study.world.lot_size
    mechanism, pi = CELLS[cell]
    rows = _rows.setdefault(f"{cell} {config.dumps(study)}", [])
    for seed in range(1 + len(rows), seeds + 1):
        run = simulate(study, Cell("base", mechanism, pi, seed))
        roles = {account: run.role(account) for account in run.ledger.cash}
        table = pnl_by_role(trades(run.fills), run.fair_value, roles, end=run.horizon).to_dict("index")
        lp, informed = table.get("lp", {"pnl": 0.0, "fills": 0}), table.get("informed", {"pnl": 0.0})
        rows.append((lp["pnl"] * money, float(lp["fills"]), informed["pnl"] * money))
    return np.array(rows[:seeds])


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def distance(values: np.ndarray, mean: float, error: float) -> float:
    """From a published mean, in standard errors of the difference."""
    ours, own = mean_and_error(values)
    return (ours - mean) / hypot(own, error)


def check_table(cell: str, seeds: int) -> None:
    rows = measured(published(), cell, seeds)
    for values, (mean, error) in zip(rows.T, PUBLISHED[cell], strict=True):
        assert abs(distance(values, mean, error)) <= 2.5, (cell, mean_and_error(values), mean, error)


@pytest.mark.parametrize("cell", PUBLISHED)
def test_the_published_table(cell: str):
    check_table(cell, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("cell", PUBLISHED)
def test_the_published_table_over_400_seeds(cell: str):
    check_table(cell, FULL)
    # Fewer than 25 seeds' worth of noise is left, so that the criterion cannot hold by our own error alone.
    errors = [mean_and_error(values)[1] for values in measured(published(), cell, FULL).T]
    assert all(own < error / 2 for own, (_, error) in zip(errors, PUBLISHED[cell], strict=True))


def test_batching_seems_to_save_the_lp_and_the_criterion_could_have_failed():
    book, auction = (measured(published(), cell, QUICK)[:, 0] for cell in ("clob", "fba-10"))
    reduction, error = mean_and_error(auction - book)
    assert reduction > 4 * error
    assert abs(distance(auction - book, 87.2, 13.9)) <= 2.5
    # A table made of the other cell would not pass.
    assert abs(distance(auction, *PUBLISHED["clob"][0])) > 2.5
    assert abs(distance(book, *PUBLISHED["fba-10"][0])) > 2.5


def test_fills_fall_as_the_interval_grows():
    legs = [measured(published(), cell, QUICK)[:, 1] for cell in PUBLISHED]
    for more, fewer in pairwise(legs):
        difference, error = mean_and_error(more - fewer)
        assert difference > 3 * error


# The ladder


def check_cancels_repaired(seeds: int, bound: float) -> None:
    pnl, legs, gain = measured(repaired(), "clob", seeds).T
    assert abs(distance(pnl, -27.0, 2.5)) <= bound
    assert abs(distance(gain, 123.0, 23.0)) <= 2.5
    # The fault in cancelling is most of the loss, and some of the fills.
    broken = measured(published(), "clob", seeds)
    for difference in (pnl - broken[:, 0], broken[:, 1] - legs):
        mean, error = mean_and_error(difference)
        assert mean > 3 * error


def test_cancels_repaired():
    check_cancels_repaired(QUICK, 2.0)


# Over 1600 seeds this rung gives -19.7 (1.1), 2.7 errors of the difference from the -27.0 (2.5) of 300 other seeds, and
# less from the -20.7 (7.9) of the published 25. The two halves of the 400 below give -23.3 (2.9) and -15.4 (3.2).
@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "bound"), [(200, 2.0), (FULL, 2.5)])
def test_cancels_repaired_over_many_seeds(seeds: int, bound: float):
    check_cancels_repaired(seeds, bound)


def check_sound(seeds: int) -> float:
    sound = repaired(capital=True, clearing=True)
    difference, error = mean_and_error(measured(sound, "fba-10", seeds)[:, 0] - measured(sound, "clob", seeds)[:, 0])
    print(f"left of the reduction in a sound market: {difference:+.1f} ({error:.1f})")
    # A sound auction protects nobody here: of +87, nothing is left.
    assert error < 5
    assert difference < 2 * error
    return difference


def test_a_sound_market_leaves_nothing_of_the_reduction():
    check_sound(QUICK)


@pytest.mark.slow
def test_a_sound_market_leaves_nothing_of_the_reduction_over_200_seeds():
    assert abs(check_sound(200)) < 8


def test_the_ladder_starts_from_the_published_cell():
    rungs, base = config.load("ladder.toml").resolved(), published()
    parts = ("horizon", "ties", "world", "signals", "population", "venue")
    first, second = rungs["as published"], rungs["cancels repaired"]
    assert [getattr(first, part) for part in parts] == [getattr(base, part) for part in parts]
    assert [getattr(second, part) for part in parts] == [getattr(repaired(), part) for part in parts]


# The re-quote line

REQUOTE = {50: (-112, -34), 100: (-106, -33), 250: (-99, -33), 500: (-92, -21), 1000: (-56, -12), 2000: (-29, 3)}


@pytest.mark.slow
@pytest.mark.parametrize("interval", REQUOTE)
def test_the_re_quote_line(interval: int):
    as_published, sound_book = REQUOTE[interval]
    book, auction = (measured(published(interval), cell, 100)[:, 0] for cell in ("clob", "fba-10"))
    assert abs(distance(book, as_published, 14.5)) <= 2.5
    assert abs(distance(measured(repaired(interval), "clob", 100)[:, 0], sound_book, 7.9)) <= 2.5
    reduction, error = mean_and_error(auction - book)
    assert reduction > 2 * error
