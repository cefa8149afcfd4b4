"""One venue: the optimal placement in closed form, for any distribution of the outflow."""

from __future__ import annotations

from math import inf
from typing import Protocol

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from agents.execution.cost import Costs, Floats, Placement, check_sizes
from marketsim.checks import number
from marketsim.errors import ConfigError


class Outflow(Protocol):
    """A distribution of lots that leave a queue over the horizon; frozen ones of `scipy.stats` are of this form."""

    def cdf(self, x: float, /) -> float: ...
    def ppf(self, q: float, /) -> float: ...


def _sample(value: npt.ArrayLike) -> Floats:
    lots = np.sort(np.asarray(value, dtype=np.float64))
    if lots.ndim != 1 or not lots.size or not np.isfinite(lots).all() or lots[0] < 0:
        raise ConfigError("EmpiricalOutflow.sample: wanted a list of finite numbers of lots from 0, at least one")
    lots.setflags(write=False)
    return lots


@frozen(eq=False)
class EmpiricalOutflow:
    """The distribution that gives each of `sample` (lots) the same weight.

    >>> EmpiricalOutflow([5, 1, 3]).ppf(0.5), round(EmpiricalOutflow([5, 1, 3]).cdf(3), 3)
    (3.0, 0.667)
    """

    sample: Floats = field(converter=_sample)

    def cdf(self, x: float, /) -> float:
        return float(np.searchsorted(self.sample, x, side="right") / len(self.sample))

    def ppf(self, q: float, /) -> float:
        """The least lots x of the sample with cdf(x) >= q."""
        place = int(np.ceil(q * len(self.sample) - 1e-9)) - 1
        return float(self.sample[min(max(place, 0), len(self.sample) - 1)])


@frozen
class OneVenue:
    """The problem of one venue: S lots, Q lots ahead in the queue, and what lots cost.

    The constraint M + L = S holds at the optimum where lambda_u > h + f and lambda_o > h + r (Cont and Kukanov); it is
    imposed here for all prices. lambda_o then plays no part.
    """

    quantity: float = field(validator=number(above=0.0))
    queue: float = field(validator=number(0.0))
    costs: Costs

    def __attrs_post_init__(self) -> None:
        check_sizes(self.quantity, self.costs, 1)

    @property
    def ratio(self) -> float:
        """F(Q + L) at an interior optimum: (2h + f + r) / (lambda_u + h + r + theta), inf where that divides by 0."""
        gain, loss = self._gain, self._loss + self.costs.under
        return gain / loss if loss > 0 else inf

    @property
    def _gain(self) -> float:
        return self.costs.paid + float(self.costs.earned[0])

    @property
    def _loss(self) -> float:
        return float(self.costs.earned[0]) + self.costs.impact

    def optimum(self, outflow: Outflow) -> Placement:
        """The placement of least expected cost: L = F^-1(rho) - Q between 0 and S, M = S - L."""
        ratio = self.ratio
        if ratio <= 0:
            limit = 0.0
        elif ratio >= 1:
            limit = self.quantity
        else:
            limit = min(max(float(outflow.ppf(ratio)) - self.queue, 0.0), self.quantity)
        return Placement(self.quantity - limit, (limit,))
