"""The logarithmic market scoring rule: one market maker for all outcomes of an event, with a bounded loss."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, ClassVar

from attrs import define, field, frozen, setters

from marketsim import checks
from marketsim.errors import ConfigError, shown
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal
from marketsim.types import (
    Order,
    Reason,
    Report,
    Settle,
    Side,
    VenueState,
    rejected,
)
from venues.pool import nearest_tick, nothing_to_cancel, order_refusal, require_market, require_question, swap_legs

PRECISION = 50
"""Significant digits of all exponentials and logarithms."""

_BUY = Side.BUY

# A context of our own: the one of the thread belongs to the caller. Its exponents hold exp(2**53) without a shift, so
# that weights need no common reference and depend on the quantities only, never on the path that led to them.
_CONTEXT = Context(prec=PRECISION, Emax=MAX_EMAX, Emin=MIN_EMIN)
_add, _divide, _multiply, _subtract = _CONTEXT.add, _CONTEXT.divide, _CONTEXT.multiply, _CONTEXT.subtract
_exp, _ln = _CONTEXT.exp, _CONTEXT.ln


def lmsr_cost(quantities: Sequence[int], b: int) -> Decimal:
    """Hanson's cost function C(q) = b ln sum exp(q_i / b), in lots of certain payment.

    Args:
        quantities: lots of each outcome sold so far; from -2**53 to 2**53.
        b: liquidity in lots; at least 1.

    Returns:
        C(q) to about 30 digits or more after the point; times `unit` it is money in tick-lots.

    Raises:
        ConfigError: an argument is not an int or out of bounds.

    References:
        Hanson, Logarithmic market scoring rules for modular combinatorial information aggregation, 2007.

    >>> round(lmsr_cost((50, 0), 100) - lmsr_cost((0, 0), 100), 6)
    Decimal('28.092980')
    """
    _require_quantities(quantities, b)
    return _multiply(b, _ln(_sum([_weight(quantity, b) for quantity in quantities])))


def lmsr_prices(quantities: Sequence[int], b: int) -> tuple[Decimal, ...]:
    """The gradient of `lmsr_cost`: exp(q_i / b) / sum exp(q_j / b), a probability of each outcome.

    Args:
        quantities: lots of each outcome sold so far; from -2**53 to 2**53.
        b: liquidity in lots; at least 1.

    Returns:
        One for each outcome, adding up to 1; times `unit` it is a price in ticks.

    Raises:
        ConfigError: an argument is not an int or out of bounds.

    >>> [round(price, 6) for price in lmsr_prices((50, 0), 100)]
    [Decimal('0.622459'), Decimal('0.377541')]
    """
    _require_quantities(quantities, b)
    weights = [_weight(quantity, b) for quantity in quantities]
    total = _sum(weights)
    return tuple(_divide(weight, total) for weight in weights)


def _require_quantities(quantities: Sequence[int], b: int) -> None:
    if type(b) is not int or not 1 <= b <= QUANTITY_MAX:
        raise ConfigError(f"lmsr: b: got {b!r}, wanted an int from 1 to 2**53")
    if not quantities or any(type(lots) is not int or abs(lots) > QUANTITY_MAX for lots in quantities):
        raise ConfigError(f"lmsr: quantities: got {quantities!r}, wanted ints from -2**53 to 2**53")


def _weight(quantity: int, b: int) -> Decimal:
    return _exp(_divide(quantity, b))


def _sum(weights: Sequence[Decimal]) -> Decimal:
    total = weights[0]
    for weight in weights[1:]:
        total = _add(total, weight)
    return total


@frozen
class _Point:
    # Where the market maker stands: the lots sold, and what follows from them. Never changed, only left for another.
    quantities: tuple[int, ...]
    b: int
    unit: int
    weights: tuple[Decimal, ...] = field(eq=False, repr=False)
    total: Decimal = field(eq=False, repr=False)
    log: Decimal = field(eq=False, repr=False)
    scale: Decimal = field(eq=False, repr=False)
    guard: Decimal = field(eq=False, repr=False)

    def after(self, outcome: int, side: Side, quantity: int) -> tuple[int, _Point | None]:
        # The money for `quantity` lots and the point where that leads, None where it leads too far.
        sold = self.quantities[outcome] + side * quantity
        if abs(sold) > QUANTITY_MAX:
            return 0, None
        quantities = (*self.quantities[:outcome], sold, *self.quantities[outcome + 1 :])
        weights = (*self.weights[:outcome], _weight(sold, self.b), *self.weights[outcome + 1 :])
        total = _sum(weights)
        log = _ln(total)
        value = _multiply(_subtract(log, self.log), self.scale)
        money = side * _ceiling(_add(value, self.guard))
        # The true price of a lot lies between 0 and `unit`, also where 50 digits cannot tell it from them.
        money = min(money, self.unit * quantity) if side is _BUY else max(money, 0)
        return money, _Point(quantities, self.b, self.unit, weights, total, log, self.scale, self.guard)

    def price(self, outcome: int) -> Decimal:
        return _divide(_multiply(self.weights[outcome], self.unit), self.total)


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING, _CONTEXT))


def _floor(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR, _CONTEXT))


def _point(quantities: tuple[int, ...], b: int, unit: int) -> _Point:
    weights = tuple(_weight(quantity, b) for quantity in quantities)
    total = _sum(weights)
    # Each logarithm errs by fewer than max |q| / b + |ln total| + n + 2 units in the last place of 1 (by the quotient,
    # the exponential, the sums and itself); this bounds unit x b times two of them with a factor to spare.
    error = unit * (4 * QUANTITY_MAX + 4 * b * (len(quantities) + 2))
    guard = Decimal(error).scaleb(1 - PRECISION, _CONTEXT)
    return _Point(quantities, b, unit, weights, total, _ln(total), Decimal(b * unit), guard)


@frozen
class _Impact:
    point: _Point
    outcome: int

    def __call__(self, side: Side, quantity: int) -> tuple[int, int]:
        require_question(side, quantity)
        money = self.point.after(self.outcome, side, quantity)[0]
        return (quantity, money) if money else (0, 0)


def _two_or_more(instance: Any, attribute: Any, value: tuple[str, ...]) -> None:
    checks.names(instance, attribute, value)
    if len(value) < 2:
        raise ConfigError(f"LMSR.markets: got {value!r}, wanted one market for each of two outcomes or more")


def _one_per_market(instance: Any, attribute: Any, value: Any) -> None:
    if (
        type(value) is not tuple
        or len(value) != len(instance.markets)
        or any(type(lots) is not int or abs(lots) > QUANTITY_MAX for lots in value)
    ):
        raise ConfigError(f"LMSR.{attribute.name}: got {value!r}, wanted a tuple of one int per market, up to 2**53")


@define(eq=False, on_setattr=setters.NO_OP)
class LMSR:
    """A market maker for the outcomes of one event, of which one will pay `unit` ticks a lot and the others nothing.

    1. Lots sold so far, q, cost unit x C(q) - unit x C(opening) with C(q) = b ln sum exp(q_i / b). A trade costs the
       difference, computed with 50 digits and rounded up for a buy and down for a sell: always in the market maker's
       favour, by less than one tick-lot, or by one where 50 digits cannot tell the exact cost from a whole number.
    2. It takes market orders; quantities are unbounded but for |q_i| <= 2**53, and an outcome may be sold short. An
       order trades in full or is refused with `Reason.NO_LIQUIDITY`, so that IOC and FOK come to the same; a sell for
       which nothing would be paid is refused too. The estimate for such an order is (0, 0).
    3. Every trade moves the prices of all outcomes. They add up to `unit`; one lot of each costs `unit` to `unit` + n.
    4. Whatever is traded and whichever outcome pays, the market maker loses at most `loss_bound`, unit x b x ln n from
       an even opening.
    5. Its legs belong to the account `pool:<venue>` and to no order (id 0). It opens with nothing: what the account
       holds is what it sold, and its subsidy is a debt.
    6. The event resolves by one `Settle` for each outcome, at prices from 0 to `unit` that add up to `unit`. From the
       first on, no outcome trades: orders are refused with `Reason.CLOSED`, and so is a second `Settle` of a market.
    7. The public bid of an outcome is its price rounded down to a tick, the ask rounded up; none once closed.

    A trade costs one exponential, one logarithm and O(n) sums of 50 digits.

    Args:
        markets: one per outcome, two or more; exactly one of them will happen.
        b: liquidity in lots: the larger, the less a trade moves the price and the more can be lost.
        unit: ticks that a lot of the winning outcome pays.
        opening: lots of each outcome taken as sold at the opening, which sets the opening prices
            unit x exp(q_i / b) / sum exp(q_j / b); even prices if left out.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    References:
        Hanson, Combinatorial information market design, Information Systems Frontiers 5(1), 2003; Hanson, Logarithmic
        market scoring rules for modular combinatorial information aggregation, 2007.

    >>> from marketsim.types import market_order
    >>> maker = LMSR(("yes", "no"), b=100, unit=1000)
    >>> buy = market_order("yes", Side.BUY, quantity=50)._replace(order_id=1, owner="ann", venue="event")
    >>> [(leg.owner, leg.money, leg.price) for leg in maker.submit(buy, 0)]
    [('ann', 28093, 562), ('pool:event', 28093, 562)]
    >>> maker.state("yes").best_bid, maker.state("no").best_ask
    (622, 378)
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Settle)
    claims: ClassVar[tuple[str, ...]] = ("self-checking",)

    markets: tuple[str, ...] = field(validator=_two_or_more)
    b: int = field(validator=checks.integer(1, QUANTITY_MAX))
    unit: int = field(validator=checks.integer(1, PRICE_MAX))
    opening: tuple[int, ...] | None = field(default=None, kw_only=True, validator=checks.optional(_one_per_market))
    _start: _Point = field(init=False)
    _point: _Point = field(init=False)
    _outcomes: dict[str, int] = field(init=False)
    _money: list[int] = field(init=False)
    _last_prices: list[int | None] = field(init=False)
    _public: list[VenueState | None] = field(init=False)
    _settled: dict[str, int] = field(init=False, factory=dict)
    _matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        opening = self.opening or (0,) * len(self.markets)
        self._point = self._start = _point(opening, self.b, self.unit)
        self._outcomes = {market: outcome for outcome, market in enumerate(self.markets)}
        self._money = [0] * len(self.markets)
        self._last_prices = [None] * len(self.markets)
        self._public = [None] * len(self.markets)

    @property
    def loss_bound(self) -> int:
        """The most that the market maker can lose, in tick-lots: unit x (C(opening) - min opening), rounded down."""
        start = self._start
        bound = _subtract(_multiply(start.log, start.scale), min(start.quantities) * self.unit)
        return _floor(_add(bound, start.guard))

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, answered by both legs, or a `Settle`, answered by nothing; else one `Rejected`."""
        if type(message) is Order:
            return self._swap(message, now)
        if type(message) is Settle:
            return self._settle(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """`Rejected`: nothing ever rests here."""
        return nothing_to_cancel(order_id, owner, now)

    def state(self, market: str, /) -> VenueState:
        """Price and last trade price in ticks, and the impact function; the same object until a change."""
        require_market(self, market)
        outcome = self._outcomes[market]
        public = self._public[outcome]
        if public is None:
            public = self._public[outcome] = self._published(outcome)
        return public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, money) of a market order for `quantity` lots, exactly as it would trade now; (0, 0) if refused."""
        require_market(self, market)
        lots, money = _Impact(self._point, self._outcomes[market])(side, quantity)
        return (0, 0) if self._settled else (lots, money)

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        """Nothing: the market maker acts only when a message comes."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        """None: the market maker needs no clock."""
        return None

    def probability(self, market: str, /) -> float:
        """The price of `market` over `unit`, at the end of trading if that is over."""
        require_market(self, market)
        return float(_divide(self._point.price(self._outcomes[market]), self.unit))

    def reserves(self, market: str, /) -> tuple[int, int]:
        """(lots, tick-lots) that the account `pool:<venue>` gained in `market`: lots sold are negative.

        The account's cash is the sum over all markets. A settled market is paid out: no lots are left.
        """
        require_market(self, market)
        outcome = self._outcomes[market]
        lots = self._start.quantities[outcome] - self._point.quantities[outcome]
        if market in self._settled:
            return 0, self._money[outcome] + lots * self._settled[market]
        return lots, self._money[outcome]

    def _published(self, outcome: int) -> VenueState:
        last_price = self._last_prices[outcome]
        if self._settled:
            return VenueState(last_price=last_price)
        price, guard = self._point.price(outcome), self._point.guard
        # A price that is a whole tick but for the last digits is that tick; 0 and `unit` it never is.
        bid, ask = min(_floor(_add(price, guard)), self.unit - 1), max(_ceiling(_subtract(price, guard)), 1)
        return VenueState(bid, ask, last_price=last_price, impact=_Impact(self._point, outcome))

    def _swap(self, order: Order, now: int) -> list[Report]:
        if refusal := order_refusal(order, self.markets) or self._closed():
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        outcome, side, quantity = self._outcomes[order.market], order.side, order.quantity
        money, point = self._point.after(outcome, side, quantity)
        if point is None or money == 0:
            came = f"{side.name} {quantity} lots with {self._point.quantities[outcome]} lots sold"
            wanted = "a sell that pays something, and sold lots from -2**53 to 2**53"
            return rejected(order, Reason.NO_LIQUIDITY, now=now, detail=f"got {came}, wanted {wanted}")
        mid_before = self.state(order.market).mid
        self._point = point
        self._money[outcome] += side * money
        self._last_prices[outcome] = nearest_tick(money, quantity)
        self._public = [None] * len(self.markets)
        self._matches += 1
        mids = (mid_before, self.state(order.market).mid)
        return swap_legs(order, quantity=quantity, money=money, now=now, match_id=self._matches, mids=mids)

    def _closed(self) -> Refusal | None:
        if not self._settled:
            return None
        return Reason.CLOSED, f"the event is resolving: {', '.join(self._settled)} settled"

    def _settle(self, message: Settle, now: int) -> list[Report]:
        if refusal := self._settle_refusal(message):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        self._settled[message.market] = message.price
        self._public = [None] * len(self.markets)
        return []

    def _settle_refusal(self, message: Settle) -> Refusal | None:
        market, price, _ = message
        if type(market) is not str or market not in self.markets:
            return Reason.MARKET, f"market: got {shown(market)}, wanted one of {', '.join(self.markets)}"
        if market in self._settled:
            return Reason.CLOSED, f"market: got {market}, which has settled at {self._settled[market]}"
        left = self.unit - sum(self._settled.values())
        low = left if len(self._settled) == len(self.markets) - 1 else 0
        if type(price) is not int or not low <= price <= left:
            return (
                Reason.PRICE,
                f"price: got {shown(price)}, wanted an int from {low} to {left}: outcomes pay {self.unit} in all",
            )
        return None
