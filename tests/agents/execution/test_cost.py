"""The objective: its value by hand, its parameters, its shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.execution.cost import (
    Costs,
    Placement,
    beyond_queue,
    costs_by_outcome,
    placement_of,
    sample_cost,
)
from marketsim.errors import ConfigError
from tests.agents.execution.models import (
    C1,
    C1_COST,
    C1_QUEUES,
    LOTS,
    c1_cost,
    filled,
    first_order,
    grid,
    subgradients,
)

BY_HAND = Costs(half_spread=2.0, fee=0.5, rebates=(0.25, 1.0), impact=0.125, under=5.0, over=3.0)


@pytest.mark.parametrize(
    ("outflows", "cost"),
    [
        # fills 4 and 0: A = 7, three short: 2.5*3 - 2.25*4 + .125*(3+10+3) + 5*3
        ((24, 10), 15.5),
        # fills 4 and 6: A = 13, three over: 2.5*3 - 2.25*4 - 3*6 + .125*13 + 3*3
        ((99, 99), -8.875),
        # fills 4 and 3: A = 10: 7.5 - 9 - 9 + .125*13
        ((24, 33), -8.875),
    ],
)
def test_cost_by_hand(outflows, cost):
    reach = beyond_queue([outflows], (20, 30))
    assert costs_by_outcome(Placement(3, (4, 6)), 10, BY_HAND, reach) == pytest.approx([cost], abs=1e-12)


@pytest.mark.parametrize("limits", [(789.0, 789.0), (500.0, 700.0), (823.4, 0.0)])
def test_sample_cost_is_the_expected_cost(limits):
    placement = Placement(176.6, limits)
    reach = beyond_queue(grid(200), C1_QUEUES)
    assert sample_cost(placement, LOTS, C1, reach) == pytest.approx(c1_cost(placement), abs=2e-3)


def test_published_optimum_has_its_cost_and_its_first_order_probabilities():
    placement = Placement(176.6, (789.0, 789.0))
    assert c1_cost(placement) == pytest.approx(C1_COST, abs=5e-4)
    short, given_full = first_order(placement, LOTS, C1, beyond_queue(grid(400), C1_QUEUES))
    assert short == (pytest.approx(0.5632, abs=2e-3), pytest.approx(0.5632, abs=5e-5))
    assert given_full == (pytest.approx([0.2321] * 2, abs=3e-3), pytest.approx([0.2321] * 2, abs=5e-4))


@pytest.mark.parametrize("name", ["half_spread", "fee", "rebates", "impact", "under", "over"])
def test_every_price_changes_the_cost(name):
    values = {field: getattr(C1, field) for field in ("half_spread", "fee", "rebates", "impact", "under", "over")}
    old = values[name]
    values[name] = tuple(item + 0.01 for item in old) if isinstance(old, tuple) else old + 0.01
    placement, reach = Placement(176.6, (789.0, 789.0)), beyond_queue(grid(50), C1_QUEUES)
    gap = sample_cost(placement, LOTS, Costs(**values), reach) - sample_cost(placement, LOTS, C1, reach)
    assert abs(gap) > 0.1


lots = st.floats(0, 30)
price = st.floats(0, 2)


@st.composite
def problems(draw, venues=2):
    costs = Costs(draw(price), draw(price), tuple(draw(price) for _ in range(venues)), *(draw(price) for _ in range(3)))
    reach = beyond_queue([[draw(lots) for _ in range(venues)] for _ in range(draw(st.integers(1, 4)))], (2.0,) * venues)
    market = draw(st.floats(0, 10))
    return costs, reach, market


def placements(venues):
    return st.tuples(lots, st.tuples(*[lots] * venues)).map(lambda pair: Placement(*pair))


@given(problems(), placements(2), placements(2), st.floats(0, 1))
def test_convex_where_overfills_cost_no_more_than_a_fill_earns(problem, one, two, share):
    costs, reach, _ = problem
    cheap = min(costs.over, costs.half_spread + min(costs.rebates))
    costs = Costs(costs.half_spread, costs.fee, costs.rebates, costs.impact, costs.under, cheap)
    between = placement_of(share * one.vector + (1 - share) * two.vector)
    v = [sample_cost(placement, 10, costs, reach) for placement in (one, two, between)]
    assert v[2] <= share * v[0] + (1 - share) * v[1] + 1e-9


@given(problems(venues=1), st.floats(0, 10), st.floats(0, 10), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_convex_for_one_venue_without_overbooking(problem, first, second, low, high, share):
    costs, reach, _ = problem
    one, two = Placement(first, ((10 - first) * low,)), Placement(second, ((10 - second) * high,))
    between = placement_of(share * one.vector + (1 - share) * two.vector)
    v = [sample_cost(placement, 10, costs, reach) for placement in (one, two, between)]
    assert v[2] <= share * v[0] + (1 - share) * v[1] + 1e-9


def test_not_convex_where_overfills_cost_more():
    # The second venue fills the parent; every fill of the first is one too many, until its outflow of 5 is used up.
    costs = Costs(0.02, 0.003, (0.002, 0.002), 0.0, 0.08, 0.05)
    reach = beyond_queue([[5, 10]], (0, 0))
    v = [sample_cost(Placement(0, (limit, 10)), 10, costs, reach) for limit in (0, 5, 10)]
    assert v[1] > (v[0] + v[2]) / 2 + 0.05


@given(problems(), placements(2))
def test_subgradients_are_the_slopes(problem, placement):
    costs, reach, _ = problem
    x, step = placement.vector, 1e-6
    total = filled(placement, reach)
    # Away from the corners only.
    if (abs(total - 10) < 1e-4).any() or (abs(reach - placement.limits) < 1e-4).any() or (x < 1e-4).any():
        return
    slopes = subgradients(placement, 10, costs, reach).mean(axis=0)
    for place in range(3):
        moved = [x + sign * step * np.eye(3)[place] for sign in (1, -1)]
        up, down = (sample_cost(placement_of(vector), 10, costs, reach) for vector in moved)
        assert (up - down) / (2 * step) == pytest.approx(slopes[place], abs=1e-6)


@pytest.mark.parametrize(
    ("outflows", "queues"),
    [
        ([[1, 2]], (0,)),
        ([1, 2], (0, 0)),
        ([[]], ()),
        ([[-1]], (0,)),
        ([[1]], (-1,)),
        ([[np.nan]], (0,)),
        ([[1]], (np.inf,)),
    ],
)
def test_bad_outflows_and_queues_are_refused(outflows, queues):
    with pytest.raises(ConfigError):
        beyond_queue(outflows, queues)


@pytest.mark.parametrize(
    "bad", [{"half_spread": -1.0}, {"rebates": (-3.0,)}, {"rebates": ()}, {"under": np.nan}, {"over": -1}]
)
def test_bad_prices_are_refused(bad):
    good = {"half_spread": 2.0, "fee": 0.5, "rebates": (0.25,), "impact": 0.1, "under": 5.0, "over": 3.0}
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Costs(**(good | bad))


def test_sizes_that_do_not_go_together_are_refused():
    reach = beyond_queue([[5.0, 5.0]], (0, 0))
    for placement, quantity, costs in (
        (Placement(0, (1.0,)), 10, BY_HAND),
        (Placement(0, (1.0, 1.0)), 0, BY_HAND),
        (Placement(0, (1.0, 1.0)), 10, Costs(1.0, 0.0, (0.0,), 0.0, 0.0, 0.0)),
    ):
        with pytest.raises(ConfigError):
            sample_cost(placement, quantity, costs, reach)
