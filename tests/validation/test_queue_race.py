"""The check `queue-race`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import queue_race
from experiments.validation.check import Line, Scale
from marketsim import OrderKind, Report, Side, Simulation
from venues.clob import ContinuousBook


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(queue_race.run(Scale()))


def red() -> list[str]:
    return [line.name for line in queue_race.run(Scale()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_formula_gives_the_published_numbers() -> None:
    published = {(1, 1): 0.5, (2, 1): 0.69765, (3, 1): 0.79061, (5, 1): 0.87287, (1, 3): 0.20939}
    assert {sizes: round(queue_race.p_up(*sizes), 5) for sizes in published} == published


def test_market_buys_that_get_lost_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Simulation.send

    def losing(self: Simulation, sender: str, venue: str, message: Any) -> None:
        if message.kind is not OrderKind.MARKET or message.side is not Side.BUY:
            send(self, sender, venue, message)

    monkeypatch.setattr(Simulation, "send", losing)
    assert {"p_up(1, 1)", "p_up(2, 1)", "p_up(1, 3)"} <= set(red())


def test_a_book_that_takes_two_lots_of_the_bid_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = ContinuousBook.submit

    def doubled(self: ContinuousBook, message: Any, now: int) -> list[Report]:
        reports = submit(self, message, now)
        bids = self.orders(queue_race.MARKET)
        if message.kind is OrderKind.MARKET and message.side is Side.SELL and bids[0].side is Side.BUY:
            reports += self.cancel(bids[0].order_id, bids[0].owner, now)
        return reports

    monkeypatch.setattr(ContinuousBook, "submit", doubled)
    assert {"p_up(1, 1)", "p_up(1, 3)"} & set(red())
