"""What comes after time t changes nothing up to t: with the input cut off there, and with it spoilt from there on."""

from __future__ import annotations

from functools import cache
from math import log
from typing import Any

import pytest
from attrs import define

from agents.belief import ScalarBelief
from agents.capital import Capital
from agents.edge import EdgeTrading
from agents.gaussian import GaussianTrader
from agents.market_maker import MarketMaker
from marketsim.fairvalue import HistoricalPath
from marketsim.information import PoissonSignals
from marketsim.result import Result
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.testing.profile import NAME
from marketsim.types import Feed, Side, market_order
from tests.trust.registered import VENUES, fresh, profile_of
from tests.trust.worlds import HORIZON, Tape, Trader

SEED = 3
WORSE = 5
"""By how much recorded prices and quantities are multiplied after the time to be kept from everybody."""


def truth(name: str, end: int, spoilt_after: int) -> HistoricalPath:
    """Recorded prices of every market of the venue up to `end`."""
    profile, times = profile_of(name), list(range(end + 1))
    trades = {}
    for market in profile.markets:
        steps = Streams(SEED).stream(f"truth {market}").integers(-1, 2, HORIZON + 1).cumsum().tolist()
        prices = [float(profile.anchor[market] + step) for step in steps[: end + 1]]
        trades[market] = (times, [price * (WORSE if time > spoilt_after else 1) for time, price in enumerate(prices)])
    return HistoricalPath.from_arrays(trades, step=1, tick_size=1.0, horizon=end)


@define(eq=False)
class Peeker:
    """Has the truth itself and trades on the price of five steps later."""

    market: str
    truth: HistoricalPath
    agent_id: str = "peeker"
    review_interval: int = 4

    def review(self, ctx: Any) -> None:
        later = self.truth.at(self.market, min(ctx.now + 5, self.truth.horizon))
        ctx.submit(market_order(self.market, Side.BUY, quantity=1 + round(later) % 7))


def play(name: str, end: int, spoilt_after: int, *, peeks: bool = False) -> Result:
    """Belief traders who get signals of recorded prices, beside others, at a venue that may replay a tape."""
    profile = profile_of(name)
    tape = Tape.draw(SEED, profile)
    tape.trades = [
        (time, price * WORSE, lots * WORSE) if time > spoilt_after else (time, price, lots)
        for time, price, lots in tape.trades
        if time <= end
    ]

    def beliefs() -> dict[str, ScalarBelief]:
        return {market: ScalarBelief(log(profile.anchor[market]), 3.0) for market in profile.markets}

    agents: list[Any] = [
        Trader("one", profile, 2, order_latency=1),
        Trader("two", profile, 3, report_latency=2),
        GaussianTrader("believer", beliefs(), EdgeTrading(Capital(10_000_000), 10), review_interval=5),
        MarketMaker("maker", beliefs(), 0.7, 10, 1_000_000, review_interval=5),
    ]
    fair = truth(name, end, spoilt_after)
    if peeks:
        agents.append(Peeker(profile.markets[0], fair))
    return Simulation(
        venues={NAME: fresh(name)},
        agents=agents,
        fair_value=fair,
        information=PoissonSignals(routine_rate=150.0),
        sources=[tape] if Feed in profile.messages else [],
        seed=SEED,
    ).run(end)


def until(result: Result, time: int) -> dict[str, list[str]]:
    """What had been sent, traded and shown by `time`; written out, since nan is not equal to itself."""
    fills, quotes, orders = result.fills.columns(), result.quotes.columns(), result.orders.columns()
    sent = ("submitted", "order_id", "owner", "market", "kind", "tif", "side", "quantity")
    return {
        "fills": [repr(leg) for leg in zip(*fills.values(), strict=True) if leg[list(fills).index("time")] <= time],
        "quotes": [repr(row) for row in zip(*quotes.values(), strict=True) if row[0] <= time],
        "orders": sorted(
            map(repr, (row for row in zip(*(orders[name] for name in sent), strict=True) if row[0] <= time))
        ),
    }


@cache
def whole(name: str) -> Result:
    return play(name, HORIZON, HORIZON)


def check(name: str, count: int) -> None:
    for time in Streams(SEED).stream(f"times {name} {count}").integers(5, HORIZON - 5, count).tolist():
        kept = until(whole(name), time)
        cut, spoilt = play(name, time, time), play(name, HORIZON, time)
        assert kept == until(cut, time), f"{name}: the input after time {time} matters before it"
        assert kept == until(spoilt, time), f"{name}: the input after time {time} matters before it"


@pytest.mark.parametrize("name", VENUES)
def test_nothing_knows_the_future_at_three_times(name: str):
    check(name, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", VENUES)
def test_nothing_knows_the_future_at_a_hundred_times(name: str):
    check(name, 100)


@pytest.mark.parametrize("name", VENUES)
def test_who_looks_ahead_is_found_out(name: str):
    full, time = play(name, HORIZON, HORIZON, peeks=True), 80
    assert until(full, time) != until(play(name, HORIZON, time, peeks=True), time)
