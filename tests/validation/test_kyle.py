"""The check `kyle`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

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
