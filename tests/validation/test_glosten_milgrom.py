"""The check `glosten-milgrom`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import glosten_milgrom as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation
from marketsim.information import SignalSource


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_formulas_give_the_published_numbers() -> None:
    assert [check.error_after(t, 0.3) for t in (1, 10, 30, 60)] == pytest.approx(
        [0.2275, 0.116088, 0.034187, 0.006556], abs=1e-6
    )
    assert check.quotes(0.5, 0.3) == pytest.approx((0.35, 0.65))
    assert pytest.approx(0.1857118, abs=1e-7) == check.MU * check.STEP


def test_reports_that_never_reach_the_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Simulation._call

    def deaf(self: Simulation, agent: Any, hook: str, *arguments: Any) -> None:
        if hook != "report":
            call(self, agent, hook, *arguments)

    monkeypatch.setattr(Simulation, "_call", deaf)
    red = [line.name for line in check.path_lines(Scale()) if not line.holds]
    assert "largest distance of a price from the theta of buys minus sells" in red


def test_insiders_that_hear_of_the_last_game(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = SignalSource.emit

    def late(self: SignalSource, truth: object) -> list[object]:
        return [
            signal._replace(value=truth.at(signal.market, signal.time - check.PERIOD))  # type: ignore[attr-defined]
            for signal in emit(self, truth)  # type: ignore[arg-type]
        ]

    monkeypatch.setattr(SignalSource, "emit", late)
    red = [line.name for line in check.first_trade_lines(Scale()) if not line.holds]
    assert red == [
        "price impact of the first trade",
        "realised half-spread of the first trade",
        "gain of the informed in the first trade",
    ]
