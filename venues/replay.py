"""A venue that replays recorded trades: whoever comes trades at the last recorded price."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from attrs import define, field, frozen, setters

from marketsim import checks
from marketsim.errors import ConfigError, shown
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, check_order, check_quantity
from marketsim.types import (
    Expired,
    Feed,
    Order,
    OrderKind,
    Reason,
    Report,
    Side,
    TimeInForce,
    VenueState,
    rejected,
    trade,
)
from venues.pool import nothing_to_cancel


def tape_account(venue: str) -> str:
    """The account on the other side of every trade with the tape at the venue of this name.

    >>> tape_account("binance")
    'tape:binance'
    """
    return f"tape:{venue}"


@frozen
class _Last:
    price: int
    available: int


@define(eq=False, on_setattr=setters.NO_OP)
class ReplayVenue:
    """Trades at the price of the last recorded trade, up to a stated size.

    1. `Feed` tells a recorded trade. It sets the price and makes `size` lots available on either side.
    2. A market, IOC or FOK order that accepts the price fills up to what is available; what it takes is gone until the
       next recorded trade. The rest expires. Nothing moves the recorded price.
    3. Nothing rests: a GTC limit is refused. Before the first recorded trade every order is refused.
    4. The other side of every fill is the account `tape:<venue>`.

    Args:
        markets: names.
        size: lots available after each recorded trade; None: the quantity of that trade.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> venue = ReplayVenue(("BTC",))
    >>> venue.submit(Feed("BTC", price=60_000, quantity=3), 0)
    []
    >>> buy = market_order("BTC", Side.BUY, quantity=5)._replace(order_id=1, owner="ann", venue="tape")
    >>> for report in venue.submit(buy, 1):
    ...     print(type(report).__name__, report.owner, report.quantity)  # lots
    Fill ann 3
    Fill tape:tape 3
    Expired ann 2
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Feed)
    claims: ClassVar[tuple[str, ...]] = ("self-checking",)

    markets: tuple[str, ...] = field(validator=checks.names)
    size: int | None = field(default=None, kw_only=True, validator=checks.optional(checks.integer(1, QUANTITY_MAX)))
    _last: dict[str, _Last] = field(init=False, factory=dict)
    _public: dict[str, VenueState] = field(init=False, factory=dict)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order` or a `Feed`; the class says what comes back."""
        if type(message) is Feed:
            return self._tell(message, now)
        if type(message) is not Order:
            return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")
        if refusal := check_order(message, self.markets):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        if message.kind is OrderKind.MARKET_TO_LIMIT or message.tif is TimeInForce.GTC:
            return rejected(message, Reason.UNSUPPORTED, now=now, detail="a tape holds no orders: send IOC or FOK")
        return self._fill(message, now)

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """`Rejected`: nothing ever rests here."""
        return nothing_to_cancel(order_id, owner, now)

    def state(self, market: str, /) -> VenueState:
        """The last price as bid and ask; the empty state before the first recorded trade.

        Raises:
            ConfigError: not one of the venue's markets.
        """
        if market not in self.markets:
            raise ConfigError(f"ReplayVenue.state: got market {market!r}, wanted one of {', '.join(self.markets)}")
        if market not in self._public:
            last = self._last.get(market)
            self._public[market] = VenueState() if last is None else _state(last)
        return self._public[market]

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, money for them in tick-lots) of a market order at the last recorded price."""
        return self.state(market).estimate(side, quantity)

    def clock(self, _now: int, /) -> list[Report]:
        return []

    def next_clock(self, _now: int, /) -> int | None:
        return None

    def _tell(self, feed: Feed, now: int) -> list[Report]:
        if type(feed.market) is not str or feed.market not in self.markets:
            wanted = f"one of {', '.join(self.markets)}"
            return rejected(feed, Reason.MARKET, now=now, detail=f"market: got {shown(feed.market)}, wanted {wanted}")
        if refusal := check_quantity(feed.quantity):
            return rejected(feed, refusal[0], now=now, detail=refusal[1])
        if type(feed.price) is not int or abs(feed.price) > PRICE_MAX:
            wanted = "an int of at most 2**53 either way"
            return rejected(feed, Reason.PRICE, now=now, detail=f"price: got {shown(feed.price)}, wanted {wanted}")
        self._set(feed.market, _Last(feed.price, feed.quantity if self.size is None else self.size))
        return []

    def _fill(self, order: Order, now: int) -> list[Report]:
        last = self._last.get(order.market)
        if last is None:
            return rejected(order, Reason.NO_LIQUIDITY, now=now, detail="no trade has been recorded yet")
        quantity = min(order.quantity, last.available) if order.accepts(last.price) else 0
        if order.tif is TimeInForce.FOK and quantity < order.quantity:
            quantity = 0
        reports: list[Report] = []
        if quantity:
            mid = float(last.price)
            account = tape_account(order.venue)
            reports = trade(order, against=account, price=last.price, quantity=quantity, now=now, mids=(mid, mid))
            self._set(order.market, _Last(last.price, last.available - quantity))
        if left := order.quantity - quantity:
            reports.append(Expired(order.order_id, order.owner, order.market, order.venue, now, left))
        return reports

    def _set(self, market: str, last: _Last) -> None:
        self._last[market] = last
        self._public.pop(market, None)


def _state(last: _Last) -> VenueState:
    levels = ((last.price, last.available),) if last.available else ()
    return VenueState(last.price, last.price, levels, levels, last.price, partial(_impact, last))


def _impact(last: _Last, _side: Side, quantity: int) -> tuple[int, int]:
    taken = min(quantity, last.available)
    return taken, taken * last.price
