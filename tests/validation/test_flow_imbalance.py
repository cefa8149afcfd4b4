"""The check `flow-imbalance`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import flow_imbalance
from experiments.validation.check import Line, Scale
from marketsim import Simulation, VenueState
from venues.clob import ContinuousBook


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(flow_imbalance.run(Scale()))


def red() -> list[str]:
    return [line.name for line in flow_imbalance.run(Scale()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_noise_is_that_of_rounding(lines: list[Line]) -> None:
    # Each side is off by less than a tick, the mid by less than half of their sum.
    depth = flow_imbalance.DEPTH
    assert 0 < lines[1].measured <= (depth - 1) / depth


def test_messages_that_arrive_with_half_their_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Simulation.send

    def halving(self: Simulation, sender: str, venue: str, message: Any) -> None:
        lots = getattr(message, "quantity", 1)
        send(self, sender, venue, message._replace(quantity=lots // 2) if lots > 1 else message)

    monkeypatch.setattr(Simulation, "send", halving)
    assert "largest |eps| of a window" in red()


def test_a_book_that_publishes_the_lots_of_the_other_side(monkeypatch: pytest.MonkeyPatch) -> None:
    state = ContinuousBook.state

    def swapped(self: ContinuousBook, market: str) -> VenueState:
        true = state(self, market)
        if not (true.bids and true.asks):
            return true
        (bid, bid_lots), (ask, ask_lots) = true.bids[0], true.asks[0]
        return true._replace(bids=((bid, ask_lots),), asks=((ask, bid_lots),))

    monkeypatch.setattr(ContinuousBook, "state", swapped)
    assert len(red()) == 2
