"""The stochastic approximation of Cont and Kukanov (2017): averaged, projected subgradient steps, one a draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from agents.execution.cost import Costs, Placement, beyond_queue, check_sizes, placement_of


def step_length(quantity: float, costs: Costs, draws: int) -> float:
    """The constant step, in lots squared a unit of money, for N draws.

    sqrt(K) S / sqrt(N [(h + f + c)^2 + sum (h + r_k + c)^2]) with c = theta + lambda_u + lambda_o, from the robust
    stochastic approximation of Nemirovski, Juditsky, Lan and Shapiro (SIAM Journal on Optimization 19, 2009).
    """
    rest = costs.impact + costs.under + costs.over
    largest = (costs.paid + rest) ** 2 + float(((costs.earned + rest) ** 2).sum())
    return sqrt(len(costs.rebates)) * quantity / sqrt(draws * largest) if largest > 0 else 0.0


def approximate_placement(quantity: float, costs: Costs, queues: Sequence[float], outflows: npt.ArrayLike) -> Placement:
    """The mean of the iterates from M = L_k = S / (K + 1), one for each row of `outflows`, in the order of the rows.

    The cost of the result is what converges, as 1 / sqrt(N); the cost is flat near its least, so the placement itself
    may be far from the best one.

    Args:
        quantity: S, lots.
        costs: one rebate per venue.
        queues: Q_k, lots.
        outflows: shape (N, K), lots; independent draws.

    Raises:
        ConfigError: sizes that do not go together, or a number out of bounds.
    """
    reach = beyond_queue(outflows, queues)
    draws, venues = reach.shape
    check_sizes(quantity, costs, venues)
    step = step_length(quantity, costs, draws)
    short_slope, over_slope = -(costs.under + costs.impact) * step, costs.over * step
    market_slope, impact = (costs.paid + costs.impact) * step, costs.impact * step
    earned = (costs.earned * step).tolist()
    market = quantity / (venues + 1)
    limits = [market] * venues
    sums = [0.0] * (venues + 1)
    # Plain floats: K is small, and a NumPy call on so few numbers costs more than the arithmetic.
    for row in reach.tolist():
        total = market + sum(map(min, row, limits))
        lot = short_slope if total < quantity else over_slope if total > quantity else 0.0
        moved = [
            limit - impact - (lot - gain if out > limit else 0.0)
            for limit, gain, out in zip(limits, earned, row, strict=True)
        ]
        market, limits = project(market - market_slope - lot, moved, quantity)
        sums[0] += market
        for place, limit in enumerate(limits, 1):
            sums[place] += limit
    return placement_of(np.array(sums) / draws)


def project(market: float, limits: list[float], quantity: float) -> tuple[float, list[float]]:
    """The nearest point with 0 <= M <= S, 0 <= L_k <= S - M, M + sum L_k >= S."""
    near = _within(market, limits, quantity)
    if near[0] + sum(near[1]) >= quantity:
        return near
    # The multiplier of the last constraint lifts all coordinates alike; the sum rises with it.
    low, high = 0.0, quantity + max(0.0, -market, *(-limit for limit in limits))
    for _ in range(60):
        middle = (low + high) / 2
        near = _within(market + middle, [limit + middle for limit in limits], quantity)
        if near[0] + sum(near[1]) >= quantity:
            high = middle
        else:
            low = middle
        if high - low <= 1e-12 * quantity:
            break
    return _within(market + high, [limit + high for limit in limits], quantity)


def _within(market: float, limits: list[float], quantity: float) -> tuple[float, list[float]]:
    # M + sum (M - (S - L_k))^+ = m: the market quantity gives way to every limit order that it would squeeze.
    weight, total = 1.0, market
    for room in sorted(quantity - limit for limit in limits):
        if total / weight <= room:
            break
        weight += 1.0
        total += room
    kept = min(max(total / weight, 0.0), quantity)
    return kept, [min(max(limit, 0.0), quantity - kept) for limit in limits]
