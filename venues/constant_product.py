"""The constant-product pool: base x quote never falls, and every price follows from that."""

from __future__ import annotations

from math import isqrt
from typing import Any, ClassVar

from attrs import define, field, frozen, setters

from marketsim import checks
from marketsim.errors import ConfigError, shown
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal
from marketsim.types import (
    Burn,
    Mint,
    Order,
    Reason,
    Report,
    Side,
    VenueState,
    rejected,
)
from venues.pool import (
    PPM,
    burn_refusal,
    liquidity_refusal,
    nearest_tick,
    nothing_to_cancel,
    order_refusal,
    require_market,
    require_question,
    share_market,
    swap_legs,
    transfer_legs,
)

_BUY = Side.BUY


def swap_exact_in(reserve_in: int, reserve_out: int, amount_in: int, *, fee_ppm: int = 0) -> int:
    """What a pool pays for `amount_in`: floor(y f dx / (x + f dx)) with f = 1 - fee_ppm / 10**6.

    The largest dy that leaves (x + f dx)(y - dy) >= x y; the fee, (1 - f) dx, is left in the pool on top.

    Args:
        reserve_in: x, of the asset that comes in; at least 1.
        reserve_out: y, of the asset that goes out; at least 1.
        amount_in: dx, fee included; at least 1.
        fee_ppm: millionths of `amount_in` kept as the fee, below 10**6.

    Returns:
        dy, from 0 to `reserve_out` - 1.

    Raises:
        ConfigError: an argument is not an int or out of bounds.

    References:
        Adams, Zinsmeister and Robinson, Uniswap v2 Core, 2020, section 3.2.1.

    >>> swap_exact_in(1000 * 10**9, 1000 * 10**9, 100 * 10**9, fee_ppm=3000)
    90661089388
    """
    _require_amounts("swap_exact_in", reserve_in, reserve_out, amount_in, fee_ppm)
    kept = amount_in * (PPM - fee_ppm)
    return reserve_out * kept // (reserve_in * PPM + kept)


def swap_exact_out(reserve_in: int, reserve_out: int, amount_out: int, *, fee_ppm: int = 0) -> int:
    """What a pool asks for `amount_out`: ceil(x dy / (f (y - dy))) with f = 1 - fee_ppm / 10**6.

    The smallest dx for which `swap_exact_in` would pay `amount_out` or more.

    Args:
        reserve_in: x, of the asset that comes in; at least 1.
        reserve_out: y, of the asset that goes out; more than `amount_out`.
        amount_out: dy; at least 1.
        fee_ppm: millionths of the amount that comes in kept as the fee, below 10**6.

    Returns:
        dx, fee included, at least 1.

    Raises:
        ConfigError: an argument is not an int or out of bounds; no amount buys the whole reserve.

    >>> swap_exact_out(100, 100, 50), swap_exact_in(100, 100, 100)
    (100, 50)
    """
    _require_amounts("swap_exact_out", reserve_in, reserve_out, amount_out, fee_ppm)
    if amount_out >= reserve_out:
        raise ConfigError(f"swap_exact_out: amount_out: got {amount_out}, wanted less than the reserve {reserve_out}")
    return -(-reserve_in * amount_out * PPM // ((reserve_out - amount_out) * (PPM - fee_ppm)))


def _require_amounts(what: str, reserve_in: int, reserve_out: int, amount: int, fee_ppm: int) -> None:
    amounts = (reserve_in, reserve_out, amount)
    if any(type(value) is not int or value < 1 for value in amounts):
        raise ConfigError(f"{what}: got reserves and amount {amounts!r}, wanted ints of at least 1")
    if type(fee_ppm) is not int or not 0 <= fee_ppm < PPM:
        raise ConfigError(f"{what}: fee_ppm: got {fee_ppm!r}, wanted an int from 0 to 999999")


@frozen
class _Impact:
    # The pool as it was: a value, so that equal reserves give equal public states.
    base: int
    quote: int
    fee_ppm: int

    def __call__(self, side: Side, quantity: int) -> tuple[int, int]:
        require_question(side, quantity)
        if side is _BUY:
            if quantity >= self.base:
                return 0, 0
            return quantity, swap_exact_out(self.quote, self.base, quantity, fee_ppm=self.fee_ppm)
        money = swap_exact_in(self.base, self.quote, quantity, fee_ppm=self.fee_ppm)
        return (quantity, money) if money else (0, 0)


def _one_market(instance: Any, attribute: Any, value: tuple[str, ...]) -> None:
    checks.names(instance, attribute, value)
    if len(value) != 1:
        raise ConfigError(f"ConstantProduct.markets: got {value!r}, wanted one name; a pool holds one pair of reserves")


def _priced_within_bounds(instance: Any, attribute: Any, value: int) -> None:
    if value > instance.base * PRICE_MAX:
        came = f"base={instance.base}, {attribute.name}={value}"
        raise ConfigError(f"ConstantProduct: got {came}, wanted quote / base, the opening price, up to 2**53 ticks")


@define(eq=False, on_setattr=setters.NO_OP)
class ConstantProduct:
    """A pool of `base` lots and `quote` tick-lots of money that trades so that their product never falls.

    1. It takes market orders. A buy is exact output: it pays the smallest whole amount of money that the invariant
       allows. A sell is exact input: it receives the largest. Rounding is always in the pool's favour.
    2. The fee is taken on what comes in (money of a buy, lots of a sell) and stays in the reserves. It is part of the
       fill's money; the fill's fee is 0.
    3. An order trades in full or is refused with `Reason.NO_LIQUIDITY`, so that IOC and FOK come to the same: a pool
       sells any quantity below its reserve, and no amount of money buys all of it; a sell for which the pool would pay
       nothing is refused too. The estimate for such an order is (0, 0).
    4. The pool's legs belong to the account `pool:<venue>` and to no order (id 0).
    5. `Mint` of n shares takes n / total of either reserve, rounded up; `Burn` pays n / total of either, rounded down.
       Shares are lots of the market `<market>/shares`; what an owner holds is in `positions`, and an owner can burn no
       more. The opening reserves carry isqrt(base x quote) shares of the pool's own, which nobody can burn.
    6. The public bid is the marginal price after the fee, rounded down to a tick, the ask rounded up: equal where there
       is no fee and the price falls on a tick. No ask is published once a single lot is left.

    Args:
        markets: the one market traded here.
        base: opening reserve in lots.
        quote: opening reserve in tick-lots; quote / base is the opening price in ticks.
        fee_ppm: millionths of what comes in that stay in the pool as the fee; below 10**6.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    References:
        Angeris, Kao, Chiang, Noyes and Chitra, An analysis of Uniswap markets, 2019.

    >>> from marketsim.types import market_order
    >>> pool = ConstantProduct(("ACME",), base=100, quote=10_000)
    >>> buy = market_order("ACME", Side.BUY, quantity=20)._replace(order_id=1, owner="ann", venue="amm")
    >>> [(leg.owner, leg.money, leg.price) for leg in pool.submit(buy, 0)]
    [('ann', 2500, 125), ('pool:amm', 2500, 125)]
    >>> pool.reserves("ACME")
    (80, 12500)
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Mint, Burn)
    claims: ClassVar[tuple[str, ...]] = ("self-checking",)

    markets: tuple[str, ...] = field(validator=_one_market)
    base: int = field(validator=checks.integer(1, QUANTITY_MAX))
    quote: int = field(validator=[checks.integer(1), _priced_within_bounds])
    fee_ppm: int = field(default=0, kw_only=True, validator=checks.integer(0, PPM - 1))
    _impact: _Impact = field(init=False)
    _public: VenueState = field(init=False)
    _shares: int = field(init=False)
    _positions: dict[str, int] = field(init=False, factory=dict)
    _matches: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._shares = isqrt(self.base * self.quote)
        self._hold(self.base, self.quote, None)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, a `Mint` or a `Burn`: both legs of each match come back, or one `Rejected`."""
        if type(message) is Order:
            return self._swap(message, now)
        if type(message) is Mint or type(message) is Burn:
            return self._change_liquidity(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """`Rejected`: nothing ever rests in a pool."""
        return nothing_to_cancel(order_id, owner, now)

    def state(self, market: str, /) -> VenueState:
        """Marginal and last trade prices in ticks, and the impact function; the same object until something changes."""
        require_market(self, market)
        return self._public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots, money) of a market order for `quantity` lots, exactly as it would trade now; (0, 0) if refused."""
        require_market(self, market)
        return self._impact(side, quantity)

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        """Nothing: a pool acts only when a message comes."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        """None: a pool needs no clock."""
        return None

    def reserves(self, market: str, /) -> tuple[int, int]:
        """(base lots, quote tick-lots): the opening reserves plus what the account `pool:<venue>` has gained."""
        require_market(self, market)
        return self._impact.base, self._impact.quote

    def positions(self, market: str, /) -> dict[str, int]:
        """Shares by owner, without the pool's own."""
        require_market(self, market)
        return dict(self._positions)

    def shares(self, market: str, /) -> int:
        """All shares there are, the pool's own included."""
        require_market(self, market)
        return self._shares

    def _hold(self, base: int, quote: int, last_price: int | None) -> None:
        kept = PPM - self.fee_ppm
        bid = quote * kept // (base * PPM)
        ask = -(-quote * PPM // (base * kept)) if base > 1 else None
        self._impact = _Impact(base, quote, self.fee_ppm)
        self._public = VenueState(bid, ask, last_price=last_price, impact=self._impact)

    def _swap(self, order: Order, now: int) -> list[Report]:
        if refusal := order_refusal(order, self.markets):
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        side, base, quote = order.side, self._impact.base, self._impact.quote
        quantity, money = self._impact(side, order.quantity)
        if quantity == 0:
            came = f"{side.name} {order.quantity} lots against reserves of {base} lots and {quote} tick-lots"
            return rejected(order, Reason.NO_LIQUIDITY, now=now, detail=f"got {came}")
        mid_before = self._public.mid
        self._hold(base - side * quantity, quote + side * money, nearest_tick(money, quantity))
        self._matches += 1
        mids = (mid_before, self._public.mid)
        return swap_legs(order, quantity=quantity, money=money, now=now, match_id=self._matches, mids=mids)

    def _liquidity_refusal(self, message: Mint | Burn) -> Refusal | None:
        if refusal := liquidity_refusal(message, self.markets):
            return refusal
        if message.lower is not None or message.upper is not None:
            came = f"lower {shown(message.lower)}, upper {shown(message.upper)}"
            return Reason.UNSUPPORTED, f"got {came}; a share of this pool covers all prices"
        return burn_refusal(message, self._positions.get(message.owner, 0)) if type(message) is Burn else None

    def _change_liquidity(self, message: Mint | Burn, now: int) -> list[Report]:
        if refusal := self._liquidity_refusal(message):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        shares, owner = message.liquidity, message.owner
        sign = 1 if type(message) is Mint else -1
        # Floor division of the signed product: what is asked rounds up, what is paid rounds down.
        lots = -(-sign * shares * self._impact.base // self._shares)
        money = -(-sign * shares * self._impact.quote // self._shares)
        mid_before = self._public.mid
        self._hold(self._impact.base + lots, self._impact.quote + money, self._public.last_price)
        self._shares += sign * shares
        self._positions[owner] = self._positions.get(owner, 0) + sign * shares
        if self._positions[owner] == 0:
            del self._positions[owner]
        mids = (mid_before, self._public.mid)
        self._matches += 2
        match, market = self._matches, message.market
        gives, gets = Side(-sign), Side(sign)
        return transfer_legs(
            message, market=market, side=gives, quantity=abs(lots), money=0, now=now, match_id=match - 1, mids=mids
        ) + transfer_legs(
            message, market=share_market(market), side=gets, quantity=shares, money=abs(money), now=now, match_id=match,
            mids=mids,
        )  # fmt: skip
