"""The cost of an order placement over several venues.

The model is of Cont and Kukanov, "Optimal order placement in limit order markets", Quantitative Finance 17 (2017),
arXiv 1210.1625.

A placement X = (M, L_1 .. L_K) sends M lots as market orders and L_k lots as a limit order to venue k, where Q_k lots
are ahead of it. Over the horizon xi_k lots leave that queue, so the limit order fills f_k = min(max(xi_k - Q_k, 0),
L_k), and A = M + sum f_k lots are bought or sold in all. The cost against the mid, of a parent order of S lots, is

    v = (h + f) M - sum (h + r_k) f_k + theta (M + sum L_k + (S - A)^+) + lambda_u (S - A)^+ + lambda_o (A - S)^+.

Given the outflows, v is convex in X where lambda_o <= h + min r_k, and for one venue wherever M + L <= S; not in
general: with lambda_o > h + r_k a fill beyond S costs money, and where the outflow is used up a longer limit order adds
no more of it: a concave corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from marketsim.checks import number
from marketsim.errors import ConfigError

Floats: TypeAlias = npt.NDArray[np.float64]

_NON_NEGATIVE = number(0.0)


def _rebates(instance: Any, attribute: Any, value: Any) -> None:
    if type(value) is not tuple or not value:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted a tuple, one per venue")
    for item in value:
        number(-instance.half_spread)(instance, attribute, item)


@frozen
class Costs:
    """The prices of the model, all in money a lot.

    Args:
        half_spread: h, what a market order pays, and a limit order earns, against the mid.
        fee: f, of a market order.
        rebates: r_k, of a limit order at each venue; negative for a fee, at least -h.
        impact: theta, market impact a lot sent, and a lot that has to be sent again because it did not fill.
        under: lambda_u, of a lot left unfilled.
        over: lambda_o, of a lot filled beyond the parent order.

    Raises:
        ConfigError: a price out of bounds, or rebates that are not a tuple of at least one.

    >>> costs = Costs(half_spread=0.02, fee=0.003, rebates=(0.002, 0.001), impact=0.0005, under=0.05, over=0.05)
    >>> round(costs.paid, 4), costs.earned.round(4).tolist()  # money a lot
    (0.023, [0.022, 0.021])
    """

    half_spread: float = field(validator=_NON_NEGATIVE)
    fee: float = field(validator=number())
    rebates: tuple[float, ...] = field(validator=_rebates)
    impact: float = field(validator=_NON_NEGATIVE)
    under: float = field(validator=_NON_NEGATIVE)
    over: float = field(validator=_NON_NEGATIVE)

    @property
    def earned(self) -> Floats:
        """Shape (K,): what a filled limit order earns a lot, h + r_k."""
        return self.half_spread + np.array(self.rebates, dtype=np.float64)

    @property
    def paid(self) -> float:
        """What a market order costs a lot, h + f."""
        return self.half_spread + self.fee


def scaled(costs: Costs, factor: float) -> Costs:
    """The same prices in another unit of money, `factor` of which make one of the old.

    >>> dollars = Costs(half_spread=0.02, fee=0.003, rebates=(0.002,), impact=0.0005, under=0.05, over=0.05)
    >>> scaled(dollars, 100).half_spread  # ticks of a cent
    2.0
    """
    return Costs(
        costs.half_spread * factor,
        costs.fee * factor,
        tuple(rebate * factor for rebate in costs.rebates),
        costs.impact * factor,
        costs.under * factor,
        costs.over * factor,
    )


@frozen
class Placement:
    """`market` lots as market orders and `limits[k]` lots as a limit order at venue k; fractions are allowed.

    >>> placement = Placement(176.6, (789.0, 789.0))
    >>> round(placement.total, 1), placement.vector.shape  # of a parent order of 1000 lots: over-booked
    (1754.6, (3,))
    """

    market: float
    limits: tuple[float, ...]

    @property
    def total(self) -> float:
        """M + sum L_k, lots."""
        return self.market + sum(self.limits)

    @property
    def vector(self) -> Floats:
        """Shape (1 + K,): (M, L_1 .. L_K)."""
        return np.array([self.market, *self.limits], dtype=np.float64)


def placement_of(vector: npt.ArrayLike) -> Placement:
    """The placement of a vector (M, L_1 .. L_K), lots, shape (1 + K,).

    >>> placement_of(np.array([176.6, 789.0, 789.0]))
    Placement(market=176.6, limits=(789.0, 789.0))
    """
    market, *limits = np.asarray(vector, dtype=np.float64).tolist()
    return Placement(market, tuple(limits))


def beyond_queue(outflows: npt.ArrayLike, queues: Sequence[float]) -> Floats:
    """Shape (N, K): lots that reach what stands behind the queue, max(xi_k - Q_k, 0).

    Args:
        outflows: shape (N, K), lots; each row is one joint outcome of all venues.
        queues: Q_k, lots ahead at each of the K venues.

    Raises:
        ConfigError: shapes that do not go together, no outcome, or a number that is negative or not finite.

    >>> beyond_queue([[2500.0, 900.0], [1900.0, 1300.0]], queues=[2000.0, 1000.0]).tolist()
    [[500.0, 0.0], [0.0, 300.0]]
    """
    flow, ahead = np.asarray(outflows, dtype=np.float64), np.asarray(queues, dtype=np.float64)
    if flow.ndim != 2 or ahead.shape != flow.shape[1:] or not flow.size:
        raise ConfigError(f"outflows: got shape {flow.shape} for {ahead.shape} queues, wanted (N, K) with N, K >= 1")
    for name, values in (("outflows", flow), ("queues", ahead)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ConfigError(f"{name}: got a negative or infinite number of lots or nan, wanted finite ones from 0")
    return np.maximum(flow - ahead, 0.0)


def costs_by_outcome(placement: Placement, quantity: float, costs: Costs, reach: Floats) -> Floats:
    """Shape (N,): v of each outcome, in money.

    Args:
        placement: of one limit order per venue.
        quantity: S, lots of the parent order.
        costs: one rebate per venue.
        reach: shape (N, K), of `beyond_queue`.

    Raises:
        ConfigError: sizes that do not go together, or a quantity that is not a finite number above 0.

    >>> costs = Costs(half_spread=0.02, fee=0.003, rebates=(0.002,), impact=0.0005, under=0.05, over=0.05)
    >>> reach = beyond_queue([[2500.0], [1900.0]], queues=[2000.0])
    >>> costs_by_outcome(Placement(400.0, (600.0,)), 1000.0, costs, reach).round(4).tolist()  # 100 and 600 lots short
    [3.75, 40.0]
    """
    check_sizes(quantity, costs, reach.shape[1])
    if len(placement.limits) != reach.shape[1]:
        raise ConfigError(f"placement: got {len(placement.limits)} limit orders for {reach.shape[1]} venues")
    fills = np.minimum(reach, np.array(placement.limits))
    short = quantity - placement.market - fills.sum(axis=1)
    under, over = np.maximum(short, 0.0), np.maximum(-short, 0.0)
    sent = costs.paid * placement.market + costs.impact * placement.total
    cost: Floats = sent - fills @ costs.earned + (costs.impact + costs.under) * under + costs.over * over
    return cost


def sample_cost(placement: Placement, quantity: float, costs: Costs, reach: Floats) -> float:
    """The mean of `costs_by_outcome`: the objective V over the sample, in money.

    One venue, a normal outflow of mean 2500 and standard deviation 500, lambda_u = 0.05: the least cost is 11.7745.

    >>> costs = Costs(half_spread=0.02, fee=0.003, rebates=(0.002,), impact=0.0005, under=0.05, over=0.05)
    >>> from statistics import NormalDist
    >>> outflows = [[NormalDist(2500, 500).inv_cdf((place + 0.5) / 10_000)] for place in range(10_000)]
    >>> reach = beyond_queue(outflows, queues=[2000.0])
    >>> round(sample_cost(Placement(346.354, (653.646,)), 1000.0, costs, reach), 2)
    11.77
    """
    return float(costs_by_outcome(placement, quantity, costs, reach).mean())


def check_sizes(quantity: float, costs: Costs, venues: int) -> None:
    """Raise `ConfigError` unless S is a finite number above 0 and there is a rebate for each of `venues`.

    >>> costs = Costs(half_spread=0.02, fee=0.003, rebates=(0.002,), impact=0.0005, under=0.05, over=0.05)
    >>> check_sizes(1000.0, costs, venues=2)
    Traceback (most recent call last):
        ...
    marketsim.errors.ConfigError: Costs.rebates: got 1, wanted one for each of 2 venues
    """
    if isinstance(quantity, bool) or not 0 < quantity < np.inf:
        raise ConfigError(f"quantity: got {quantity!r}, wanted a finite number of lots above 0")
    if len(costs.rebates) != venues:
        raise ConfigError(f"Costs.rebates: got {len(costs.rebates)}, wanted one for each of {venues} venues")
