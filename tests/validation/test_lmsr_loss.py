"""The check `lmsr-loss`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import lmsr_loss
from experiments.validation.check import Line, Scale
from marketsim import Side
from marketsim.resolution import Resolution
from tests.validation.few import Few


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(lmsr_loss.run(Scale()))


def red() -> list[str]:
    return [line.name for line in lmsr_loss.run(Few()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    predicted = [line.predicted for line in lines]
    assert predicted[0] == pytest.approx(69.314718, abs=1e-6)
    assert predicted[4] == pytest.approx(50.040242, abs=1e-6)


def test_news_of_no_value_reveals_nothing() -> None:
    assert lmsr_loss.expected_divergence(0.2, 0.5, 4.0) == pytest.approx(0.0, abs=1e-12)


def test_much_news_reveals_the_outcome() -> None:
    assert lmsr_loss.expected_divergence(0.2, 0.99, 15.0) * lmsr_loss.B == pytest.approx(50.040242, abs=0.01)


def test_a_market_maker_that_charges_the_price_before_the_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    from venues.lmsr import _Point

    after = _Point.after

    def at_the_margin(self: Any, outcome: int, side: Side, quantity: int) -> tuple[int, Any]:
        return round(float(self.price(outcome)) * quantity), after(self, outcome, side, quantity)[1]

    monkeypatch.setattr(_Point, "after", at_the_margin)
    failed = red()
    assert "most that a loss differs from its own b KL" in failed
    assert any(name.startswith("loss, two even outcomes") for name in failed)


def test_a_settlement_that_pays_the_other_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = Resolution.emit

    def swapped(self: Resolution, truth: Any) -> list[Any]:
        settled = emit(self, truth)
        prices = [settle.price for settle in reversed(settled)]
        return [settle._replace(price=price) for settle, price in zip(settled, prices, strict=True)]

    monkeypatch.setattr(Resolution, "emit", swapped)
    assert any(name.startswith("loss, two even outcomes") for name in red())
