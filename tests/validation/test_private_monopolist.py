"""The check `private-monopolist`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import private_monopolist as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation
from tests.validation.few import Few
from venues import fba


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red() -> set[str]:
    return {line.name for line in check.run(Few()) if not line.holds}


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    predicted = {line.name: line.predicted for line in lines}
    for mix, batch in (("(0.1, 0)", 0.0), ("(0.08, 0.02)", 0.039216), ("(0, 0.1)", 0.181818)):
        assert predicted[f"s*, {mix}, book"] == pytest.approx(0.181818, abs=5e-7)
        assert predicted[f"s*, {mix}, batch, pi = 10"] == pytest.approx(batch, abs=5e-7)


def test_private_news_that_leaks_to_the_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    observes = Simulation._observes
    monkeypatch.setattr(
        Simulation, "_observes", lambda self, agent, key: agent.role == "lp" or observes(self, agent, key)
    )
    assert {f"s*, {mix}, batch, pi = 10" for mix in ("(0.08, 0.02)", "(0, 0.1)")} <= red()


def test_ties_by_place_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    # The maker stands first and wins every race, but has no race with the informed trader.
    monkeypatch.setattr(Simulation, "_tie", lambda self, agent, time: agent.place)
    assert red() == {"s*, (0.1, 0), book", "s*, (0.08, 0.02), book"}


def test_a_batch_that_takes_a_hidden_fee_breaks_the_control(monkeypatch: pytest.MonkeyPatch) -> None:
    legs_of = fba.legs_of

    def dearer(*arguments):
        return [fill._replace(money=fill.money + fill.side, fee=1) for fill in legs_of(*arguments)]

    monkeypatch.setattr(fba, "legs_of", dearer)
    found = red()
    assert "s*, (0, 0.1), batch, pi = 10" in found
    assert "s*, (0, 0.1), book" not in found
