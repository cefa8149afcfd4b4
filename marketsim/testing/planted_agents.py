"""Agents and fair values with one bug each."""

from __future__ import annotations

import random
from typing import Any, ClassVar

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from marketsim.types import Rejected, Side, limit_order, market_order


@define
class GlobalDice:
    agent_id: str = "dice"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        if random.random() < 0.5:  # noqa: S311 the bug
            ctx.submit(market_order(self.market, Side.BUY, quantity=1))


@define
class ReturnsOrders:
    agent_id: str = "returns"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> Any:  # noqa: ARG002
        return market_order(self.market, Side.BUY, quantity=1)


@define
class NeedsAMarket:
    agent_id: str = "needy"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        price = int(ctx.state(self.market).mid)
        ctx.submit(limit_order(self.market, Side.BUY, quantity=1, price=price))


@define
class CannotBeRefused:
    agent_id: str = "proud"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        ctx.submit(limit_order(self.market, Side.BUY, quantity=1, price=9000))

    def report(self, ctx: Any, report: Any) -> None:
        del ctx
        if type(report) is Rejected:
            raise KeyError(report.order_id)


@define
class ReachesInside:
    agent_id: str = "spy"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        ctx._open.clear()  # noqa: SLF001 the bug


@define
class FloatLots:
    agent_id: str = "fractions"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        ctx.submit(limit_order(self.market, Side.SELL, quantity=0.5, price=10_000))  # type: ignore[arg-type]


@define
class RemembersPastLives:
    agent_id: str = "reborn"
    market: str = "A"
    review_interval: int = 5
    seen: ClassVar[list[int]] = []

    def review(self, ctx: Any) -> None:
        self.seen.append(ctx.now)
        ctx.submit(limit_order(self.market, Side.BUY, quantity=1 + len(self.seen) % 97, price=9_990))


@define
class Misspelt:
    agent_id: str = "typo"
    market: str = "A"
    review_interval: int = 5

    def review(self, ctx: Any) -> None: ...

    def reprot(self, ctx: Any, report: Any) -> None: ...


@define
class Forgetful:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100
    asked: int = field(init=False, default=0)

    def at(self, market: str, time: int, /) -> float:
        self.asked += 1
        return 100.0 + (self.asked % 10 == 0) + _checked(self, market, time)


@define
class InSequence:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100
    price: float = field(init=False, default=100.0)

    def at(self, market: str, time: int, /) -> float:
        _checked(self, market, time)
        self.price *= 1.001
        return self.price


@define
class TakesFloats:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100

    def at(self, market: str, time: Any, /) -> float:
        if market not in self.markets:
            raise ValueError(market)
        return 100.0 + (1.0 if time == 7 else 0.0)


@define
class GoesNegative:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100

    def at(self, market: str, time: int, /) -> float:
        return 50.0 - _checked(self, market, time)


@define
class TwoTables:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100

    def at(self, market: str, time: int, /) -> float:
        return 100.0 + _checked(self, market, time) / 7

    def values(self, market: str, times: Any, /) -> NDArray[np.float64]:
        return np.array([round(self.at(market, int(time)), 2) for time in np.asarray(times).ravel()])


@define
class DifferentTwins:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100
    born: ClassVar[list[int]] = []
    level: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.born.append(1)
        self.level = 100 + len(self.born)

    def at(self, market: str, time: int, /) -> float:
        return float(self.level + _checked(self, market, time))


@define
class GlobalWalk:
    markets: tuple[str, ...] = ("A",)
    horizon: int = 100
    level: float = field(init=False, factory=lambda: 100 + random.random())  # noqa: S311 the bug

    def at(self, market: str, time: int, /) -> float:
        return self.level + _checked(self, market, time)


def _checked(fair: Any, market: str, time: int) -> int:
    if market not in fair.markets or type(time) is not int or not 0 <= time <= fair.horizon:
        raise ValueError(market, time)
    return time
