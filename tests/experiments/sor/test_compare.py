"""What may be compared, what is chosen, and with which error."""

from __future__ import annotations

import pandas as pd
import pytest

from experiments.sor import compare, config, report, search
from experiments.sor.study import Results
from marketsim.errors import ConfigError


def orders(table):
    """Orders of {policy: shortfalls by decision}; None is an incomplete one."""
    rows = [
        {"number": number, "policy": policy, "complete": value is not None, "shortfall": value}
        for policy, values in table.items()
        for number, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_published_savings():
    """Spec: 222.82089575141703 against 222.83, 223.0687157322577 and 223.06383180955982."""
    average = 1114104.4787570855 / 5000
    found = [compare.savings(average, price) for price in (222.83, 223.0687157322577, 223.06383180955982)]
    assert found == pytest.approx([0.40859, 11.12194, 10.90275], abs=5e-6)


def test_decisions_that_some_policy_did_not_complete_are_compared_for_none():
    table = orders({"slow": [5.0, None, 7.0], "cheap": [1.0, 0.0, 2.0], "never": [None, None, None]})
    same = compare.common(table)
    assert sorted(zip(same["policy"], same["number"], strict=True)) == [
        ("cheap", 0), ("cheap", 2), ("slow", 0), ("slow", 2),
    ]  # fmt: skip
    assert compare.ranking(table) == ["cheap", "slow"]
    assert compare.ranking(orders({"never": [None, None]})) == []


def test_differences_are_paired_by_decision():
    table = orders({"a": [1.0, 11.0, 21.0], "b": [2.0, 12.0, 22.5]})
    gap = compare.difference(table, "b", "a")
    assert (gap.mean, gap.n) == (pytest.approx(7 / 6), 3)
    assert gap.se == pytest.approx(pd.Series([1.0, 1.0, 1.5]).sem())
    assert compare.estimate(table, "a", "shortfall").se > 5


def grid(rows):
    names = ["over", "under", "impact", "part", "complete", "shortfall", "grid"]
    return pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows]).assign(number=0)


def test_the_search_does_not_look_at_the_later_decisions_nor_at_incomplete_orders():
    rows = [
        (1.0, 1.0, 0.0, "in", True, 3.0, True), (1.0, 1.0, 0.0, "out", True, 0.0, True),
        (1.0, 2.0, 0.0, "in", True, 2.0, True), (1.0, 2.0, 0.0, "out", True, 99.0, True),
        (1.0, 3.0, 0.0, "in", True, 1.0, True), (1.0, 3.0, 0.0, "in", False, None, True),
        (9.0, 9.0, 0.0, "in", True, 0.5, False),
    ]  # fmt: skip
    table = grid(rows)
    best = search.choice(table)
    assert best == search.Prices(1.0, 2.0, 0.0)
    assert search.rows_of(table, best, "out")["shortfall"].tolist() == [99.0]
    assert search.rows_of(table, None, "in")["shortfall"].tolist() == [0.5]
    with pytest.raises(ConfigError):
        search.choice(table[~table["complete"]])


def test_the_grid_says_of_how_many_orders_a_mean_is():
    rows = [(1.0, 1.0, 0.0, "in", True, 3.0, True), (1.0, 1.0, 0.0, "out", True, 2.0, True)]
    rows.append((1.0, 1.0, 0.0, "in", False, float("nan"), True))
    table = grid(rows).assign(objective=1.0, market=0.0, limits=5.0)
    study = config.SorStudy(grid=config.Grid(over=(1.0,), under=(1.0,), impact=(0.0,)))
    results = Results(*[pd.DataFrame()] * 3, table, ())
    found = report.grid_table(report.Findings(study, None, results, pd.DataFrame(), (), ()))
    [row] = found.rows
    assert [row.entries[place].below for place in (5, 9)] == ["of the 1 of 2 complete", ""]


def test_a_point_chosen_on_the_first_decisions_is_told_from_zero_by_the_later_ones_alone():
    cells = [
        (price, 1.0, 0.0, part, True, 5.0 * own + 0.1 * number + price, not own)
        for price, own in ((1.0, False), (2.0, False), (9.0, True))
        for part in ("in", "out")
        for number in range(8)
    ]
    table = grid(cells).assign(number=[*range(8)] * 6)
    results = Results(*[pd.DataFrame()] * 3, table, ())
    found = report.search_table(report.Findings(config.SorStudy(), None, results, pd.DataFrame(), (), ()))
    gap = found.rows[-1]
    assert gap.head == "difference"
    assert [entry.text for entry in gap.entries[3::2]] == ["\N{MINUS SIGN}1300"] * 2
    assert [entry.told for entry in gap.entries[3::2]] == [False, True]


def test_the_grid_is_that_of_the_source():
    points = search.points_of(config.Grid())
    assert len(points) == len(dict.fromkeys(points)) == 27
    assert points[0] == search.Prices(0.0005, 0.0005, 0.00005)


@pytest.mark.parametrize(
    "bad",
    [
        {"policies": ("twap", "twap")}, {"policies": ()}, {"quantity": 0}, {"quantity": 7, "lot_size": 2.0},
        {"in_sample": 1.5}, {"horizon": 1}, {"fee": float("nan")}, {"rebate": -0.006},
        {"half_spread": 0.0, "fee": 0.0, "impact": 0.0}, {"quantity": 7, "lot_size": 0.3},
        {"books": config.Books(lookback=10)},
    ],
)  # fmt: skip
def test_what_is_no_study_is_refused(bad):
    with pytest.raises(ConfigError):
        config.SorStudy(**bad)


@pytest.mark.parametrize(("lot_size", "lots"), [(0.1, 70), (0.07, 100), (3.5, 2), (7.0, 1)])
def test_lots_are_those_of_the_decimal_size(lot_size, lots):
    assert config.SorStudy(quantity=7, lot_size=lot_size).lots == lots


@pytest.mark.parametrize("bad", [{"over": ()}, {"under": (0.1, 0.1)}, {"impact": (-1.0,)}])
def test_what_is_no_grid_is_refused(bad):
    with pytest.raises(ConfigError):
        config.Grid(**bad)


def test_money_is_that_of_the_decimal_price():
    costs = config.SorStudy().costs(5, under=0.08)
    assert (costs.half_spread, costs.fee, costs.under) == pytest.approx((0.5, 0.3, 8.0))
    assert costs.rebates == pytest.approx((0.2,) * 5)
