"""The check `first-batch`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import first_batch as check
from experiments.validation.check import Line, Scale
from marketsim.fairvalue import GuardedFairValue
from venues import fba

SUBMITTED = "ratio at fair(t_submit)"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red(monkeypatch: pytest.MonkeyPatch, *cases: int) -> set[str]:
    monkeypatch.setattr(check, "CASES", [check.CASES[place] for place in cases])
    return {line.name for line in check.run(Scale()) if not line.holds}


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    predicted = {line.name: line.predicted for line in lines}
    cases = ("D < S", "D = S", "D > S", "market orders")
    for rule, ratios in (("market-clearing", (1, 0.5, 0, 1)), ("volume_midpoint", (0.5, 0.5, 0.5, 1))):
        assert tuple(predicted[f"{case}, {rule}: {SUBMITTED}"] for case in cases) == ratios


def test_a_price_that_does_not_clear_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    clear = fba.clear
    monkeypatch.setattr(fba, "clear", lambda *book, rule, **others: clear(*book, rule="volume_midpoint", **others))
    found = red(monkeypatch, 0, 1, 2)
    assert {f"{case}, market-clearing: {SUBMITTED}" for case in ("D < S", "D > S")} <= found
    assert f"D = S, market-clearing: {SUBMITTED}" not in found  # the rules differ where sides are unequal


def test_everybody_sees_the_next_move(monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(self: GuardedFairValue, market: str, time: int, /) -> float:
        return self._truth.at(market, time + check.PERIOD)

    monkeypatch.setattr(GuardedFairValue, "at", ahead)
    assert f"D = S, market-clearing: {SUBMITTED}" in red(monkeypatch, 1)
