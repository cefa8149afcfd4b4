"""Several venues: the published optimum, by search over a sample and by stochastic approximation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from agents.execution.approximation import approximate_placement, project, step_length
from agents.execution.cost import Costs, Placement, beyond_queue, placement_of, sample_cost
from agents.execution.one_venue import EmpiricalOutflow, OneVenue
from agents.execution.placement import _Sample, _Search, best_placement
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from tests.agents.execution.models import (
    C1,
    C1_COST,
    C1_FLOW,
    C1_QUEUES,
    LOTS,
    c1_cost,
    first_order,
    grid,
    prices,
    subgradients,
)


def draws(count, seed=7):
    return np.maximum(C1_FLOW.rvs((count, 2), random_state=Streams(seed).stream("outflow")), 0)


def feasible(placement, quantity):
    within = all(-1e-9 <= limit <= quantity - placement.market + 1e-6 for limit in placement.limits)
    return within and -1e-9 <= placement.market <= quantity + 1e-9 and placement.total >= quantity - 1e-6


def test_sample_optimum_is_the_published_one_within_a_thousandth():
    found = best_placement(LOTS, C1, C1_QUEUES, grid(60), tolerance=1e-3)
    assert c1_cost(found.placement) == pytest.approx(C1_COST, rel=1e-3)
    assert found.bound <= found.cost <= found.bound + 1e-3 * 23.5
    assert feasible(found.placement, LOTS)
    assert found.placement.total > 1500  # it over-books
    short, given_full = first_order(found.placement, LOTS, C1, beyond_queue(grid(200), C1_QUEUES))
    assert short[0] == pytest.approx(short[1], abs=0.02)
    assert given_full[0] == pytest.approx(given_full[1], abs=0.03)


def test_approximation_with_a_hundred_thousand_draws_is_within_half_a_percent():
    found = approximate_placement(LOTS, C1, C1_QUEUES, draws(100_000))
    assert C1_COST - 1e-4 <= c1_cost(found) <= C1_COST * 1.005
    assert feasible(found, LOTS)


def test_approximation_approaches_with_more_draws():
    # Published: 11.65, 10.914 with 1e3 and 1e4 draws.
    gaps = [c1_cost(approximate_placement(LOTS, C1, C1_QUEUES, draws(count))) - C1_COST for count in (1000, 10_000)]
    assert 0 < gaps[1] < gaps[0] < 1.5
    assert gaps[1] < 0.15


@pytest.mark.parametrize("under", [0.03, 0.08])
def test_approximation_steps_along_the_published_subgradients(under):
    costs = prices(under, rebates=(0.002, 0.001))
    reach = beyond_queue(draws(50), C1_QUEUES)
    at, visited = np.full(3, LOTS / 3), []
    for row in reach:
        (slopes,) = subgradients(placement_of(at), LOTS, costs, row[None])
        market, *limits = at - step_length(LOTS, costs, 50) * slopes
        kept, shorter = project(market, limits, LOTS)
        at = np.array([kept, *shorter])
        visited.append(at)
    found = approximate_placement(LOTS, costs, C1_QUEUES, draws(50))
    assert found.vector == pytest.approx(np.mean(visited, axis=0), rel=1e-9)


def test_step_is_the_published_one():
    assert step_length(LOTS, C1, 10_000) == pytest.approx(
        2**0.5 * 1000 / (100 * ((0.1535) ** 2 + 2 * 0.1525**2) ** 0.5), rel=1e-9
    )


def test_sample_optimum_depends_on_the_price_of_falling_short():
    cheap, dear = (
        best_placement(LOTS, prices(under, rebates=(0.002, 0.002)), C1_QUEUES, grid(20), boxes_max=1)
        for under in (0.04, 0.2)
    )
    assert dear.placement.market > cheap.placement.market + 50
    assert dear.cost > cheap.cost + 1


@pytest.mark.parametrize(
    ("rebates", "queues"), [((0.006, 0.002), C1_QUEUES), ((0.002, 0.002), (1700.0, 2000.0))], ids=["rebate", "queue"]
)
def test_the_venue_that_pays_more_or_queues_less_gets_more(rebates, queues):
    found = best_placement(LOTS, prices(0.08, rebates=rebates), queues, grid(30), boxes_max=1)
    first, second = found.placement.limits
    assert first > second + 10


small = st.integers(0, 8)
price = st.sampled_from([0.0, 0.25, 1.0, 2.0, 5.0])


@st.composite
def problems(draw):
    flows = draw(st.lists(st.tuples(small, small), min_size=1, max_size=4))
    costs = Costs(draw(price), 0.1, (draw(price), draw(price)), draw(price) / 10, draw(price), draw(price))
    return costs, flows


@settings(max_examples=25)
@given(problems())
def test_no_whole_placement_is_cheaper(problem):
    costs, flows = problem
    found = best_placement(5, costs, (1, 1), flows, tolerance=1e-3)
    reach = beyond_queue(flows, (1, 1))
    whole = [
        Placement(market, limits)
        for market in range(6)
        for limits in itertools.product(range(6 - market), repeat=2)
        if market + sum(limits) >= 5
    ]
    least = min(sample_cost(placement, 5, costs, reach) for placement in whole)
    gap = 1e-3 * 5 * (costs.paid + costs.impact) + 1e-6
    assert feasible(found.placement, 5)
    assert found.cost <= least + gap
    assert found.bound <= least + 1e-6
    assert sample_cost(found.placement, 5, costs, reach) == pytest.approx(found.cost)


def test_it_leaves_a_local_optimum():
    # Outflows of 5 and 3 for sure. All 5 lots at the first venue, which pays more, fill without a lot too many; from
    # (2, 3), which is a local optimum, moving a lot there fills the same number in between.
    costs = Costs(half_spread=1.0, fee=0.1, rebates=(0.25, 0.0), impact=0.0, under=1.0, over=2.0)
    stays = best_placement(5, costs, (1, 1), [(6, 4)], boxes_max=1)
    found = best_placement(5, costs, (1, 1), [(6, 4)])
    assert found.cost == pytest.approx(-6.25, abs=1e-6)
    assert found.bound == pytest.approx(-6.25, abs=1e-3)
    assert stays.bound <= -6.25 <= stays.cost


@settings(max_examples=25)
@given(problems(), st.randoms(use_true_random=False))
def test_bound_of_a_box_is_below_every_placement_in_it(problem, random):
    costs, flows = problem
    sample = _Sample(costs, beyond_queue(flows, (1, 1)) / 5)
    search = _Search(sample, 1e-4)
    search.visit(np.array([1.0, 0.0, 0.0]))
    search.best_cost = np.inf
    corners = np.sort([[random.random() for _ in range(2)] for _ in range(2)], axis=0)
    found = search.bound(*corners)
    for _ in range(20):
        limits = corners[0] + [random.random() * wide for wide in corners[1] - corners[0]]
        market = random.uniform(0, 1 - limits.max())
        if market + limits.sum() >= 1:
            placement = Placement(market, tuple(limits.tolist()))
            assert found is not None
            assert found[0] <= sample_cost(placement, 1, costs, sample.reach) + 1e-6


def linear_program(quantity, costs, reach):
    """The least sample cost where lambda_o <= h + r_k: fills and shortfalls as variables, one program."""
    count, venues = reach.shape
    earned = costs.half_spread + np.array(costs.rebates)
    gain = -(earned - costs.over) / count
    market = costs.paid + costs.over + costs.impact
    short = (costs.impact + costs.under + costs.over) / count
    objective = [market, *[costs.impact] * venues, *np.tile(gain, count), *[short] * count]
    size, rows, sides = len(objective), [], []
    for n in range(count):
        row = np.zeros(size)
        row[0] = row[1 + venues + n * venues : 1 + venues + (n + 1) * venues] = -1
        row[1 + venues + count * venues + n] = -1
        rows.append(row)
        sides.append(-quantity)
        for k in range(venues):
            row = np.zeros(size)
            row[1 + venues + n * venues + k], row[1 + k] = 1, -1
            rows.append(row)
            sides.append(0)
    for k in range(venues):
        row = np.zeros(size)
        row[0] = row[1 + k] = 1
        rows.append(row)
        sides.append(quantity)
    row = np.zeros(size)
    row[: 1 + venues] = -1
    bounds = [(0, quantity)] * (1 + venues) + [(0, top) for top in reach.ravel()] + [(0, None)] * count
    return linprog(objective, A_ub=[*rows, row], b_ub=[*sides, -quantity], bounds=bounds).fun - costs.over * quantity


@pytest.mark.parametrize("under", [0.01, 0.03, 0.08])
def test_where_convex_it_is_the_optimum_of_one_linear_program(under):
    costs = prices(under, over=0.02, rebates=(0.002, 0.001), impact=0.004)
    flows = draws(60)
    # One box: the bound needs no search.
    found = best_placement(LOTS, costs, C1_QUEUES, flows, boxes_max=1)
    least = linear_program(LOTS, costs, beyond_queue(flows, C1_QUEUES))
    assert found.bound - 1e-4 <= least <= found.cost + 1e-6
    assert found.cost == pytest.approx(least, abs=1e-4 * 27)
    assert found.cost - found.bound <= 1e-4 * 27


def test_one_venue_is_the_closed_form():
    flows, costs = draws(500)[:, :1], prices(0.05)
    found = best_placement(LOTS, costs, (1900,), flows)
    assert found.placement == OneVenue(LOTS, 1900.0, costs).optimum(EmpiricalOutflow(flows[:, 0]))
    assert found.cost == found.bound == sample_cost(found.placement, LOTS, costs, beyond_queue(flows, (1900,)))


def test_approximation_and_search_agree_on_one_venue():
    flows, costs = draws(20_000)[:, :1], prices(0.05)
    reach = beyond_queue(flows, (1900,))
    near = sample_cost(approximate_placement(LOTS, costs, (1900,), flows), LOTS, costs, reach)
    least = best_placement(LOTS, costs, (1900,), flows).cost
    assert least <= near <= least + 0.1


coordinate = st.floats(-30, 30)


@given(coordinate, st.lists(coordinate, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_projection_is_the_nearest_feasible_point(market, limits, random):
    kept, shorter = project(market, limits, 10.0)
    near = Placement(kept, tuple(shorter))
    assert feasible(near, 10)
    point = np.array([market, *limits])
    # Nearest in a convex set: no feasible point lies beyond it, seen from the point that was projected.
    for _ in range(20):
        m = random.uniform(0, 10)
        other = np.array([m, *(random.uniform(0, 10 - m) for _ in limits)])
        if other.sum() >= 10:
            assert (point - near.vector) @ (other - near.vector) <= 1e-4


@pytest.mark.parametrize(
    "bad", [{"tolerance": 0.0}, {"tolerance": 1.0}, {"boxes_max": 0}, {"quantity": -1}, {"queues": (1.0,)}]
)
def test_bad_arguments_are_refused(bad):
    good = {"quantity": LOTS, "costs": C1, "queues": C1_QUEUES, "outflows": grid(2)}
    with pytest.raises(ConfigError):
        best_placement(**(good | bad))
