"""The concentrated-liquidity pool: liquidity over ranges of prices, in exact integers (Uniswap v3)."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import define, field, frozen, setters

from marketsim import checks
from marketsim.errors import ConfigError, ConservationError, shown
from marketsim.gateway import PRICE_MAX, QUANTITY_MAX, Refusal
from marketsim.types import (
    Burn,
    Expired,
    Mint,
    Order,
    Reason,
    Report,
    Side,
    TimeInForce,
    VenueState,
    rejected,
)
from venues import concentrated_math as maths
from venues.pool import (
    PPM,
    burn_refusal,
    liquidity_refusal,
    nearest_tick,
    nothing_to_cancel,
    order_refusal,
    pool_account,
    require_market,
    require_question,
    share_market,
    swap_legs,
    transfer_legs,
)

Range = tuple[int, int]
"""(lower, upper): the price indices at which a position begins and ends."""

# Positions of the pool's own account; no sender has an empty name.
_HOUSE = ""


@define(eq=False)
class _Edge:
    # An index at which positions begin or end: their liquidity, and the fee growth on its far side as seen from the
    # price, up to a constant (Uniswap v3 Core, 6.3). Only differences over time matter, so it may start anywhere.
    gross: int = 0
    outside0: int = 0
    outside1: int = 0


@define(eq=False)
class _Position:
    # Liquidity of one owner over one range, the fee growth inside the range when last looked at, and fees not yet paid.
    liquidity: int = 0
    inside0: int = 0
    inside1: int = 0
    owed0: int = 0
    owed1: int = 0


def range_share_market(market: str, lower: int, upper: int) -> str:
    """The market whose lots are the shares of the range [lower, upper) of a pool that trades `market`.

    >>> range_share_market("ACME", -60, 60)
    'ACME/shares[-60,60]'
    """
    return f"{share_market(market)}[{lower},{upper}]"


def _traded(pool: maths.Pool, side: Side, quantity: int) -> maths.Swap | None:
    # What a market order would do; None where it would move no lots, or no money.
    selling = side is Side.SELL
    limit = maths.last_price(pool, selling)
    if limit is None:
        return None
    found = maths.swap(pool, selling, -side * quantity, sqrt_price_limit=limit)
    return found if found.amount0 and found.amount1 else None


@frozen
class _Impact:
    # The pool as it was: a value, so that equal pools give equal public states.
    pool: maths.Pool

    def __call__(self, side: Side, quantity: int) -> tuple[int, int]:
        require_question(side, quantity)
        found = _traded(self.pool, side, quantity)
        return (0, 0) if found is None else (abs(found.amount0), abs(found.amount1))


def _published(pool: maths.Pool, last: int | None) -> VenueState:
    kept = PPM - pool.fee_ppm
    bid = ask = None
    sell, buy = maths.first_price(pool, zero_for_one=True), maths.first_price(pool, zero_for_one=False)
    if sell is not None:
        bid = sell * sell * kept // (PPM << 192)
    if buy is not None and _traded(pool, Side.BUY, 1):
        ask = -(-buy * buy * PPM // (kept << 192))
    return VenueState(bid, ask, last_price=last, impact=_Impact(pool))


def _one_market(instance: Any, attribute: Any, value: Any) -> None:
    checks.names(instance, attribute, value)
    if len(value) != 1:
        raise ConfigError(f"ConcentratedPool.markets: got {value!r}, wanted one name: a pool trades one market")


def _ranges(instance: Any, _attribute: Any, value: Any) -> None:
    entries = value if type(value) is tuple else (None,)
    if any(type(entry) is not tuple or len(entry) != 3 for entry in entries):
        raise ConfigError(f"ConcentratedPool.positions: got {value!r}, wanted a tuple of (lower, upper, liquidity)")
    most = maths.max_liquidity(instance.index_spacing)
    for lower, upper, liquidity in value:
        refusal = _range_refusal(lower, upper, instance.index_spacing)
        if refusal is None and (type(liquidity) is not int or not 0 < liquidity <= most):
            refusal = Reason.QUANTITY, f"liquidity: got {liquidity!r}, wanted an int from 1 to {most}"
        if refusal is not None:
            raise ConfigError(f"ConcentratedPool.positions: {refusal[1]}")


def _house_refusal(message: Order | Mint | Burn) -> Refusal | None:
    if message.owner == pool_account(message.venue):
        return Reason.SELF_TRADE, f"owner: got {message.owner}, which is the pool itself"
    return None


def _range_refusal(lower: Any, upper: Any, spacing: int) -> Refusal | None:
    came = f"lower {shown(lower)}, upper {shown(upper)}"
    end = maths.MAX_INDEX
    if type(lower) is not int or type(upper) is not int or not -end <= lower < upper <= end:
        return Reason.PRICE, f"got {came}, wanted ints in ascending order from {-end} to {end}"
    if lower % spacing or upper % spacing:
        return Reason.OFF_GRID, f"got {came}, wanted multiples of {spacing}"
    return None


@define(eq=False, on_setattr=setters.NO_OP)
class ConcentratedPool:
    """A pool whose liquidity lies over ranges of prices, as in Uniswap v3 (Adams et al., "Uniswap v3 Core", 2021).

    Base lots are token 0 and tick-lots of money token 1. A price index i stands for 1.0001**i ticks a lot, and is what
    ranges begin and end at; Uniswap calls it a tick, which here is the price grid of the market and nothing else.

    1. It takes market orders. A buy is an exact output of base, a sell an exact input; the result is the contract's, to
       the last unit, with every rounding in the pool's favour. An IOC order trades what liquidity there is and the rest
       expires; a FOK order trades in full or expires in full. Where nothing could be traded, or a sell would be paid
       nothing, it is refused with `Reason.NO_LIQUIDITY`. No trade moves the price beyond the end of the last range.
    2. The fee is taken from what comes in (lots of a sell, money of a buy) and stays in the pool for those whose ranges
       the trade went through. It is part of the fill's money; the fill's fee is 0.
    3. The pool's legs belong to the account `pool:<venue>` and to no order (id 0). It owns `positions`, which stay.
    4. `Mint` adds liquidity over [lower, upper) (None: as far as the grid goes) for what the range holds at this price,
       rounded up. `Burn` takes it out, rounded down, and pays all fees that the position has earned so far; an owner
       can burn no more than its own. Shares are lots of `range_share_market(...)`: an owner gives base for no money (no
       such match where the range holds none) and buys the shares for the money; a burn is the mirror of it.
    5. The public bid is the price of the first liquidity below, after the fee, rounded down to a tick, the ask the one
       above, rounded up. A side is None where liquidity has ended, the ask also where less than a lot is left.

    A lot is the smallest unit and pays at least a whole lot or tick-lot of fee: with a fee, a sell of one lot gets
    nothing. Choose a lot so small that orders are of thousands of lots. A trade costs O(ranges crossed + change of the
    price index / (256 x index_spacing)), a mint or burn O(ranges).

    Args:
        markets: the name of the one market.
        price: opening price in ticks; or else
        sqrt_price_x96: the square root of the opening price in ticks, times 2**96.
        fee_ppm: millionths of what comes in.
        index_spacing: ranges begin and end at multiples of this.
        positions: the pool account's own (lower, upper, liquidity) at the start.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from marketsim.types import market_order
    >>> pool = ConcentratedPool(("ACME",), price=2500, fee_ppm=3000, positions=((75000, 81000, 10**9),))
    >>> pool.state("ACME")[:2]
    (2492, 2508)
    >>> buy = market_order("ACME", Side.BUY, quantity=10_000)._replace(order_id=1, owner="ann", venue="amm")
    >>> [(fill.owner, fill.quantity, fill.money) for fill in pool.submit(buy, 0)]
    [('ann', 10000, 25087771), ('pool:amm', 10000, 25087771)]
    """

    messages: ClassVar[tuple[type, ...]] = (Order, Mint, Burn)
    claims: ClassVar[tuple[str, ...]] = ("self-checking",)

    markets: tuple[str, ...] = field(validator=_one_market)
    price: int | None = field(default=None, kw_only=True, validator=checks.optional(checks.integer(1, PRICE_MAX)))
    sqrt_price_x96: int | None = field(
        default=None,
        kw_only=True,
        validator=checks.optional(checks.integer(maths.MIN_SQRT_PRICE, maths.MAX_SQRT_PRICE - 1)),
    )
    fee_ppm: int = field(default=3000, kw_only=True, validator=checks.integer(0, PPM - 1))
    index_spacing: int = field(default=60, kw_only=True, validator=checks.integer(1, 16383))
    positions: tuple[tuple[int, int, int], ...] = field(default=(), kw_only=True, validator=_ranges)
    _pool: maths.Pool = field(init=False)
    _edges: dict[int, _Edge] = field(init=False, factory=dict)
    _held: dict[tuple[str, Range], _Position] = field(init=False, factory=dict)
    _base: int = field(init=False, default=0)
    _money: int = field(init=False, default=0)
    _matches: int = field(init=False, default=0)
    _last: int | None = field(init=False, default=None)
    _public: VenueState | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        if (self.price is None) == (self.sqrt_price_x96 is None):
            came = f"price={self.price}, sqrt_price_x96={self.sqrt_price_x96}"
            raise ConfigError(f"ConcentratedPool: got {came}, wanted one of the two")
        # Neither can be 0, so that what is falsy is the one not given.
        sqrt_price = self.sqrt_price_x96 or maths.sqrt_price_of(self.price or 0)
        self._pool = maths.Pool(sqrt_price, maths.index_at(sqrt_price), self.fee_ppm, self.index_spacing)
        for lower, upper, liquidity in self.positions:
            if refusal := self._too_much(lower, upper, liquidity):
                raise ConfigError(f"ConcentratedPool.positions: {refusal[1]}")
            self._deposit(_HOUSE, (lower, upper), liquidity)

    def submit(self, message: Any, now: int, /) -> list[Report]:
        """Take an `Order`, a `Mint` or a `Burn`; the class says what comes back, and in which order."""
        if type(message) is Order:
            return self._swap(message, now)
        if type(message) is Mint or type(message) is Burn:
            return self._change_liquidity(message, now)
        return rejected(message, Reason.UNSUPPORTED, now=now, detail=f"message: got {type(message).__name__}")

    def cancel(self, order_id: int, owner: str, now: int, /) -> list[Report]:
        """`Rejected`: nothing ever rests in a pool."""
        return nothing_to_cancel(order_id, owner, now)

    def state(self, market: str, /) -> VenueState:
        """Marginal prices and the last trade price in ticks, and the impact; the same object until a change."""
        require_market(self, market)
        if self._public is None:
            self._public = _published(self._pool, self._last)
        return self._public

    def estimate_impact(self, market: str, side: Side, quantity: int, /) -> tuple[int, int]:
        """(lots available, money) of a market order for `quantity` lots, exactly as it would trade now."""
        require_market(self, market)
        return _Impact(self._pool)(side, quantity)

    def clock(self, now: int, /) -> list[Report]:  # noqa: ARG002 the seam has it
        """Nothing: a pool acts only when a message comes."""
        return []

    def next_clock(self, now: int, /) -> int | None:  # noqa: ARG002 the seam has it
        """None: a pool needs no clock."""
        return None

    def reserves(self, market: str, /) -> tuple[int, int]:
        """(base lots, tick-lots of money): the opening reserves plus what the account `pool:<venue>` has gained."""
        require_market(self, market)
        return self._base, self._money

    def snapshot(self, market: str, /) -> maths.Pool:
        """Price and liquidity as an immutable value, for the functions of `venues.concentrated_math`."""
        require_market(self, market)
        return self._pool

    def held(self, market: str, owner: str, lower: int, upper: int, /) -> int:
        """The liquidity that `owner` has over [lower, upper)."""
        require_market(self, market)
        position = self._held.get((owner, (lower, upper)))
        return position.liquidity if position else 0

    # Trading

    def _swap(self, order: Order, now: int) -> list[Report]:
        market, side, wanted = order.market, order.side, order.quantity
        if refusal := order_refusal(order, self.markets) or _house_refusal(order):
            return rejected(order, refusal[0], now=now, detail=refusal[1])
        found = _traded(self._pool, side, wanted)
        if found is None:
            came = f"{side.name} {wanted} lots against reserves of {self.reserves(market)}"
            return rejected(order, Reason.NO_LIQUIDITY, now=now, detail=f"got {came}")
        lots, money = abs(found.amount0), abs(found.amount1)
        if order.tif is TimeInForce.FOK and lots < wanted:
            return [Expired(order.order_id, order.owner, market, order.venue, now, wanted)]
        mid_before = self.state(market).mid
        for price_index, growth0, growth1 in found.crossings:
            edge = self._edges[price_index]
            edge.outside0, edge.outside1 = growth0 - edge.outside0, growth1 - edge.outside1
        self._pool, self._last = found.pool, nearest_tick(money, lots)
        self._move(found.amount0, found.amount1)
        self._matches += 1
        mids = (mid_before, self.state(market).mid)
        reports = swap_legs(order, quantity=lots, money=money, now=now, match_id=self._matches, mids=mids)
        if lots < wanted:
            reports.append(Expired(order.order_id, order.owner, market, order.venue, now, wanted - lots))
        return reports

    def _move(self, base: int, money: int) -> None:
        if self._base + base < 0 or self._money + money < 0:
            came = f"{-base} lots of {self._base}, {-money} tick-lots of {self._money}"
            raise ConservationError(f"the pool owes more than it has: {came}")
        self._base, self._money, self._public = self._base + base, self._money + money, None

    # Positions

    def _change_liquidity(self, message: Mint | Burn, now: int) -> list[Report]:
        furthest = maths.MAX_INDEX // self.index_spacing * self.index_spacing
        lower = -furthest if message.lower is None else message.lower
        upper = furthest if message.upper is None else message.upper
        if refusal := self._liquidity_refusal(message, lower, upper):
            return rejected(message, refusal[0], now=now, detail=refusal[1])
        market, owner, shares = message.market, message.owner, message.liquidity
        mid_before = self.state(market).mid
        minting = type(message) is Mint
        change = self._deposit if minting else self._withdraw
        base, money = change(owner, (lower, upper), shares)
        gives, gets = (Side.SELL, Side.BUY) if minting else (Side.BUY, Side.SELL)
        mids = (mid_before, self.state(market).mid)
        self._matches += 2
        return transfer_legs(
            message, market=market, side=gives, quantity=base, money=0, now=now, match_id=self._matches - 1, mids=mids
        ) + transfer_legs(
            message,
            market=range_share_market(market, lower, upper),
            side=gets,
            quantity=shares,
            money=money,
            now=now,
            match_id=self._matches,
            mids=mids,
        )

    def _liquidity_refusal(self, message: Mint | Burn, lower: Any, upper: Any) -> Refusal | None:
        refusal = (
            liquidity_refusal(message, self.markets)
            or _house_refusal(message)
            or _range_refusal(lower, upper, self.index_spacing)
        )
        if refusal is None and type(message) is Burn:
            return burn_refusal(message, self.held(message.market, message.owner, lower, upper))
        return refusal or self._too_much(lower, upper, message.liquidity)

    def _too_much(self, lower: int, upper: int, liquidity: int) -> Refusal | None:
        most = maths.max_liquidity(self.index_spacing)
        if any(index in self._edges and self._edges[index].gross + liquidity > most for index in (lower, upper)):
            return Reason.QUANTITY, f"liquidity: got {liquidity}, at most {most} may begin or end at one price"
        base, _ = maths.amounts_of(self._pool, lower, upper, liquidity, up=True)
        if liquidity <= QUANTITY_MAX < base:
            return Reason.QUANTITY, f"liquidity: got {liquidity}, for which the pool asks {base} lots, over 2**53"
        return None

    def _deposit(self, owner: str, range_: Range, liquidity: int) -> tuple[int, int]:
        amounts = maths.amounts_of(self._pool, *range_, liquidity, up=True)
        for index in range_:
            self._edges.setdefault(index, _Edge()).gross += liquidity
        position = self._held.setdefault((owner, range_), _Position())
        self._earn(position, range_)
        position.liquidity += liquidity
        self._pool = maths.with_liquidity(self._pool, *range_, liquidity)
        self._move(*amounts)
        return amounts

    def _withdraw(self, owner: str, range_: Range, liquidity: int) -> tuple[int, int]:
        position = self._held[owner, range_]
        self._earn(position, range_)
        base, money = maths.amounts_of(self._pool, *range_, liquidity, up=False)
        base, money = base + position.owed0, money + position.owed1
        position.liquidity -= liquidity
        position.owed0 = position.owed1 = 0
        if not position.liquidity:
            del self._held[owner, range_]
        self._pool = maths.with_liquidity(self._pool, *range_, -liquidity)
        for index in range_:
            self._edges[index].gross -= liquidity
            if not self._edges[index].gross:
                del self._edges[index]
                self._pool = maths.without(self._pool, index)
        self._move(-base, -money)
        return base, money

    def _earn(self, position: _Position, range_: Range) -> None:
        # Fee growth inside the range since the last look, times liquidity, rounded down (Uniswap v3 Core, 6.4.1).
        inside0, inside1 = self._growth_inside(*range_)
        position.owed0 += (inside0 - position.inside0) * position.liquidity >> 128
        position.owed1 += (inside1 - position.inside1) * position.liquidity >> 128
        position.inside0, position.inside1 = inside0, inside1

    def _growth_inside(self, lower: int, upper: int) -> tuple[int, int]:
        pool, low, high = self._pool, self._edges[lower], self._edges[upper]
        inside0, inside1 = pool.growth0, pool.growth1
        for edge, beyond in ((low, pool.price_index >= lower), (high, pool.price_index < upper)):
            inside0 -= edge.outside0 if beyond else pool.growth0 - edge.outside0
            inside1 -= edge.outside1 if beyond else pool.growth1 - edge.outside1
        return inside0, inside1
