"""Outflow of the touch, as one can see it from outside: lots that left the best price, by trade or by cancel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define, field

from agents.execution.cost import Floats
from marketsim.types import Levels


def left_between(before: Levels, after: Levels) -> int:
    """Lots that left the best price of `before`, at least 0: those no longer there, best price first in both.

    New lots at that price hide as many that left: it is a lower bound, exact where nobody joins between two looks.

    >>> left_between(((100, 50),), ((100, 30),)), left_between(((100, 50),), ((99, 80),))
    (20, 50)
    """
    if not before:
        return 0
    price, lots = before[0]
    return max(0, lots - dict(after).get(price, 0))


@define
class OutflowRecord:
    """Outflows between looks, one at each venue, in the order in which they were seen."""

    _seen: list[Levels] = field(factory=list, init=False, repr=False)
    _flows: list[list[int]] = field(factory=list, init=False, repr=False)

    def look(self, sides: Sequence[Levels]) -> list[int]:
        """Take note of the levels of each venue now; the lots that left each touch since the last look."""
        flows = (
            [left_between(before, after) for before, after in zip(self._seen, sides, strict=True)] if self._seen else []
        )
        if flows:
            self._flows.append(flows)
        self._seen = list(sides)
        return flows

    def windows(self, looks: int) -> Floats:
        """Shape (n, K): lots that left within each window of `looks` successive looks; windows overlap.

        The venues keep their order, and a row is of one time, so that the sample has their dependence.
        """
        flows = np.array(self._flows, dtype=np.float64).reshape(-1, max(1, len(self._seen)))
        if len(flows) < looks:
            return np.zeros((0, flows.shape[1]))
        sums = np.vstack([np.zeros(flows.shape[1]), np.cumsum(flows, axis=0)])
        windows: Floats = sums[looks:] - sums[:-looks]
        return windows
