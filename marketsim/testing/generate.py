"""Random programs, fast: good messages, bad messages, one batch, one trader."""

from __future__ import annotations

from math import inf, nan
from random import Random
from typing import Any

from marketsim.testing.profile import FORMS, Profile, order_of
from marketsim.testing.program import Cancel, Program, Step
from marketsim.types import (
    Burn,
    Feed,
    Mint,
    Order,
    OrderKind,
    Reduce,
    Replace,
    Settle,
    Side,
    TimeInForce,
)

OWNERS = ("ann", "bob", "cat", "dan")
_WEIGHTS = {
    "limit": 40, "limit-ioc": 6, "limit-fok": 5, "post-only": 6, "market": 12, "market-fok": 3, "market-to-limit": 3,
}  # fmt: skip


def draws(*name: object) -> Random:
    """A generator of its own for every name; the same in every process."""
    return Random("/".join(map(str, name)))  # noqa: S311 reproducible draws, not secrets


def random_program(profile: Profile, rng: Random, steps: int) -> Program:
    """A stream of well-formed messages of every kind that the venue declares, some of them too late."""
    made = _Made(profile, rng)
    time, program = 0, []
    for _ in range(steps):
        time += rng.choice((0, 0, 0, 1, 1, 2, 5)) * profile.stride
        program.append(Step(time, made.message()))
    program.append(Step(time + 20 * profile.stride, None))
    return tuple(program)


class _Made:
    def __init__(self, profile: Profile, rng: Random) -> None:
        self.profile, self.rng = profile, rng
        self.orders: list[Order] = []
        self.mints: list[Mint] = []
        weights = {form: _WEIGHTS[form] if form in profile.forms else 1 for form in FORMS}
        if not profile.rests:
            weights["market"] += 40
        declared = profile.messages
        more = {"cancel": 14, "reduce": 13 * (Reduce in declared), "replace": 13 * (Replace in declared)}
        more |= {"mint": 8 * (Mint in declared), "burn": 8 * (Burn in declared), "feed": 20 * (Feed in declared)}
        self.choices, self.weights = [*weights, *more], [*weights.values(), *more.values()]

    def message(self) -> Any:
        choice = self.rng.choices(self.choices, self.weights)[0]
        if choice in FORMS:
            return self.order(choice)
        if choice in {"mint", "burn"}:
            return self.liquidity(choice)
        if choice == "feed":
            order = self.order("limit")
            return Feed(order.market, order.price or 1, order.quantity)
        if not self.orders:
            return self.order(self.profile.forms[0] if self.profile.forms else "limit")
        # Mostly one that may be live.
        stays = [order for order in self.orders if self.stays(order)] if choice == "replace" else []
        aimed = stays and self.rng.random() < 0.8
        old = self.rng.choice(stays[-12:] if aimed else self.orders[-12:])
        if choice == "cancel":
            return Cancel(old.order_id, old.owner)
        if choice == "reduce":
            lots = self.quantity() if self.rng.random() < 0.4 else self.profile.quantity_step
            return Reduce(old.order_id, lots, old.owner)
        forms = [form for form in self.profile.forms if form != "post-only"]
        post_only = 5 * ("post-only" in self.profile.forms)
        drawn = ("limit", "post-only", self.rng.choice(forms or ["limit"]))
        new = self.order(self.rng.choices(drawn, (12, post_only, 3))[0])
        new = new._replace(side=old.side, market=old.market, owner=old.owner)
        if new.post_only and self.rng.random() < 0.5:
            # Likely to be refused, for it would trade.
            new = new._replace(price=self.profile.anchor[new.market] + 5 * new.side * self.profile.price_step)
        if self.rng.random() < 0.4 and None not in {old.price, new.price}:
            new = new._replace(price=old.price)
        self.orders[-1] = new
        return Replace(old.order_id, new, old.owner)

    def stays(self, order: Order) -> bool:
        # Whether it may be live for long.
        anchor = self.profile.anchor[order.market]
        return order.tif is TimeInForce.GTC and order.price is not None and order.side * (order.price - anchor) <= 0

    def order(self, form: str) -> Order:
        rng, profile = self.rng, self.profile
        market, side = rng.choice(profile.markets), rng.choice((Side.BUY, Side.SELL))
        away = rng.randint(-5, 3) if rng.random() < 0.8 else rng.randint(-2, 6)
        price = profile.anchor[market] + side * away * profile.price_step
        if self.orders and rng.random() < 0.3 and (joined := rng.choice(self.orders[-6:])).price is not None:
            # Prices with several orders are where time counts.
            market, side, price = joined.market, joined.side, joined.price
        order = order_of(form, market, side, self.quantity(), price, len(self.orders) + 1, rng.choice(OWNERS))
        self.orders.append(order)
        return order

    def quantity(self) -> int:
        rng, profile = self.rng, self.profile
        if profile.size_max <= 12 or profile.rests:
            return rng.randint(1, min(12, profile.size_max)) * profile.quantity_step
        steps: int = max(1, round(float(profile.size_max) ** rng.random()))
        return steps * profile.quantity_step

    def liquidity(self, choice: str) -> Any:
        rng, profile = self.rng, self.profile
        if choice == "burn" and self.mints:
            mint = rng.choice(self.mints)
            lots = rng.choice((mint.liquidity, max(1, mint.liquidity // 3)))
            return Burn(mint.market, lots, mint.lower, mint.upper, owner=mint.owner)
        low = rng.randint(-40, 39) * profile.spacing
        wide = profile.spacing == 1 or rng.random() < 0.5
        lower, upper = (None, None) if wide else (low, low + rng.randint(1, 40) * profile.spacing)
        lots = max(1, round(float(profile.size_max) ** rng.random()))
        mint = Mint(rng.choice(profile.markets), lots, lower, upper, owner=rng.choice(OWNERS))
        self.mints.append(mint)
        return mint


def one_batch(profile: Profile, rng: Random, orders: int, *, even: bool = False) -> Program:
    """Limit and market orders of one market, all at one instant, and time for every clear to come.

    Args:
        even: prices an even number of steps from the anchor, so that midpoints fall on the grid.
    """
    market = rng.choice(profile.markets)
    program = []
    for order_id in range(1, orders + 1):
        side = rng.choice((Side.BUY, Side.SELL))
        away = rng.randint(-4, 4) * (2 if even else 1) * profile.price_step
        form = "market" if "market" in profile.forms and rng.random() < 0.15 else "limit"
        lots = rng.randint(1, 12) * profile.quantity_step
        price = profile.anchor[market] + away
        # An account for each order: self-trade prevention would make the sequence matter.
        program.append(Step(0, order_of(form, market, side, lots, price, order_id, f"owner{order_id}")))
    return (*program, Step(40 * profile.stride, None))


def one_trader(profile: Profile, rng: Random, steps: int) -> Program:
    """Market orders, mints and burns of a single account, whose inventory the last steps bring back to nothing."""
    made = _Made(profile, rng)
    program: list[Step] = []
    for time in range(steps):
        form = "market" if "market" in profile.forms else "market-fok"
        message = (
            made.liquidity(rng.choice(("mint", "burn")))
            if Mint in profile.messages and rng.random() < 0.3
            else (made.order(form))
        )
        program.append(Step(time, message._replace(owner="ann")))
    return tuple(program)


def bad_values(good: int) -> dict[str, list[Any]]:
    """Values that no field of an order may have, by field."""
    return {
        "quantity": [
            0,
            -1,
            -good,
            float(good),
            1.5,
            nan,
            inf,
            -inf,
            True,
            False,
            "5",
            None,
            2**80,
            2**53 + 1,
            -(2**80),
        ],
        "price": [nan, inf, -inf, 1.5, 100.0, True, "100", None, 2**80, -(2**80), (1,)],
        "side": [1, -1, 0, 2, None, "buy", True],
        "owner": ["", None, 5, b"ann", True],
        "market": ["", "nowhere", None, 3],
        "kind": [None, "limit", 0],
        "tif": [None, "gtc", 1],
        "post_only": [None, 0, 1, "yes"],
        "order_id": [0, -1, nan, 1.0, True, "1", None, 2**63, 2**80],
    }


def bad_messages(profile: Profile, side: Side) -> list[Any]:
    """Messages that any venue must refuse, or, where they name an order, must refuse unless that order is live."""
    market = profile.markets[0]
    lots, price = 4 * profile.quantity_step, profile.anchor[market]
    good = Order(market, side, lots, price, order_id=10**6, owner="eve")
    values = bad_values(lots)
    messages: list[Any] = [good._replace(**{name: value}) for name, bad in values.items() for value in bad]
    market_kind, ioc = OrderKind.MARKET, TimeInForce.IOC
    messages += [
        good._replace(kind=market_kind, tif=ioc),
        good._replace(kind=market_kind, price=None),
        good._replace(kind=market_kind, price=None, tif=ioc, post_only=True),
        good._replace(kind=OrderKind.MARKET_TO_LIMIT),
        good._replace(tif=ioc, post_only=True),
        good._replace(tif=TimeInForce.FOK, post_only=True),
        *(good._replace(order_id=known, owner=owner) for known in (1, 2, 3, 5) for owner in ("eve", "ann")),
    ]
    if profile.price_step > 1:
        messages.append(good._replace(price=price + 1))
    if profile.quantity_step > 1:
        messages.append(good._replace(quantity=lots + 1))
    ids = [*values["order_id"], 10**9, 1, 2, 3, 4, 6, 8]
    owners = ["eve", "", None, 5]
    messages += [Cancel(order_id, "eve") for order_id in ids] + [Cancel(1, owner) for owner in owners]
    messages += [Cancel(True, owner) for owner in OWNERS] + [Cancel(1.0, owner) for owner in OWNERS]
    messages += [Reduce(order_id, lots, "eve") for order_id in ids] + [Reduce(True, lots, owner) for owner in OWNERS]
    messages += [Reduce(1, bad, owner) for owner in OWNERS for bad in values["quantity"][:7]]
    messages += [Replace(order_id, good, "eve") for order_id in ids]
    nobody: list[Any] = ["", None]
    messages += [Replace(1, good._replace(owner=owner), owner) for owner in nobody]
    broken: Any = nan
    messages += [Replace(1, good._replace(owner=owner, quantity=broken), owner) for owner in OWNERS]
    nothing: list[Any] = [None, 5, good.order_id]
    messages += [Replace(1, bad, "ann") for bad in nothing]
    return messages + _bad_others(profile, values["quantity"], lots)


def _bad_others(profile: Profile, quantities: list[Any], lots: int) -> list[Any]:
    market = profile.markets[0]
    messages: list[Any] = []
    markets: list[Any] = ["", "nowhere", None]
    owners: list[Any] = ["", None, 5]
    for kind in (Mint, Burn):
        messages += [kind(market, bad, owner="ann") for bad in quantities]
        messages += [kind(bad, lots, owner="ann") for bad in markets]
        messages += [kind(market, lots, owner=bad) for bad in owners]
    messages += [Burn(market, lots, owner="eve"), Burn(market, 2**53, owner="ann")]
    undeclared = (Feed(market, 100, 5), Settle(market, 100))
    messages += [message for message in undeclared if type(message) not in profile.messages]
    return [*messages, "order", None, 5, (market, 5), object()]


def with_bad_messages(profile: Profile, rng: Random, steps: int) -> Program:
    """A random program with every bad message put in somewhere."""
    program = list(random_program(profile, rng, steps))
    for message in [message for side in Side for message in bad_messages(profile, side)]:
        place = rng.randrange(1, len(program))
        program.insert(place, Step(program[place - 1].time, message))
    return tuple(program)
