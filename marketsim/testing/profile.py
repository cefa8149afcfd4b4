"""What a venue is like, found out by asking it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from marketsim.errors import ConfigError, RegistrationError, raised
from marketsim.registration import venue_slot
from marketsim.testing.failures import Broken
from marketsim.types import (
    Accepted,
    Burn,
    Feed,
    Fill,
    Mint,
    Order,
    OrderKind,
    Reduce,
    Rejected,
    Replace,
    Settle,
    Side,
    TimeInForce,
)

NAME = "kit"
"""The name under which the kit runs a venue: what `Order.venue` and every report say."""

CLAIMS = {
    "price-time": "an arriving order trades with the oldest order at the best price, at that price, as far as it can",
    "never-crossed": "the best bid is below the best ask after every call",
    "open-book": "the published levels are the live limit orders, summed by price",
    "uniform-price": "all trades of a market in one clear are at one price",
    "market-clearing": "a clear trades the largest volume, and no limit strictly better than its price stays unfilled",
    "pro-rata": "orders at the price of a clear share by size to within a lot, in whatever sequence they came",
    "price-shift": "all prices moved by a constant give the same trades, moved",
    "size-scale": "all quantities multiplied by a constant give the same prices and the volumes multiplied",
    "side-mirror": "buys and sells swapped, with prices mirrored, give the mirrored trades",
    "self-checking": "messages are refused without help from the gateway",
}
"""Rules that only some venues have. A venue that has them says so in an attribute `claims`, a tuple of these names."""

_GTC, _IOC, _FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
FORMS: dict[str, tuple[OrderKind, TimeInForce, bool]] = {
    "limit": (OrderKind.LIMIT, _GTC, False),
    "limit-ioc": (OrderKind.LIMIT, _IOC, False),
    "limit-fok": (OrderKind.LIMIT, _FOK, False),
    "post-only": (OrderKind.LIMIT, _GTC, True),
    "market": (OrderKind.MARKET, _IOC, False),
    "market-fok": (OrderKind.MARKET, _FOK, False),
    "market-to-limit": (OrderKind.MARKET_TO_LIMIT, _GTC, False),
}
"""Forms of an order by name: kind, time in force, post-only."""

_KNOWN = (Order, Reduce, Replace, Feed, Mint, Burn, Settle)


@frozen
class Profile:
    """What the kit knows of a venue before it starts.

    `forms` are the order forms it takes; `rests`: limit orders come to rest; `waits`: market orders wait for a clear;
    `house`: an account without orders trades; `pool`: that account is `pool:kit`; `separate`: there are several markets
    and the venue says that they share nothing; `anchor`: a price (ticks) to draw others around, by market; `size_max`:
    largest quantity to draw, in steps of `quantity_step`; `stride`: how far apart times are drawn.

    >>> from marketsim.testing import ReferencePool
    >>> pool: Profile = probe(lambda: ReferencePool(("A",)))
    >>> pool.forms, pool.rests, pool.pool, pool.anchor, pool.sample
    (('market', 'market-fok'), False, True, {'A': 100}, 1000)
    """

    markets: tuple[str, ...]
    messages: tuple[type, ...]
    claims: tuple[str, ...]
    forms: tuple[str, ...]
    rests: bool
    waits: bool
    house: bool
    pool: bool
    reserves: bool
    separate: bool
    anchor: dict[str, int]
    price_step: int
    quantity_step: int
    size_max: int
    stride: int
    period: int | None
    spacing: int

    @property
    def sample(self) -> int:
        """Lots to ask an estimate for."""
        return min(self.size_max, 1000) * self.quantity_step

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the declared messages that the kit cannot write."""
        return tuple(kind.__name__ for kind in self.messages if kind not in _KNOWN)


def order_of(form: str, market: str, side: Side, quantity: int, price: int, order_id: int, owner: str) -> Order:
    """An order of one of `FORMS` for `quantity` lots; `price` (ticks) is used where the form has one.

    >>> order = order_of("post-only", "A", Side.SELL, 5, 101, 7, "ann")
    >>> order.price, order.tif.value, order.post_only
    (101, 'gtc', True)
    """
    kind, tif, post_only = FORMS[form]
    limit = price if kind is OrderKind.LIMIT else None
    return Order(market, side, quantity, limit, kind, tif, post_only, order_id, owner)


def check_shape(venue: Any) -> tuple[type, ...]:
    """The messages of a venue that looks like one.

    Raises:
        Broken: for rule "shape", where it does not.

    >>> from marketsim.testing import PostedPrice, ReferenceBook
    >>> [[kind.__name__ for kind in check_shape(made(("A",)))] for made in (PostedPrice, ReferenceBook)]
    [['Order'], ['Order', 'Reduce', 'Replace']]
    """
    try:
        messages = venue_slot(NAME, venue).messages
    except RegistrationError as error:
        raise Broken("shape", "the six calls of a venue, a tuple of markets, a tuple of messages", str(error)) from None
    claims = getattr(venue, "claims", ())
    wrong = [claim for claim in claims if claim not in CLAIMS] if type(claims) is tuple else [claims]
    if wrong:
        raise Broken("shape", f"claims as a tuple of some of {', '.join(CLAIMS)}", f"claims={claims!r}")
    return messages


def probe(factory: Callable[[], Any], *, claims: tuple[str, ...] | None = None) -> Profile:
    """Find out what the venues of `factory` are like, by sending a few orders to fresh ones.

    Args:
        claims: rules to hold the venue to, in place of its own `claims`.

    Raises:
        Broken: for rule "shape" or "answers", where the venue cannot even be asked.
        ConfigError: an unknown claim.

    >>> from marketsim.testing import ReferenceAuction
    >>> found = probe(lambda: ReferenceAuction(("A",), pi=50))
    >>> found.waits, found.house, found.period, found.stride
    (True, False, 50, 5)
    """
    if claims is not None and (unknown := [claim for claim in claims if claim not in CLAIMS]):
        raise ConfigError(f"claims: got {unknown}, wanted some of {', '.join(CLAIMS)}")
    venue = factory()
    messages = check_shape(venue)
    try:
        return _probe(factory, venue, messages, getattr(venue, "claims", ()) if claims is None else claims)
    except Exception as error:  # noqa: BLE001 whatever it is, the venue raised it
        wanted = "an answer to a well-formed order, and to a question about it"
        raise Broken("answers", wanted, raised(error)) from None


def _probe(factory: Callable[[], Any], venue: Any, messages: tuple[type, ...], claims: tuple[str, ...]) -> Profile:
    markets = venue.markets
    price_step, quantity_step = getattr(venue, "price_step", 1), getattr(venue, "quantity_step", 1)
    anchor = {market: _anchor(factory, market, price_step, quantity_step) for market in markets}
    size_max = _size_max(venue, markets, quantity_step)
    fits = []
    rests = waits = False
    owners: dict[str, None] = {}
    for form in FORMS:
        # One step too: a small pool refuses to sell more than it has.
        tried = {min(size_max, 1000): None, 1: None}
        answers = [
            report
            for steps in tried
            for side in Side
            for report in _tried(factory, form, markets[0], side, anchor[markets[0]], price_step, quantity_step * steps)
        ]
        if not all(type(report) is Rejected for report in answers):
            fits.append(form)
        kinds = [type(report) for report in answers]
        rests = rests or (form == "limit" and Accepted in kinds)
        waits = waits or (form == "market" and Accepted in kinds)
        owners |= {report.owner: None for report in answers if type(report) is Fill and report.order_id == 0}
    stride = _stride(factory, markets[0], anchor[markets[0]], price_step, quantity_step)
    reserves = callable(getattr(venue, "reserves", None))
    period = getattr(venue, "pi", None) if stride is not None else 1
    return Profile(
        markets=markets, messages=messages, claims=claims, forms=tuple(fits), rests=rests, waits=waits,
        house=bool(owners) or Feed in messages or Mint in messages, pool=f"pool:{NAME}" in owners, reserves=reserves,
        separate=len(markets) > 1 and getattr(venue, "separate_markets", False) is True,
        anchor=anchor, price_step=price_step, quantity_step=quantity_step, size_max=size_max, stride=stride or 1,
        period=period if type(period) is int and period > 0 else None, spacing=getattr(venue, "index_spacing", 1),
    )  # fmt: skip


def _named(order: Order) -> Order:
    return order._replace(venue=NAME)


def _tried(
    factory: Callable[[], Any], form: str, market: str, side: Side, price: int, price_step: int, quantity: int
) -> list[Any]:
    # With something to trade with, if the venue lets it rest, far from it, so that post-only has a chance, and alone,
    # when only an account of the venue's own can take the other side.
    answers: list[Any] = []
    for distance, joined in ((0, True), (20, True), (0, False)):
        venue = factory()
        far = price - side * distance * price_step
        resting = order_of("limit", market, side.opposite, quantity, price, 1, "ann")
        if joined:
            answers += [report for report in venue.submit(_named(resting), 0) if report.order_id == 0]
        asked = _named(order_of(form, market, side, quantity, far, 2, "bob"))
        reports = venue.submit(asked, 0)
        if (due := venue.next_clock(0)) is not None:
            reports = reports + venue.clock(due)
        answers += [report for report in reports if report.order_id in {0, 2}]
    return answers


def _anchor(factory: Callable[[], Any], market: str, price_step: int, quantity_step: int) -> int:
    state = factory().state(market)
    known = [price for price in (state.best_bid, state.best_ask, state.last_price) if price is not None]
    if known:
        middle: int = sum(known) // len(known)
        return max(1, middle // price_step) * price_step
    for steps in (100, 10_000, 1_000_000):
        price = steps * price_step
        low = order_of("limit", market, Side.BUY, quantity_step, price - 30 * price_step, 1, "ann")
        if any(type(report) is not Rejected for report in factory().submit(_named(low), 0)):
            return price
    return 100 * price_step


def _size_max(venue: Any, markets: tuple[str, ...], quantity_step: int) -> int:
    # A pool trades nothing beyond its reserves, and little that is far below a lot's price: ask what it would trade.
    sizes = [
        min(venue.estimate_impact(market, side, quantity_step << bits)[0] for market in markets for side in Side)
        for bits in range(0, 40, 2)
    ]
    possible = [bits for bits, lots in zip(range(0, 40, 2), sizes, strict=True) if lots == quantity_step << bits]
    # Small next to what it could trade, so that a stream of orders does not empty it; but not below a dozen needlessly.
    return max(1 << max(possible[-1] - 4, 0), min(12, 1 << possible[-1])) if possible else 12


def _stride(factory: Callable[[], Any], market: str, price: int, price_step: int, quantity_step: int) -> int | None:
    venue = factory()
    for order_id, side in enumerate((Side.BUY, Side.SELL), start=1):
        crossing = order_of("limit", market, side, quantity_step, price + 2 * side * price_step, order_id, "ann")
        venue.submit(_named(crossing), 0)
    due = venue.next_clock(0)
    return None if due is None else max(1, due // 10)
