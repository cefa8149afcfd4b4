"""The record of public prices: what is asked after a call, and that asking less misses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field

from marketsim import Simulation
from marketsim.result import Result
from marketsim.types import Side, limit_order, market_order
from venues.clob import ContinuousBook
from venues.fba import BatchAuction
from venues.hybrid import Hybrid
from venues.lmsr import LMSR

MARKETS = ("A", "B", "C", "D", "E")
HORIZON = 400


class CoupledBook(ContinuousBook):
    separate_markets = False


class CoupledAuction(BatchAuction):
    separate_markets = False


class CoupledHybrid(Hybrid):
    separate_markets = False


def hybrid(kind: bool, layer: str) -> Hybrid:
    return (Hybrid if kind else CoupledHybrid)(MARKETS, base=500, quote=50_000, layer=layer, size=5)


@define(eq=False)
class Trader:
    """Random messages of all kinds in random markets; keeps the states it is shown, which are three steps old."""

    agent_id: str
    review_interval: int = 1
    market_data_delay: int = 3
    seen: list[Any] = field(factory=list)

    def review(self, ctx: Any) -> None:
        rng, own = ctx.rng, list(ctx.open_orders)
        self.seen += [ctx.state(market) for market in MARKETS]
        choice, lots = int(rng.integers(8)), int(rng.integers(1, 9))
        if own and choice < 3:
            order_id = own[int(rng.integers(len(own)))]
            if choice == 0:
                ctx.cancel(order_id)
            elif choice == 1:
                ctx.reduce(order_id, quantity=lots)
            else:
                ctx.replace(order_id, quantity=lots, price=int(rng.integers(95, 106)))
            return
        market, side = MARKETS[int(rng.integers(5))], Side.BUY if rng.integers(2) else Side.SELL
        if choice == 7:
            ctx.submit(market_order(market, side, quantity=lots))
        else:
            ctx.submit(limit_order(market, side, quantity=lots, price=int(rng.integers(95, 106))))


def run(venue: Any, seed: int) -> tuple[Result, list[Any]]:
    traders = [Trader(f"trader-{number}") for number in range(3)]
    result = Simulation(venues={"venue": venue}, agents=traders, seed=seed).run(HORIZON)
    return result, [state for trader in traders for state in trader.seen]


PAIRS: dict[str, Callable[[bool], Any]] = {
    "clob": lambda kind: (ContinuousBook if kind else CoupledBook)(MARKETS),
    "open fba": lambda kind: (BatchAuction if kind else CoupledAuction)(MARKETS, 7),
    "hybrid with a pool": lambda kind: hybrid(kind, "pool"),
    "hybrid with a ladder": lambda kind: hybrid(kind, "ladder"),
    "sealed fba": lambda kind: (BatchAuction if kind else CoupledAuction)(MARKETS, 7, published="sealed"),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_a_venue_with_separate_markets_is_recorded_as_if_all_were_asked(name: str, seed: int) -> None:
    (short, saw), (full, should_see) = run(PAIRS[name](True), seed), run(PAIRS[name](False), seed)
    assert len(full.quotes) > HORIZON / 4
    assert short.quotes.digest() == full.quotes.digest()
    assert short.fills.digest() == full.fills.digest()
    # An estimate of impact is equal where its answers are.
    assert saw == should_see


class CountingBook(ContinuousBook):
    asked = 0

    def state(self, market: str, /) -> Any:
        CountingBook.asked += 1
        return super().state(market)


@define(eq=False)
class Once:
    agent_id: str = "once"

    def start(self, ctx: Any) -> None:
        ctx.submit(limit_order("M7", Side.BUY, quantity=1, price=100))


def test_one_order_asks_one_market_of_many() -> None:
    markets = tuple(f"M{number}" for number in range(50))
    CountingBook.asked = 0
    Simulation(venues={"venue": CountingBook(markets)}, agents=[Once()]).run(10)
    assert CountingBook.asked == 50 + 1  # all at the start


@define(eq=False)
class Buyer:
    agent_id: str = "buyer"
    review_interval: int = 5

    def review(self, ctx: Any) -> None:
        ctx.submit(market_order("yes", Side.BUY, quantity=10))


def test_a_trade_in_one_outcome_moves_the_recorded_price_of_the_other() -> None:
    venue = LMSR(("yes", "no"), b=200, unit=1000)
    quotes = Simulation(venues={"venue": venue}, agents=[Buyer()]).run(20).quotes.frame()
    asks = quotes[quotes["market"] == "no"]["best_ask"].tolist()
    assert len(asks) > 2
    assert asks == sorted(asks, reverse=True)
    assert asks[0] > asks[-1]
