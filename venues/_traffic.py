"""Random messages for a venue: fast, from a seed, biased to the edges, and wrong at times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any, NamedTuple

from attrs import define, field

from marketsim.gateway import ORDER_ID_MAX, PRICE_MAX, QUANTITY_MAX
from marketsim.types import Feed, Mint, Order, OrderKind, Reduce, Replace, Side, TimeInForce, record

_order = partial(tuple.__new__, Order)

_LIMIT, _MARKET, _MARKET_TO_LIMIT = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.MARKET_TO_LIMIT
_GTC, _IOC, _FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
_SIDES = Side.BUY, Side.SELL

_OWNERS = "ann", "bob", "cid", "dee"
_QUANTITIES = 1, QUANTITY_MAX, 10**9
_PRICES = 1, 0, -1, PRICE_MAX, -PRICE_MAX

# Fields of an order that no venue takes.
_WRONG: tuple[tuple[str, Any], ...] = (
    *(("quantity", value) for value in (0, -1, True, 1.5, float("inf"), None, "1", QUANTITY_MAX + 1, 2**80)),
    *(("price", value) for value in (None, True, 99.5, "100", PRICE_MAX + 1, -PRICE_MAX - 1)),
    *(("side", value) for value in (1, -1, "BUY", None)),
    *(("order_id", value) for value in (0, -1, True, 1.0, "1", None, ORDER_ID_MAX + 1)),
    *(("owner", value) for value in ("", None, 7)),
    *(("market", value) for value in ("", "NONE", None, 7)),
    *(("kind", value) for value in ("limit", None, _MARKET)),
    *(("tif", value) for value in ("gtc", None)),
    *(("post_only", value) for value in (1, None)),
)
_STRANGE = None, "order", 7, Feed("A", 100, 1), Mint("A", 100), Side.BUY


@record
class Cancel(NamedTuple):
    """A call of `Venue.cancel`."""

    order_id: Any
    owner: Any


class Call(NamedTuple):
    """A message and the time at which the venue gets it."""

    now: int
    message: Any


@define
class _Mix:
    """What one stream is made of, and the messages of it."""

    rng: Random
    markets: tuple[str, ...]
    price_step: int
    lot: int
    edges: bool
    number: int = 0
    ring: int = field(init=False)
    width: int = field(init=False)
    largest: int = field(init=False)
    owners: tuple[str, ...] = field(init=False)
    shares: dict[str, float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        choice = self.rng.choice
        self.ring, self.width, self.largest = (
            choice((6, 20, 20, 40, 40, 120)),
            choice((0, 1, 3, 10)),
            choice((2, 9, 30)),
        )
        self.owners = _OWNERS[: choice((2, 3, 4))]
        self.shares = {
            "unpriced": choice((0.0, 0.1, 0.4)),
            "brief": choice((0.0, 0.2)),
            "passive": choice((0.0, 0.2)),
            "foreign": choice((0.0, 0.1)),
            "off_grid": choice((0.0, 0.02)) * self.edges,
            "wild": choice((0.0, 0.002, 0.02)) * self.edges,
        }

    def new_id(self) -> int:
        self.number += 1
        draw = self.rng.random
        return 1 + (self.number % self.ring if draw() < 0.95 else int(draw() * self.ring))

    def old_id(self) -> tuple[int, str]:
        draw = self.rng.random
        order_id = 1 + int(draw() * self.ring)
        owner = order_id if draw() >= self.shares["foreign"] else int(draw() * 4)
        return order_id, self.owners[owner % len(self.owners)]

    def order(self, order_id: int) -> Order:
        draw, shares = self.rng.random, self.shares
        quantity = self.lot * (1 + int(draw() * self.largest))
        price: int | None = self.price_step * (100 + int(draw() * (2 * self.width + 1)) - self.width)
        kind, tif, post_only = _LIMIT, _GTC, False
        if draw() < shares["wild"]:
            quantity, price = (
                (self.rng.choice(_QUANTITIES), price) if draw() < 0.5 else (quantity, self.rng.choice(_PRICES))
            )
        if draw() < shares["off_grid"]:
            quantity, price = (quantity + 1, price) if draw() < 0.5 else (quantity, price + 1)  # type: ignore[operator]
        if draw() < shares["unpriced"]:
            kind, price = _MARKET if draw() < 0.6 else _MARKET_TO_LIMIT, None
            tif = _IOC if kind is _MARKET or draw() < 0.1 else _GTC
        elif draw() < shares["passive"]:
            post_only = True
        if draw() < shares["brief"] and not post_only:
            tif = _IOC if draw() < 0.6 else _FOK
        owner = self.owners[order_id % len(self.owners)]
        market = self.markets[int(draw() * len(self.markets))]
        return _order((market, _SIDES[draw() < 0.5], quantity, price, kind, tif, post_only, order_id, owner, ""))

    def fresh(self) -> Order:
        return self.order(self.new_id())

    def cancel(self) -> Cancel:
        return Cancel(*self.old_id())

    def reduce(self) -> Reduce:
        order_id, owner = self.old_id()
        return Reduce(order_id, self.lot * (1 + int(self.rng.random() * self.largest)), owner)

    def replace(self) -> Replace:
        order_id, owner = self.old_id()
        new = self.fresh()
        return Replace(
            order_id, new if self.rng.random() < self.shares["foreign"] else new._replace(owner=owner), owner
        )

    def wrong(self) -> Any:
        kind = self.rng.random()
        name, value = self.rng.choice(_WRONG)
        order_id, owner = self.old_id()
        order = self.fresh()
        if kind < 0.4:
            return order._replace(**{name: value})
        if kind < 0.5:
            return Replace(order_id, order._replace(**{"owner": owner, name: value}), owner)
        if kind < 0.6:
            return Replace(order_id, self.rng.choice(_STRANGE), owner)  # type: ignore[arg-type]
        if kind < 0.7:
            return Reduce(order_id, self.rng.choice((value, 1 + self.lot)), owner)
        if kind < 0.9:
            return self.rng.choice((Reduce(value, 1, owner), Cancel(value, owner), Cancel(order_id, value)))
        return self.rng.choice(_STRANGE)


def traffic(
    rng: Random,
    markets: tuple[str, ...],
    length: int,
    *,
    grid: tuple[int, int] = (1, 1),
    span: int = 3,
    edges: bool = True,
) -> Iterator[Call]:
    """`length` random calls, in time.

    What a stream is made of is drawn first, some kinds of messages being left out of it altogether: a rule often fails
    only where nothing else interferes. Ids come from a small ring, so that they collide with live and dead ones.

    Args:
        rng: all of the randomness.
        markets: at least one name.
        length: calls.
        grid: (ticks between prices, lots between quantities); few messages are off it.
        span: the longest usual pause, in steps.
        edges: whether to send extreme prices and quantities, and messages that no venue takes.

    References:
        Groce et al., "Swarm Testing", ISSTA 2012.

    >>> len(list(traffic(Random(1), ("ACME",), 3)))
    3
    """
    mix = _Mix(rng, markets, *grid, edges)
    draw, now = rng.random, 0
    pause = rng.choice((0.1, 0.5))
    fresh: Callable[[], Any] = mix.fresh
    kinds: list[tuple[float, Callable[[], Any]]]
    kinds = [(0.2, mix.cancel), (0.1, mix.reduce), (0.1, mix.replace), (0.04 * edges, mix.wrong)]
    kinds = [each for each in kinds if draw() > 0.25]
    for _ in range(length):
        if draw() < pause:
            now += 1 + int(draw() * span) if draw() < 0.9 else 4 * span
        at, make = draw(), fresh
        for share, kind in kinds:
            at -= share
            if at < 0:
                make = kind
                break
        yield Call(now, make())
