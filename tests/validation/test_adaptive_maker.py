"""The check `adaptive-maker`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import adaptive_maker as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation
from marketsim.fairvalue import PoissonJumps

B2 = {f"s* found, B2, J = 1, N = {firms}" for firms in (2, 4, 10)}


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


@pytest.fixture
def one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SEARCHED", check.SEARCHED[:1])


def red() -> set[str]:
    return {line.name for line in check.run(Scale()) if not line.holds}


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


def test_the_predictions_are_the_published_ones_whatever_the_number_of_firms(lines: list[Line]) -> None:
    spreads = [line.predicted for line in lines]
    assert spreads == pytest.approx([1.0] * 3 + [0.703467] * 3 + [0.872653] * 3, abs=5e-7)


def test_ties_by_place_in_the_list(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    # The maker stands first, is never sniped, and need ask for nothing.
    monkeypatch.setattr(Simulation, "_tie", lambda self, agent, time: agent.place)
    assert red() == B2


def test_news_that_reaches_snipers_late(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    # Snipers hear of jumps a step after the maker.
    schedule = Simulation._after

    def late(self, delay, rank, agent, handler, argument):
        schedule(self, delay + (handler == self._on_signal and agent.role == "sniper"), rank, agent, handler, argument)

    monkeypatch.setattr(Simulation, "_after", late)
    assert red() == B2


def test_jumps_that_come_half_as_often(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    # `budish-cramton-shim` puts the expected number of jumps in place of theirs, and so does not see this.
    draw = PoissonJumps.draw

    def rarer(*arguments, jumps_per_step, **others):
        return draw(*arguments, jumps_per_step=jumps_per_step / 2, **others)

    monkeypatch.setattr(PoissonJumps, "draw", rarer)
    assert red() == B2
