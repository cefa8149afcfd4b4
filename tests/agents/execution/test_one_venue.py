"""One venue: the published closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from agents.execution.cost import Placement, beyond_queue, sample_cost
from agents.execution.one_venue import EmpiricalOutflow, OneVenue
from marketsim.errors import ConfigError
from tests.agents.execution.models import LOTS, QUEUE, one_venue_cost, prices

NEAR, FAR, EXPONENTIAL = stats.norm(2500, 500), stats.norm(3200, 500), stats.expon(scale=2200)


@pytest.mark.parametrize(
    ("outflow", "under", "ratio", "limit", "cost"),
    [
        (NEAR, 0.05, 0.620690, 653.646, 11.7745),
        (NEAR, 0.08, 0.439024, 423.278, 16.9366),
        (FAR, 0.03, 0.857143, 1000.0, -15.5224),
        (EXPONENTIAL, 0.045, 2 / 3, 416.947, None),
    ],
)
def test_published_optima(outflow, under, ratio, limit, cost):
    problem = OneVenue(LOTS, QUEUE, prices(under))
    best = problem.optimum(outflow)
    assert problem.ratio == pytest.approx(ratio, abs=5e-7)
    assert best.limits == pytest.approx((limit,), abs=5e-4)
    assert best.market == pytest.approx(LOTS - limit, abs=5e-4)
    if cost is not None:
        assert one_venue_cost(problem, best, outflow) == pytest.approx(cost, abs=5e-5)


@pytest.mark.parametrize(("outflow", "low", "high"), [(NEAR, 0.030986, 0.261134), (EXPONENTIAL, 0.037962, 0.052863)])
def test_published_thresholds_are_where_the_corners_begin(outflow, low, high):
    def limit(under):
        return OneVenue(LOTS, QUEUE, prices(under)).optimum(outflow).limits[0]

    assert limit(low - 1e-6) == LOTS
    assert 0 < limit(high - 1e-6) < limit(low + 1e-6) < LOTS
    assert limit(high + 1e-6) == 0


def test_all_market_costs_half_spread_fee_and_impact():
    assert one_venue_cost(OneVenue(LOTS, QUEUE, prices(0.05)), Placement(LOTS, (0.0,)), NEAR) == pytest.approx(23.5)


@given(
    st.floats(0.001, 0.3), st.floats(0, 0.02), st.floats(0, 0.02), st.floats(0, 0.01), st.floats(1000, 4000),
    st.floats(500, 3000), st.floats(100, 2000),
)  # fmt: skip
def test_no_split_of_a_grid_is_cheaper(under, half_spread, rebate, impact, mean, queue, quantity):
    costs = prices(under, rebates=(rebate,), half_spread=half_spread, impact=impact)
    problem, outflow = OneVenue(quantity, queue, costs), stats.norm(mean, 500)
    least = one_venue_cost(problem, problem.optimum(outflow), outflow)
    for share in np.linspace(0, 1, 9).tolist():
        placement = Placement(quantity * (1 - share), (quantity * share,))
        assert least <= one_venue_cost(problem, placement, outflow) + 1e-6 * quantity


def test_comparative_statics():
    def limit(under=0.06, rebate=0.002, mean=2500.0, queue=QUEUE):
        return OneVenue(LOTS, queue, prices(under, rebates=(rebate,))).optimum(stats.norm(mean, 500)).limits[0]

    assert 0 < limit(under=0.07) < limit() < limit(under=0.05) < LOTS
    assert limit(rebate=0.004) > limit() > limit(rebate=0.0)
    assert limit(mean=2600.0) > limit() > limit(mean=2400.0)
    assert limit(queue=1900.0) > limit() > limit(queue=2100.0)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=7), st.floats(0, 3), st.floats(0, 2), st.integers(0, 10))
def test_empirical_optimum_is_least_over_every_whole_split(sample, under, rebate, queue):
    costs = prices(under, over=9.0, rebates=(rebate,), half_spread=1.0, fee=0.1, impact=0.05)
    reach = beyond_queue(np.array(sample)[:, None], (queue,))
    best = OneVenue(20.0, float(queue), costs).optimum(EmpiricalOutflow(sample))
    splits = [Placement(20.0 - limit, (float(limit),)) for limit in range(21)]
    least = min(sample_cost(placement, 20.0, costs, reach) for placement in splits)
    assert sample_cost(best, 20.0, costs, reach) == pytest.approx(least, abs=1e-9)


def test_empirical_distribution_has_the_quantiles_of_its_sample():
    outflow = EmpiricalOutflow([7, 1, 3, 3])
    assert [outflow.cdf(x) for x in (0, 1, 3, 6.9, 7)] == [0, 0.25, 0.75, 0.75, 1]
    assert [outflow.ppf(q) for q in (0.1, 0.25, 0.26, 0.75, 0.76, 1)] == [1, 1, 3, 3, 7, 7]


@pytest.mark.parametrize("bad", [[], [-1.0], [np.nan], [[1.0]]])
def test_bad_samples_are_refused(bad):
    with pytest.raises(ConfigError):
        EmpiricalOutflow(bad)
