"""Information processes: who could learn what about the truth, and when.

Times, tiers and noise are drawn before a run, from streams of their own by market; the values are computed at the time
of each signal, from a truth that refuses to look ahead. So no draw depends on the venue, on an agent, or on how many
signals another market has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from marketsim.checks import integer, name, number, one_of
from marketsim.errors import ConfigError
from marketsim.fairvalue.arrivals import poisson_times
from marketsim.protocols import FairValue, InformationProcess, Source
from marketsim.streams import Streams
from marketsim.types import Feed, Order, Settle, Signal

TIERS = ("public", "routine", "tail")
"""The order of signals about one market at one instant."""

_rate = number(0, 1e9)
_noise = number(0, 100)
_horizon = integer(0)


@frozen
class _Batch:
    """Signals of one market: step, place of the tier in TIERS, sigma and factor exp(noise) of each."""

    steps: NDArray[np.int64]
    tiers: NDArray[np.int64]
    sigmas: NDArray[np.float64]
    factors: NDArray[np.float64]


@define(eq=False)
class SignalSource:
    """Signals whose times, tiers and noise are settled, in the order (time, market, tier, draw). Used up by one run.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> truth = ConstantFairValue({"ACME": 1000.0})
    >>> source: SignalSource = PoissonSignals().source(truth, 4000, Streams(1))
    >>> len(source), source.next_time()
    (4, 520)
    >>> [(signal.tier, signal.time, round(signal.value, 1), signal.sigma) for signal in source.emit(truth)]
    [('routine', 520, 1006.7, 0.012)]
    """

    _markets: tuple[str, ...]
    _steps: list[int]
    _rows: list[tuple[int, int, float, float]]
    _next: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._steps) - self._next

    def next_time(self) -> int | None:
        """The step of the next signals, None when all are told."""
        return self._steps[self._next] if self._next < len(self._steps) else None

    def emit(self, truth: FairValue, /) -> list[Signal]:
        """The signals of `next_time()`: values are truth x exp(noise), in ticks."""
        now = self.next_time()
        signals: list[Signal] = []
        if now is None:
            return signals
        while self._next < len(self._steps) and self._steps[self._next] == now:
            row, tier, sigma, factor = self._rows[self._next]
            market = self._markets[row]
            signals.append(Signal(market, TIERS[tier], now, truth.at(market, now) * factor, sigma))
            self._next += 1
        return signals


@frozen(kw_only=True)
class PoissonSignals:
    """Noisy observations of every market's log fair value at Poisson times.

    log(value) = log fair(t) + N(0, sigma of the tier). Times are rounded to whole steps, the first being 1. A signal
    of tier "tail" is a more precise one, not a jump.

    Args:
        routine_rate: signals per market and time unit.
        tail_rate: the same for the tail tier.
        routine_sigma: standard deviation in log price.
        tail_sigma: the same for the tail tier.
        time_unit: steps.
        mode: "marked": one stream of the total rate, each signal marked as tail with probability
            tail_rate / (routine_rate + tail_rate). "separate": a stream per tier, so that one tier's rate leaves the
            other tier's signals as they were. The law is the same.
        stream: prefix of the names of the random streams, `<stream>:<market>` or `<stream>:<market>:<tier>`; two
            processes with one prefix would draw the same noise.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> truth = ConstantFairValue({"A": 100.0})
    >>> source = PoissonSignals(routine_sigma=0.0, tail_sigma=0.0).source(truth, 50_000, Streams(1))
    >>> source.emit(truth)[0].value
    100.0
    """

    routine_rate: float = field(default=0.75, validator=_rate)
    tail_rate: float = field(default=0.035, validator=_rate)
    routine_sigma: float = field(default=0.012, validator=_noise)
    tail_sigma: float = field(default=0.005, validator=_noise)
    time_unit: int = field(default=1000, validator=integer(1, 10**12))
    mode: str = field(default="marked", validator=one_of("marked", "separate"))
    stream: str = field(default="signals", validator=name)

    def source(self, truth: FairValue, horizon: int, streams: Streams, /) -> SignalSource:
        """The signals of one run, up to and including step `horizon`."""
        _horizon(self, _Argument("horizon"), horizon)
        draw = self._marked if self.mode == "marked" else self._separate
        return _merge(truth.markets, [draw(market, horizon, streams) for market in truth.markets])

    def _marked(self, market: str, horizon: int, streams: Streams) -> _Batch:
        of_times, of_noise, of_marks = streams.stream(f"{self.stream}:{market}").spawn(3)
        total = self.routine_rate + self.tail_rate
        steps = _signal_steps(of_times, total / self.time_unit, horizon)
        is_tail = of_marks.random(len(steps)) * total < self.tail_rate
        return self._batch(steps, is_tail, of_noise.standard_normal(len(steps)))

    def _separate(self, market: str, horizon: int, streams: Streams) -> _Batch:
        steps: list[NDArray[np.int64]] = []
        noise: list[NDArray[np.float64]] = []
        for tier, rate in (("routine", self.routine_rate), ("tail", self.tail_rate)):
            of_times, of_noise = streams.stream(f"{self.stream}:{market}:{tier}").spawn(2)
            steps.append(_signal_steps(of_times, rate / self.time_unit, horizon))
            noise.append(of_noise.standard_normal(len(steps[-1])))
        is_tail = np.repeat([False, True], [len(part) for part in steps])
        return self._batch(np.concatenate(steps), is_tail, np.concatenate(noise))

    def _batch(self, steps: NDArray[np.int64], is_tail: NDArray[np.bool_], noise: NDArray[np.float64]) -> _Batch:
        sigmas = np.where(is_tail, self.tail_sigma, self.routine_sigma).astype(np.float64)
        tiers = np.where(is_tail, TIERS.index("tail"), TIERS.index("routine"))
        return _Batch(steps, tiers, sigmas, np.exp(sigmas * noise))


@frozen
class PublicNews:
    """Exact news, tier "public", of every jump at the step of the jump.

    The truth given to `source` must have `jump_times`, steps by market, as `PoissonJumps` has; give it the truth
    itself, not the guarded one, which hides when it will jump. Several jumps of a market at one step are one piece of
    news.

    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=9, jump_times={"A": [5]}, jump_sizes={"A": [-2.0]})
    >>> PublicNews().source(truth, 9, Streams(1)).emit(truth)
    [Signal(market='A', tier='public', time=5, value=98.0, sigma=0.0)]
    """

    def source(self, truth: FairValue, horizon: int, _streams: Streams, /) -> SignalSource:
        """The news of one run, up to and including step `horizon`.

        Raises:
            ConfigError: the truth has no `jump_times`.
        """
        _horizon(self, _Argument("horizon"), horizon)
        jump_times = getattr(truth, "jump_times", None)
        if jump_times is None:
            raise ConfigError(
                f"PublicNews: {type(truth).__name__} has no jump_times; wanted a truth that jumps, such as PoissonJumps"
            )
        return _merge(truth.markets, [_news(jump_times.get(market, ()), horizon) for market in truth.markets])


def _as_tuple(parts: Iterable[InformationProcess]) -> tuple[InformationProcess, ...]:
    return tuple(parts)


@frozen
class Combined:
    """Several information processes as one.

    At one instant, market data comes first, then signals by market, by tier and by the order of `parts`.

    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=9, jump_times={"A": [5]}, jump_sizes={"A": [1.0]})
    >>> source = Combined((PublicNews(), PoissonSignals())).source(truth, 9, Streams(1))
    >>> source.next_time(), [signal.value for signal in source.emit(truth)]
    (5, [101.0])
    """

    parts: tuple[InformationProcess, ...] = field(converter=_as_tuple)

    @parts.validator
    def _no_shared_stream(self, _: Any, parts: tuple[InformationProcess, ...]) -> None:
        prefixes = [prefix for part in parts if (prefix := getattr(part, "stream", None)) is not None]
        if len(dict.fromkeys(prefixes)) != len(prefixes):
            raise ConfigError(
                f"Combined.parts: got streams {prefixes}, wanted a prefix for each: they share their noise"
            )

    def source(self, truth: FairValue, horizon: int, streams: Streams, /) -> CombinedSource:
        """The events of one run, up to and including step `horizon`."""
        return CombinedSource(truth.markets, tuple(part.source(truth, horizon, streams) for part in self.parts))


@define(eq=False)
class CombinedSource:
    """The events of several sources, one instant at a time.

    >>> from marketsim.fairvalue import PoissonJumps
    >>> truth = PoissonJumps(opening={"A": 100.0}, horizon=9, jump_times={"A": [5]}, jump_sizes={"A": [-2.0]})
    >>> twice = Combined((PublicNews(), PublicNews()))
    >>> source: CombinedSource = twice.source(truth, 9, Streams(1))
    >>> source.next_time(), len(source.emit(truth)), source.next_time()
    (5, 2, None)
    """

    _markets: tuple[str, ...]
    _sources: tuple[Source, ...]

    def next_time(self) -> int | None:
        """The step of the next events, None when all are told."""
        return min((time for source in self._sources if (time := source.next_time()) is not None), default=None)

    def emit(self, truth: FairValue, /) -> list[Signal | Feed | Order | Settle]:
        """The events of `next_time()`, market data first."""
        now = self.next_time()
        events: list[Signal | Feed | Order | Settle] = []
        for source in self._sources:
            if now is not None and source.next_time() == now:
                events.extend(source.emit(truth))
        # The sort is stable, so the order of the parts breaks what ties are left.
        return sorted(events, key=self._place)

    def _place(self, event: Signal | Feed | Order | Settle) -> tuple[int, int, str]:
        if not isinstance(event, Signal):
            return -1, -1, ""
        market = self._markets.index(event.market) if event.market in self._markets else len(self._markets)
        return market, TIERS.index(event.tier) if event.tier in TIERS else len(TIERS), event.tier


@frozen
class _Argument:
    name: str


def _signal_steps(rng: np.random.Generator, rate: float, horizon: int) -> NDArray[np.int64]:
    # Half a step beyond the horizon still rounds down to it.
    steps = np.maximum(np.rint(poisson_times(rng, rate, horizon + 1)).astype(np.int64), 1)
    return steps[: int(np.searchsorted(steps, horizon, side="right"))]


def _news(times: Iterable[int], horizon: int) -> _Batch:
    steps = np.unique(np.asarray(times, dtype=np.int64))
    steps = steps[steps <= horizon]
    zeros = np.zeros(len(steps))
    return _Batch(steps, np.full(len(steps), TIERS.index("public")), zeros, np.ones(len(steps)))


def _merge(markets: tuple[str, ...], batches: list[_Batch]) -> SignalSource:
    steps = np.concatenate([batch.steps for batch in batches])
    tiers = np.concatenate([batch.tiers for batch in batches])
    rows = np.repeat(np.arange(len(batches)), [len(batch.steps) for batch in batches])
    sigmas = np.concatenate([batch.sigmas for batch in batches])
    factors = np.concatenate([batch.factors for batch in batches])
    order = np.lexsort((tiers, rows, steps))  # stable, by the last key first
    columns = (column[order].tolist() for column in (rows, tiers, sigmas, factors))
    return SignalSource(markets, steps[order].tolist(), list(zip(*columns, strict=True)))
