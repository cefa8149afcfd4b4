"""Exact news at steps that a check chooses, so that it can say who knows what, and when."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from marketsim.information import TIERS, SignalSource
from marketsim.protocols import FairValue
from marketsim.streams import Streams


@frozen
class Bulletins:
    """An information process: the exact value of every market at given steps.

    Args:
        steps: when, rising.
        tiers: of the news of each step; all "public" if left out.
    """

    steps: Sequence[int]
    tiers: Sequence[str] = ()

    def source(self, truth: FairValue, horizon: int, _streams: Streams, /) -> SignalSource:
        """The news of one run, up to and including step `horizon`."""
        tiers = [TIERS.index(tier) for tier in self.tiers or ["public"] * len(self.steps)]
        known = [(step, tier) for step, tier in zip(self.steps, tiers, strict=True) if step <= horizon]
        markets = range(len(truth.markets))
        steps = [step for step, _ in known for _ in markets]
        # (market, tier, standard deviation of the noise, factor on the value)
        rows = [(market, tier, 0.0, 1.0) for _, tier in known for market in markets]
        return SignalSource(truth.markets, steps, rows)
