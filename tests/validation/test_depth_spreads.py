"""The check `depth-spreads`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from agents.flow import Investor
from agents.sniper import Sniper
from experiments.validation import depth_spreads as check
from experiments.validation.check import Line, Scale
from marketsim import Side, market_order


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red() -> list[str]:
    return [line.name[:3] for line in check.run(Scale()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    assert [line.predicted for line in lines] == pytest.approx([0.181818, 0.333333, 0.571429], abs=5e-7)


def test_the_book_found_thins_with_depth(lines: list[Line]) -> None:
    first, second, third = (line.measured for line in lines)
    assert first < second < third


def test_investors_who_lose_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_lot(self, ctx):
        side = Side.BUY if ctx.rng.random() < 0.5 else Side.SELL
        ctx.submit(market_order(self.market, side, quantity=1))

    monkeypatch.setattr(Investor, "arrive", one_lot)
    assert {"s_2", "s_3"} <= set(red())


def test_snipers_who_see_only_the_best_level(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Sniper._take
    monkeypatch.setattr(Sniper, "_take", lambda self, ctx, side, value, stale: take(self, ctx, side, value, stale[:1]))
    assert {"s_2", "s_3"} <= set(red())
