"""Several venues: the placement of least mean cost over a sample of outflows, with a bound that proves it.

It searches the feasible set of Cont and Kukanov, 0 <= M <= S, 0 <= L_k <= S - M, M + sum L_k >= S, which holds a
minimiser where lambda_u > h + f and lambda_o > h + r_k; outside those prices it is a constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from agents.execution.cost import Costs, Floats, Placement, beyond_queue, check_sizes, placement_of, sample_cost, scaled
from agents.execution.one_venue import EmpiricalOutflow, OneVenue
from marketsim.errors import ConfigError


@frozen
class Solution:
    """A placement, its mean cost over the sample in money, and a lower bound of the mean cost of any placement."""

    placement: Placement
    cost: float
    bound: float


@define(eq=False)
class _Sample:
    """The mean cost in lots of S = 1, as a convex function of X plus concave functions of single L_k.

    With (A - S)^+ = A - S + (S - A)^+ the cost of a fill is lambda_o - h - r_k. Where that is below 0 the term is
    convex, where above 0 concave.
    """

    costs: Costs
    reach: Floats  # shape (N, K), in units of S
    sorted: Floats = field(init=False)
    running: Floats = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sorted = np.sort(self.reach, axis=0)
        self.running = np.vstack([np.zeros(self.reach.shape[1]), np.cumsum(self.sorted, axis=0)])

    @property
    def concave_slopes(self) -> Floats:
        """Shape (K,): max(lambda_o - h - r_k, 0), the price of a fill in the concave part."""
        return np.maximum(self.costs.over - self.costs.earned, 0.0)

    def mean_fills(self, limits: Floats) -> Floats:
        """Shape (K,): E min(reach_k, L_k)."""
        count = len(self.reach)
        below = [int(np.searchsorted(self.sorted[:, k], limits[k])) for k in range(len(limits))]
        return np.array(
            [(self.running[place, k] + (count - place) * limits[k]) / count for k, place in enumerate(below)]
        )

    def concave(self, limits: Floats) -> Floats:
        """Shape (K,): the concave part."""
        return self.concave_slopes * self.mean_fills(limits)

    def convex(self, vector: Floats) -> tuple[float, Floats]:
        """The convex part at X = (M, L), and a subgradient of it."""
        costs, limits = self.costs, vector[1:]
        fills = np.minimum(self.reach, limits)
        short = 1.0 - vector[0] - fills.sum(axis=1)
        weight = costs.impact + costs.under + costs.over
        market, gain = costs.paid + costs.over + costs.impact, np.maximum(costs.earned - costs.over, 0.0)
        value = market * vector[0] + costs.impact * limits.sum() - gain @ fills.mean(axis=0) - costs.over
        value += weight * np.maximum(short, 0.0).mean()
        is_short = short > 0
        full = self.reach > limits
        slopes = costs.impact - gain * full.mean(axis=0) - weight * (is_short[:, None] & full).mean(axis=0)
        return float(value), np.concatenate([[market - weight * is_short.mean()], slopes])


@define(eq=False)
class _Search:
    """Branch and bound over boxes of limit quantities; in a box the concave part is bounded by its chords.

    The planes that support the convex part hold everywhere, so that all boxes share them.
    """

    sample: _Sample
    tolerance: float
    planes: list[tuple[Floats, float]] = field(factory=list)  # value >= slopes @ X + constant
    best: Floats = field(init=False)
    best_cost: float = np.inf

    @property
    def venues(self) -> int:
        return len(self.sample.costs.rebates)

    def visit(self, vector: Floats) -> float:
        """Add the plane at `vector`, keep the placement where it is the best so far; its mean cost."""
        value, slopes = self.sample.convex(vector)
        self.planes.append((slopes, value - float(slopes @ vector)))
        cost = value + float(self.sample.concave(vector[1:]).sum())
        if cost < self.best_cost:
            self.best, self.best_cost = vector, cost
        return value

    def bound(self, low: Floats, high: Floats) -> tuple[float, Floats] | None:
        """(lower bound of the cost in the box, a placement that attains it for the chords); None: nothing feasible."""
        at_low, at_high = self.sample.concave(low), self.sample.concave(high)
        wide = high > low
        chords = np.where(wide, (at_high - at_low) / np.where(wide, high - low, 1.0), 0.0)
        return self._least(chords, float((at_low - chords * low).sum()), low, high)

    def descend(self, steps_max: int) -> None:
        """Improve the best placement: the concave part lies below its tangents, so each step lowers the cost."""
        zeros, ones = np.zeros(self.venues), np.ones(self.venues)
        for _ in range(steps_max):
            limits, before = self.best[1:], self.best_cost
            full = (self.sample.reach > limits).mean(axis=0)
            found = self._least(self.sample.concave_slopes * full, -np.inf, zeros, ones)
            if found is None:
                return
            self.visit(found[1])
            if before - self.best_cost <= self.tolerance / 4:
                return

    def _least(self, slopes: Floats, base: float, low: Floats, high: Floats) -> tuple[float, Floats] | None:
        # Least of convex part + slopes @ L + base in the box. A base of -inf leaves out that term and the early end.
        bounded = base > -np.inf
        # Few planes matter in one box: the program starts with the latest and takes in others where they are broken.
        used = list(range(max(0, len(self.planes) - 60), len(self.planes)))
        while True:
            found = self._lowest(slopes, low, high, used)
            if found is None:
                return None
            vector, value = found
            bound = value + float(slopes @ vector[1:]) + (base if bounded else 0.0)
            if bounded and bound >= self.best_cost - self.tolerance:
                return bound, vector
            broken = [float(plane @ vector) + constant for plane, constant in self.planes]
            worst = int(np.argmax(broken))
            if broken[worst] > value + self.tolerance / 8 and worst not in used:
                used.append(worst)
                continue
            used.append(len(self.planes))
            if self.visit(vector) - value <= self.tolerance / 4:
                return bound, vector

    def _lowest(self, slopes: Floats, low: Floats, high: Floats, used: list[int]) -> tuple[Floats, float] | None:
        # Variables M, L_1 .. L_K and t, which stands for the convex part.
        from scipy.optimize import linprog

        venues, planes = self.venues, [self.planes[place] for place in used]
        under_t = np.column_stack([np.array([plane for plane, _ in planes]), -np.ones(len(planes))])
        within = np.column_stack([np.ones(venues), np.eye(venues), np.zeros(venues)])
        enough = np.append(-np.ones(1 + venues), 0.0)
        rows = np.vstack([under_t, within, enough])
        sides = np.concatenate([[-constant for _, constant in planes], np.ones(venues), [-1.0]])
        bounds = [(0.0, 1.0), *zip(low.tolist(), high.tolist(), strict=True), (None, None)]
        done: Any = linprog(
            np.concatenate([[0.0], slopes, [1.0]]), A_ub=rows, b_ub=sides, bounds=bounds, method="highs"
        )
        if done.status == 2:
            return None
        if done.status != 0:
            raise ConfigError(f"the placement program was not solved: {done.message}")
        return np.asarray(done.x[:-1], dtype=np.float64), float(done.x[-1])

    def run(self, boxes_max: int) -> float:
        """Lower bound of the mean cost."""
        venues = self.venues
        self.visit(np.concatenate([[1.0], np.zeros(venues)]))
        self.visit(np.concatenate([[0.0], np.ones(venues)]))
        self.descend(20)
        boxes: list[tuple[float, int, Floats, Floats, Floats]] = []
        searched = self._push(boxes, np.zeros(venues), np.ones(venues), 0)
        while boxes and searched < boxes_max:
            bound, _, low, high, vector = heappop(boxes)
            if bound >= self.best_cost - self.tolerance:
                return bound
            place, cut = self._split(low, high, vector[1:])
            for half in (0, 1):
                low_half, high_half = low.copy(), high.copy()
                (high_half if half == 0 else low_half)[place] = cut
                searched = self._push(boxes, low_half, high_half, searched)
        return min(boxes[0][0] if boxes else self.best_cost, self.best_cost)

    def _push(self, boxes: list[tuple[float, int, Floats, Floats, Floats]], low: Floats, high: Floats, n: int) -> int:
        found = self.bound(low, high)
        if found is not None and found[0] < self.best_cost:
            heappush(boxes, (found[0], n, low, high, found[1]))
        return n + 1

    def _split(self, low: Floats, high: Floats, limits: Floats) -> tuple[int, float]:
        # Where the chord is furthest below the function, at the point that the bound was attained at.
        wide = np.where(high > low, high - low, 1.0)
        at_low, at_high = self.sample.concave(low), self.sample.concave(high)
        gaps = self.sample.concave(limits) - at_low - (at_high - at_low) * (limits - low) / wide
        place = int(np.argmax(gaps))
        margin = 0.1 * (high[place] - low[place])
        return place, float(min(max(limits[place], low[place] + margin), high[place] - margin))


def best_placement(
    quantity: float,
    costs: Costs,
    queues: Sequence[float],
    outflows: npt.ArrayLike,
    *,
    tolerance: float = 1e-4,
    boxes_max: int = 400,
) -> Solution:
    """The placement of least mean cost over a sample of outflows.

    One venue has the closed form. For several, the cost is a convex function plus a concave one of each limit
    quantity: supporting planes bound the former (Kelley, 1960), chords over ever smaller boxes the latter, and a linear
    program finds the least of both. The result is within `Solution.cost - Solution.bound` of the best there is.

    Args:
        quantity: S, lots.
        costs: one rebate per venue.
        queues: Q_k, lots.
        outflows: shape (N, K), lots, rows equally likely.
        tolerance: gap at which the search ends, as a share of the cost (h + f + theta) S of sending all at once.
        boxes_max: boxes after which it ends all the same.

    Raises:
        ConfigError: sizes that do not go together, or a number out of bounds.
    """
    reach = beyond_queue(outflows, queues)
    check_sizes(quantity, costs, reach.shape[1])
    if reach.shape[1] == 1:
        placement = OneVenue(float(quantity), 0.0, costs).optimum(EmpiricalOutflow(reach[:, 0]))
        cost = sample_cost(placement, quantity, costs, reach)
        return Solution(placement, cost, cost)
    unit = costs.paid + costs.impact
    if not (unit > 0 and 1e-6 <= tolerance < 1 and boxes_max >= 1):
        came = f"h + f + theta {unit!r}, tolerance {tolerance!r}, boxes_max {boxes_max!r}"
        raise ConfigError(f"best_placement: got {came}, wanted a price above 0, 1e-6 <= tolerance < 1, boxes_max >= 1")
    # In units of S lots and of the price of a market order, so that the solver's own tolerances are small.
    search = _Search(_Sample(scaled(costs, 1 / unit), reach / quantity), tolerance)
    bound = search.run(boxes_max)
    placement = placement_of(search.best * quantity)
    cost = sample_cost(placement, quantity, costs, reach)
    return Solution(placement, cost, min(bound * unit * quantity, cost))
