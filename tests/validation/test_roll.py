"""The check `roll`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import roll
from experiments.validation.check import Line, Scale
from marketsim import Fill, Order, Report
from marketsim.context import AgentContext
from tests.validation.few import Few
from venues.clob import ContinuousBook

VARIANCE, LAG_1 = "Var of price changes", "Cov of price changes, lag 1"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(roll.run(Scale()))


def red() -> list[str]:
    return [line.name for line in roll.run(Few()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    predicted = {line.name: line.predicted for line in lines}
    assert predicted[LAG_1] == pytest.approx(-0.25)
    assert predicted[VARIANCE] == pytest.approx(0.59)


def test_a_book_that_charges_takers_a_fifth_more_than_the_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    submit, extra = ContinuousBook.submit, round(0.2 * roll.HALF_SPREAD * roll.UNIT)

    def dearer(self: ContinuousBook, message: Order, now: int) -> list[Report]:
        reports = submit(self, message, now)
        shift = message.side * extra
        return [
            report._replace(price=report.price + shift, money=report.money + shift) if type(report) is Fill else report
            for report in reports
        ]

    monkeypatch.setattr(ContinuousBook, "submit", dearer)
    assert {VARIANCE, LAG_1} <= set(red())


def test_a_random_stream_that_starts_anew_at_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AgentContext, "rng", property(lambda self: self._run.streams.stream(f"agent:{self._agent_id}")))
    assert {VARIANCE, LAG_1} <= set(red())
