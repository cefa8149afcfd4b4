"""The check `budish-cramton-shim`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import budish_cramton_shim as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation, simulation

# Row, s*, total rent per unit of time: Budish, Cramton and Shim (2015), by the formulas of the module.
PUBLISHED = [("B1", 0.181818, 0.090909), ("B2", 1.0, 0.5), ("B4", 0.703467, 0.351734), ("B6", 0.872653, 0.436327)]
B2 = "B2, J = 1, N = 4"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


@pytest.fixture
def one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "ROWS", check.ROWS[1:2])
    monkeypatch.setattr(check, "FIRMS", (4,))


def red() -> set[str]:
    return {line.name for line in check.run(Scale()) if not line.holds}


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


@pytest.mark.parametrize(("name", "spread", "rent"), PUBLISHED)
def test_the_predictions_are_the_published_ones(lines: list[Line], name: str, spread: float, rent: float) -> None:
    row = next(row for row in check.ROWS if row.name.startswith(name))
    assert 2 * row.break_even() == pytest.approx(spread, abs=5e-7)
    for firms in (2, 4, 10):
        shares = [
            line.predicted
            for line in lines
            if line.name.startswith(f"{row.name}, N = {firms}: ") and "at s*" in line.name
        ]
        assert shares == pytest.approx([rent / firms] * 2, abs=5e-7)


def test_maker_earns_less_than_a_sniper_below_the_break_even_spread_and_more_above(lines: list[Line]) -> None:
    assert all(line.measured < 0 for line in lines if line.name.endswith(" 0.5 s*"))
    assert all(line.measured > 0 for line in lines if line.name.endswith(" 1.5 s*"))


def test_ties_by_place_in_the_list(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    # The maker stands first, so its cancel would win every race.
    monkeypatch.setattr(Simulation, "_tie", lambda self, agent, time: agent.place)
    assert {f"{B2}: maker at s*", f"{B2}: each sniper at s*", "races won by the cancel, N = 4"} <= red()


def test_ties_that_one_agent_always_wins(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    monkeypatch.setattr(simulation, "mix", lambda key, time: key)
    assert red() == {"races won by the cancel, N = 4"}


def test_news_that_reaches_the_maker_a_step_late(monkeypatch: pytest.MonkeyPatch, one_row: None) -> None:
    schedule = Simulation._after

    def late(self, delay, rank, agent, handler, argument):
        late_news = handler == self._on_signal and agent.role == "lp"
        schedule(self, delay + late_news, rank, agent, handler, argument)

    monkeypatch.setattr(Simulation, "_after", late)
    assert {f"{B2}: maker at s*", f"{B2}: maker minus sniper at 1.5 s*", "races won by the cancel, N = 4"} <= red()
