"""The check `kyle`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.validation import kyle as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red(auctions: int) -> list[str]:
    constants = check.sequence(auctions)
    return [line.name for line in check.lines_of(check.play(1, 30, constants), 1, constants) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_recursion_gives_the_published_constants() -> None:
    first, second = check.sequence(2)
    assert (first.impact, second.impact) == pytest.approx((0.652882, 0.588227), abs=1e-6)
    assert (first.intensity, second.intensity) == pytest.approx((0.471721, 0.850012), abs=1e-6)
    assert (first.variance, second.variance) == pytest.approx((0.692021, 0.346011), abs=1e-6)
    profits = [check.sequence(auctions)[0].profit for auctions in (1, 2, 4, 10, 50)]
    assert profits == pytest.approx([0.5, 0.620555, 0.730741, 0.843888, 0.950586], abs=1e-6)


def test_more_insiders_earn_less_in_all() -> None:
    profits = [check.one_auction(insiders).profit for insiders in (1, 2, 3, 5)]
    assert profits == pytest.approx([0.5, 0.471405, 0.433013, 0.372678], abs=1e-6)


@pytest.mark.parametrize(("auctions", "insiders"), [(1, 1), (1, 5), (2, 1), (10, 1)])
def test_trading_by_the_constants_gives_the_published_outcome(auctions: int, insiders: int) -> None:
    constants = check.sequence(auctions) if insiders == 1 else [check.one_auction(insiders)]
    outcome = check.expected(constants, insiders, 0.0)
    assert outcome.insiders == pytest.approx(constants[0].profit)
    assert outcome.makers == pytest.approx(0.0, abs=1e-12)
    assert outcome.variance == pytest.approx(constants[-1].variance)


def test_whole_lots_shift_one_auction_as_derived_by_hand() -> None:
    for insiders in (1, 2, 5):
        auction = check.one_auction(insiders)
        outcome = check.expected([auction], insiders, 1 / 384)
        assert outcome.insiders == pytest.approx(auction.profit * (1 - insiders / 384))
        assert outcome.makers == pytest.approx(insiders**0.5 / 384)
        assert outcome.variance == pytest.approx(auction.variance * (1 + insiders / 384))


def test_the_error_of_a_mean_cleared_of_luck_is_honest() -> None:
    # 15 controls for 40 games, as in a quick run of four auctions: squared z have mean 25/23.
    rng, squared = np.random.default_rng(5), []
    for _ in range(600):
        draws = rng.standard_normal((40, 5))
        games = check.Games(draws, np.zeros(40), np.zeros(40), np.zeros(40))
        cleared = games.without_luck(1 + draws[:, 0] * draws[:, 1] + rng.standard_normal(40))
        squared.append((cleared.mean() - 1) ** 2 / (cleared.var(ddof=1) / 40))
    assert np.mean(squared) == pytest.approx(25 / 23, abs=0.25)


def test_cancels_that_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Simulation, "send_cancel", lambda *_: None)
    assert "profit of the insiders, M = 1, N = 1" in red(1)


def test_reports_that_never_reach_the_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Simulation._call

    def deaf(self: Simulation, agent: Any, hook: str, *arguments: Any) -> None:
        if hook != "report":
            call(self, agent, hook, *arguments)

    monkeypatch.setattr(Simulation, "_call", deaf)
    assert "profit of the insiders, M = 1, N = 2" in red(2)
