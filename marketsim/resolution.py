"""The end of an event: one `Settle` per market at the step of the resolution, and no signal from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import define, field, frozen

from marketsim.checks import integer, mapping_of, name
from marketsim.errors import ConfigError
from marketsim.gateway import PRICE_MAX
from marketsim.protocols import FairValue, InformationProcess, Source
from marketsim.types import Settle


class Resolving(FairValue, Protocol):
    """A fair value that says when its event resolves, such as `marketsim.fairvalue.ProbabilityMartingale`.

    >>> from marketsim.fairvalue import ProbabilityMartingale
    >>> even = {"yes": 0.5, "no": 0.5}
    >>> truth: Resolving = ProbabilityMartingale(
    ...     prior=even, outcome="yes", horizon=9, news_times=[], news=[], accuracy=0.7
    ... )
    >>> truth.resolves, truth.at("yes", truth.resolves - 1), truth.at("yes", truth.resolves)
    (9, 500.0, 1000.0)
    """

    @property
    def resolves(self) -> int:
        """The step from which on the prices are what a lot pays."""
        ...


@define(eq=False)
class Resolution:
    """A source of one `Settle` per market, all at one step. Used up by one run.

    It runs with the market data of its step: after the clears that are due, before every message, so that the last
    orders to trade are those that were in time for that step's clear, and nobody trades on the outcome. The venue
    withdraws what still rests, the exchange pays every holder out, and orders that come later are refused.

    Args:
        time: step.
        prices: ticks that a lot pays, by market.
        venues: where each market is traded; a market that one venue alone trades may be left out.

    >>> end = Resolution(time=9, prices={"yes": 1000, "no": 0})
    >>> end.next_time(), end.emit(None), end.next_time()
    (9, [Settle(market='yes', price=1000, venue=''), Settle(market='no', price=0, venue='')], None)
    """

    time: int = field(validator=integer(1))
    prices: Mapping[str, int] = field(validator=mapping_of(integer(-PRICE_MAX, PRICE_MAX)))
    venues: Mapping[str, str] = field(factory=dict, validator=mapping_of(name))
    _done: bool = field(default=False, init=False)

    def next_time(self) -> int | None:
        """`time`, and None once the settlements are told."""
        return None if self._done else self.time

    def emit(self, _truth: FairValue, /) -> list[Settle]:
        """The settlements, in the order of `prices`."""
        self._done = True
        return [Settle(market, price, self.venues.get(market, "")) for market, price in self.prices.items()]


def resolution(truth: Resolving, *, venues: Mapping[str, str] | None = None) -> Resolution:
    """The source that settles every market of `truth` at the price it resolves to.

    Args:
        truth: the truth itself, not the guarded one, which hides when it resolves.
        venues: where each market is traded; a market that one venue alone trades may be left out.

    Raises:
        ConfigError: the truth does not resolve, or resolves to no whole number of ticks.

    >>> from marketsim.fairvalue import ProbabilityMartingale
    >>> even = {"yes": 0.5, "no": 0.5}
    >>> truth = ProbabilityMartingale(prior=even, outcome="yes", horizon=9, news_times=[], news=[], accuracy=0.7)
    >>> [(settle.market, settle.price) for settle in resolution(truth).emit(truth)]
    [('yes', 1000), ('no', 0)]
    """
    time = _resolves(truth)
    prices: dict[str, int] = {}
    for market in truth.markets:
        price = truth.at(market, time)
        if price != int(price):
            came = f"market {market!r} resolves at {price!r} ticks"
            raise ConfigError(f"resolution: {came}, wanted a whole number: it is paid in money")
        prices[market] = int(price)
    return Resolution(time, prices, {} if venues is None else dict(venues))


@frozen
class UntilResolution:
    """The signals of `process` up to the step before the truth resolves, after which there is nothing to learn.

    At the resolution a price may be 0, which has no logarithm, and the markets are closed.

    >>> from marketsim.fairvalue import ProbabilityMartingale
    >>> from marketsim.information import PoissonSignals
    >>> even = {"yes": 0.5, "no": 0.5}
    >>> truth = ProbabilityMartingale(prior=even, outcome="yes", horizon=9, news_times=[], news=[], accuracy=0.7)
    >>> often = PoissonSignals(routine_rate=5000.0)
    >>> [len(process.source(truth, 9, Streams(1))) for process in (often, UntilResolution(often))]
    [93, 86]
    """

    process: InformationProcess

    def source(self, truth: FairValue, horizon: int, streams: Any, /) -> Source:
        """The signals of one run. No draw differs from those of `process` alone.

        Raises:
            ConfigError: the truth does not resolve.
        """
        return self.process.source(truth, min(horizon, _resolves(truth) - 1), streams)


def _resolves(truth: Any) -> int:
    time = getattr(truth, "resolves", None)
    if type(time) is not int:
        what = f"{type(truth).__name__} has no step at which it resolves"
        raise ConfigError(f"resolution: {what}; wanted a truth such as ProbabilityMartingale")
    return time
