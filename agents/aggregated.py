"""The informed trader with one belief per market that also reads the signals of the other markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log, sqrt

from attrs import define, field

from agents.belief import Innovations, ScalarBelief, pooled
from agents.edge import EdgeTrading
from marketsim.checks import delay, integer, kind, mapping_of, name, number, one_of, optional
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Report, Signal

SCALED_VALUE, DEVIATION = "scaled-value", "deviation"


def cosine_weights(loadings: Mapping[str, Sequence[float]], drop_below: float = 0.05) -> dict[str, dict[str, float]]:
    """Cosine of the angle between the loadings of each market and of each other one.

    Args:
        loadings: by market, k each.
        drop_below: pairs whose |cosine| is below are left out, and so are markets without any loading.

    Returns:
        By market: by other market, from -1 to 1.

    Raises:
        ConfigError: loadings of different lengths.

    >>> cosine_weights({"A": (1.0, 0.0), "B": (3.0, 4.0), "C": (0.0, 2.0)})
    {'A': {'B': 0.6}, 'B': {'A': 0.6, 'C': 0.8}, 'C': {'B': 0.8}}
    """
    lengths = {market: len(row) for market, row in loadings.items()}
    if len(dict.fromkeys(lengths.values())) > 1:
        raise ConfigError(f"cosine_weights: got {lengths} loadings, wanted the same number for every market")
    weights: dict[str, dict[str, float]] = {}
    for market, row in loadings.items():
        cosines = {other: _cosine(row, column) for other, column in loadings.items() if other != market}
        weights[market] = {other: cosine for other, cosine in cosines.items() if cosine and abs(cosine) >= drop_below}
    return weights


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    lengths = sqrt(_dot(left, left)) * sqrt(_dot(right, right))
    return max(-1.0, min(1.0, _dot(left, right) / lengths)) if lengths > 0 else 0.0


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    total = 0.0
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def published_evidence(value_log: float, precision: float, weight: float) -> tuple[float, float]:
    """(value, precision) that the published agent makes of another market's signal: log value times weight.

    A known flaw, kept to reproduce what was published: the log of a price, not its deviation from an opening, is
    scaled, so that at weight 0.6 a price of 10,000 ticks speaks for one of 251.

    Args:
        value_log: of the signal, log of a price.
        precision: of the signal, 1 / variance of its log price.
        weight: cosine of the loadings.

    >>> from math import exp, log
    >>> value, precision = published_evidence(log(10_000), 100.0, 0.6)
    >>> round(exp(value)), precision
    (251, 60.0)
    """
    return value_log * weight, _published_precision(precision, weight)


def _published_precision(precision: float, weight: float) -> float:
    return precision * abs(weight)


def deviation_evidence(
    deviation: float, precision: float, weight: float, variance: float
) -> tuple[float, float] | None:
    """(deviation, precision) of another market's signal as evidence on the own log price; None where it has none.

    Let d = beta . f be the own deviation from the opening log price and e that of the other market, with loadings of
    equal length and factors that are independent and equally uncertain, so that both deviations have the variance T
    and the correlation w, the cosine. Given d, e = w d + u with u ~ N(0, (1 - w^2) T), independent of d. The signal
    z = e + n, with noise of variance 1/r, so is an observation of d:

        z / w = d + (u + n) / w,   with precision w^2 / (1/r + (1 - w^2) T).

    Absorbed by the prior N(0, T) this gives the exact posterior, mean w T z / (T + 1/r) and variance
    T - w^2 T^2 / (T + 1/r); absorbing w z, the regression of d on z, instead would shrink twice. It is exact for one
    signal of another market beside any number of own ones. Signals of the same other market share u, which a belief
    about one market cannot remember, so that many of them are trusted too much. A belief about factors has no such
    fault.

    Args:
        deviation: of the signal from the other market's opening log price, z.
        precision: of the signal, r.
        weight: cosine, w, not 0.
        variance: of the own deviation before any signal, T; infinite for a belief that began without information.

    >>> deviation, told = deviation_evidence(0.012, precision=1e4, weight=0.6, variance=1e-4)
    >>> round(deviation, 4), round(told)  # 0.36 / (0.0001 + 0.64 x 0.0001)
    (0.02, 2195)
    """
    noise = 1 / precision
    if abs(weight) < 1:
        noise += (1 - weight * weight) * variance
    told = weight * weight / noise
    return (deviation / weight, told) if told > 0 else None


@define
class AggregatedEvidenceTrader:
    """Trades when its belief and the market's mid disagree; a signal moves the beliefs of all related markets.

    On every signal it updates the beliefs of that market and of those that give it a weight, and considers that market;
    on every review it considers all markets. `review_interval` and the delays are in steps.

    Args:
        beliefs: by market, in log ticks; as they stand when the agent is made, they are the opening.
        trading: when, how and how much it trades.
        weights: by market: by other market whose signals it reads, the cosine of their loadings, as `cosine_weights`
            gives them.
        assumed_precision: of every signal, or None: each signal's own, 1 / sigma^2.
        foreign: what a signal of another market says. "deviation": its deviation from that market's opening, as
            `deviation_evidence` derives. "scaled-value": its log value times the weight, the published rule and a
            known flaw, as `published_evidence` has it.
        log_unit: log of the ticks in a unit of money, for "scaled-value", which depends on the unit of the price.

    Raises:
        ConfigError: an argument out of bounds, or a weight for a market without a belief or for the own one.

    >>> from math import exp, log
    >>> from types import SimpleNamespace
    >>> from agents import belief, capital, edge
    >>> beliefs = {"A": belief.ScalarBelief(log(1000), 1e4), "B": belief.ScalarBelief(log(500), 1e4)}
    >>> trading = edge.EdgeTrading(capital.Capital(0), quantity=10)
    >>> ann = AggregatedEvidenceTrader("ann", beliefs, trading, weights={"A": {"B": 0.6}})
    >>> ctx = SimpleNamespace(state=lambda market: VenueState())  # no quotes yet
    >>> ann.decide(ctx, Signal("B", "routine", time=0, value=510.0, sigma=0.01))
    >>> {market: round(exp(each.mean)) for market, each in beliefs.items()}  # ticks
    {'A': 1006, 'B': 505}
    """

    agent_id: str = field(validator=name)
    beliefs: Mapping[str, ScalarBelief] = field(validator=mapping_of(kind(ScalarBelief)))
    trading: EdgeTrading = field(validator=kind(EdgeTrading))
    weights: Mapping[str, Mapping[str, float]] = field(validator=mapping_of(mapping_of(number(-1.0, 1.0))))
    assumed_precision: float | None = field(default=None, validator=optional(number(above=0.0)))
    foreign: str = field(default=DEVIATION, validator=one_of(DEVIATION, SCALED_VALUE))
    log_unit: float = field(default=0.0, validator=number())
    review_interval: int = field(default=5000, validator=integer(1))
    observation_delay: int = field(default=0, validator=integer(0))
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="informed", validator=name)
    _openings: dict[str, tuple[float, float]] = field(init=False, repr=False)  # mean and variance

    def __attrs_post_init__(self) -> None:
        self._openings = {
            market: (belief.mean, 1 / belief.precision if belief.precision > 0 else inf)
            for market, belief in self.beliefs.items()
        }
        for market, row in self.weights.items():
            strange = [other for other in (market, *row) if other not in self.beliefs]
            if strange or market in row:
                wanted = f"other markets among {', '.join(self.beliefs)}"
                raise ConfigError(f"AggregatedEvidenceTrader.weights: got {market!r}: {dict(row)}, wanted {wanted}")

    @property
    def nis(self) -> Innovations:
        """How well the beliefs fit, over all markets."""
        return pooled(belief.nis for belief in self.beliefs.values())

    def observes(self, market: str, tier: str) -> bool:
        return market in self.beliefs and tier != "public"

    def decide(self, ctx: Context, signal: Signal) -> None:
        for market, belief in self.beliefs.items():
            evidence = self._evidence(market, signal)
            if evidence is not None:
                belief.observe(*evidence, signal.time)
        self.trading.trade(ctx, signal.market, self.beliefs[signal.market].mean)

    def review(self, ctx: Context) -> None:
        for market, belief in self.beliefs.items():
            self.trading.trade(ctx, market, belief.mean)

    def report(self, ctx: Context, report: Report) -> None:
        self.trading.capital.learn(ctx, report)

    def _evidence(self, own: str, signal: Signal) -> tuple[float, float] | None:
        precision = signal.sigma**-2 if self.assumed_precision is None else self.assumed_precision
        value_log = log(signal.value)
        if own == signal.market:
            return value_log, precision
        weight = self.weights.get(own, {}).get(signal.market, 0.0)
        if weight == 0:
            return None
        if self.foreign == SCALED_VALUE:
            scaled, told_precision = published_evidence(value_log - self.log_unit, precision, weight)
            return scaled + self.log_unit, told_precision
        opening, variance = self._openings[own]
        # By now the deviation may have moved as far as the belief assumes that the truth moves.
        variance += self.beliefs[own].process_variance * signal.time
        told = deviation_evidence(value_log - self._openings[signal.market][0], precision, weight, variance)
        return None if told is None else (opening + told[0], told[1])
