"""The check `batch-waiting`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import batch_waiting as check
from experiments.validation.check import Line, Scale
from marketsim.information import SignalSource
from venues.fba import BatchAuction


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(check, "PIS", (1, 2))
    return [line.name for line in check.run(Scale()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_predictions_at_ten_and_fifty(lines: list[Line]) -> None:
    predicted = {line.name: line.predicted for line in lines}
    for what in ("mean wait, an order in every step", "mean squared gap to the last price"):
        assert [predicted[f"{what}, pi = {pi}"] for pi in (10, 50)] == [5.5, 25.5]


def test_news_that_is_a_step_old(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = SignalSource.emit

    def old(self: SignalSource, truth: object) -> list[object]:
        return [
            signal._replace(value=truth.at(signal.market, signal.time - 1))  # type: ignore[attr-defined]
            for signal in emit(self, truth)  # type: ignore[arg-type]
        ]

    monkeypatch.setattr(SignalSource, "emit", old)
    assert red(monkeypatch) == [f"mean squared gap to the last price, pi = {pi}" for pi in (1, 2)]


def test_an_auction_that_clears_after_every_other_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = BatchAuction._plan

    def late(self: BatchAuction, *arguments: Any, **options: Any) -> None:
        plan(self, *arguments, **options)
        if self._due is not None and self._due % (2 * self.pi):
            self._due += self.pi

    monkeypatch.setattr(BatchAuction, "_plan", late)
    assert "mean wait, an order in every step, pi = 2" in red(monkeypatch)
