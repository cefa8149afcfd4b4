"""A trader who reads order-flow imbalance off the public book and trades on a frozen linear model of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen

from marketsim import checks
from marketsim.checks import delay, integer, kind, name, number
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Levels, Side, VenueState, market_order

DEPTH_MIN = 1e-12


def _tuple(terms: Iterable[tuple[int, int, float]]) -> tuple[tuple[int, int, float], ...]:
    return tuple(terms)


def _terms(instance: Any, attribute: Any, value: Any) -> None:
    if not value:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got none, wanted at least one")
    for term in value:
        if len(term) != 3:
            wanted = "(levels, window, slope)"
            raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {term!r}, wanted {wanted}")
        for part in term[:2]:
            integer(1)(instance, attribute, part)
        number()(instance, attribute, term[2])


@frozen
class ImbalanceModel:
    """A return that imbalance predicts: intercept + sum of slope x imbalance, in bps.

    The imbalance of (levels, window) is the sum over the last `window` looks of the snapshot imbalance of the best
    `levels` levels (Cont, Kukanov and Stoikov 2014, equation 1, each event weighted by its price), over the mean of
    price x size that stood there on both sides.

    Args:
        terms: (levels, window in looks, slope in bps) each.
        intercept: bps.
        threshold: |predicted return| in bps from which it is worth trading.

    Raises:
        ConfigError: no term, a term that is not three numbers, or a number out of bounds.

    >>> model = ImbalanceModel(terms=[(1, 5, 2.0), (3, 15, 0.5)], threshold=1.0)  # best level, and three of them
    >>> model.looks
    15
    """

    terms: tuple[tuple[int, int, float], ...] = field(converter=_tuple, validator=_terms)
    intercept: float = field(default=0.0, validator=number())
    threshold: float = field(default=0.0, validator=number(0.0))

    @property
    def looks(self) -> int:
        """Changes between looks that a prediction needs."""
        return max(window for _, window, _ in self.terms)


@define
class ImbalanceTrader:
    """Looks at the book at every review, and goes long or short where the model's predicted return is large enough.

    It holds `quantity` lots on the side of the latest prediction at or beyond the threshold, and gives them back with a
    market order `hold` looks after the last such prediction. All its orders are market orders, so that it pays the
    spread both ways. It trades at most once a look, counts orders on their way as filled, and sees nothing but the
    published levels at its own market-data delay. `review_interval` and the delays are in steps.

    Args:
        model: frozen; `experiments.ofi.money` fits one on other seeds.
        quantity: lots of a position.
        hold: looks.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from types import SimpleNamespace
    >>> before, after = (VenueState(99, 101, ((99, lots),), ((101, 4),)) for lots in (4, 6))
    >>> seen = iter([before, after])
    >>> ctx = SimpleNamespace(state=lambda _: next(seen), inventory=lambda _: 0, open_orders={}, submit=print)
    >>> trader = ImbalanceTrader("ida", "ACME", ImbalanceModel([(1, 1, 10.0)], threshold=1.0))
    >>> trader.review(ctx)
    >>> trader.review(ctx)  # two more lots at the bid
    Order(market='ACME', side=<Side.BUY: 1>, quantity=1, price=None, ...)
    >>> round(trader.prediction(), 2)  # bps
    1.98
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    model: ImbalanceModel = field(validator=kind(ImbalanceModel))
    quantity: int = field(default=1, validator=integer(1))
    hold: int = field(default=15, validator=integer(1))
    review_interval: int = field(default=100, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="imbalance", validator=checks.name)
    _books: deque[VenueState] = field(factory=deque, init=False, repr=False)
    _target: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)

    def review(self, ctx: Context) -> None:
        self._books.append(ctx.state(self.market))
        if len(self._books) > self.model.looks + 1:
            self._books.popleft()
        predicted = self.prediction()
        self._left -= 1
        if predicted is not None and abs(predicted) >= self.model.threshold and predicted != 0:
            self._target, self._left = (1 if predicted > 0 else -1) * self.quantity, self.hold
        elif self._left <= 0:
            self._target = 0
        coming = sum(order.side * order.quantity for order in ctx.open_orders.values())
        wanted = self._target - ctx.inventory(self.market) - coming
        if wanted:
            side = Side.BUY if wanted > 0 else Side.SELL
            ctx.submit(market_order(self.market, side, quantity=abs(wanted)))

    def prediction(self) -> float | None:
        """Predicted return in bps by the looks so far; None until there are enough of them."""
        if len(self._books) <= self.model.looks:
            return None
        imbalances = (imbalance(list(self._books), levels, window) for levels, window, _ in self.model.terms)
        slopes = (slope for _, _, slope in self.model.terms)
        return self.model.intercept + sum(slope * value for slope, value in zip(slopes, imbalances, strict=True))


def imbalance(books: list[VenueState], levels: int, window: int) -> float:
    """Of the last `window` changes between `books`, the latest last: a number without unit, see `ImbalanceModel`.

    Args:
        books: looks, the latest last, at least `window` + 1 of them.
        levels: how many a side count.
        window: looks.

    >>> books = [VenueState(99, 101, ((99, 4),), ((101, 4),)), VenueState(99, 101, ((99, 6),), ((101, 4),))]
    >>> round(imbalance(books, 1, 1), 4)  # 2 x 99 / (6 x 99 + 4 x 101)
    0.1984
    """
    recent = books[-window - 1 :]
    flow = 0.0
    for before, now in pairwise(recent):
        flow += _added(before.bids, now.bids, levels, Side.BUY) - _added(before.asks, now.asks, levels, Side.SELL)
    standing = [_standing(book.bids, levels) + _standing(book.asks, levels) for book in recent[1:]]
    return flow / max(DEPTH_MIN, sum(standing) / len(standing))


def _added(before: Levels, now: Levels, levels: int, side: Side) -> int:
    """Price x size that came to the levels of one side, each level by itself, less what went."""
    total = 0
    for level in range(levels):
        old, new = before[level : level + 1], now[level : level + 1]
        # A level that is not there is a price that nobody would come down to.
        rose = side * (new[0][0] - old[0][0]) if new and old else len(new) - len(old)
        total += (new[0][0] * new[0][1] if new and rose >= 0 else 0) - (
            old[0][0] * old[0][1] if old and rose <= 0 else 0
        )
    return total


def _standing(side: Levels, levels: int) -> int:
    return sum(price * lots for price, lots in side[:levels])
