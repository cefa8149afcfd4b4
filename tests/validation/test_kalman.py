"""The check `kalman`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import kalman as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation
from marketsim.kernel import DECISION


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red() -> list[str]:
    return [line.name for line in check.steady_lines(Scale(), 1.0, 1.0) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


@pytest.mark.parametrize(
    ("q", "r", "before", "after", "gain"),
    [
        (1.0, 1.0, 1.618034, 0.618034, 0.618034),
        (1.0, 4.0, 2.561553, 1.561553, 0.390388),
        (0.01, 1.0, 0.105125, 0.095125, 0.095125),
        (0.04, 1.0, 0.220998, 0.180998, 0.180998),
        (1.0, 0.25, 1.207107, 0.207107, 0.828427),
    ],
)
def test_the_formulas_give_the_published_steady_state(
    q: float, r: float, before: float, after: float, gain: float
) -> None:
    assert check.steady_state(q, r) == pytest.approx((before, after, gain), abs=1e-6)


def test_the_formulas_give_the_published_errors() -> None:
    found = [check.error_with_gain(gain, 1.0, 1.0) for gain in (0.1, 0.3, 0.618034, 0.9)]
    assert found == pytest.approx([4.315789, 1.137255, 0.618034, 0.828283], abs=1e-6)
    assert check.error_of_average(300, 0.01, 1.0) == pytest.approx(0.998, abs=5e-4)


def test_a_belief_that_does_not_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.belief.decay", lambda precision, *_: precision)
    assert {"P+ of the belief, q = 1, r = 1", "P- of the belief, q = 1, r = 1"} <= set(red())


def test_a_belief_that_trusts_signals_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def credulous(mean: float, precision: float, value: float, signal: float) -> tuple[float, float]:
        return value, precision + signal

    monkeypatch.setattr("agents.belief.update", credulous)
    assert "squared error, q = 1, r = 1" in red()


def test_signals_that_come_a_step_early(monkeypatch: pytest.MonkeyPatch) -> None:
    after = Simulation._after

    def early(self: Simulation, delay: int, rank: int, *arguments: object) -> None:
        after(self, delay - 1 if delay and rank == DECISION else delay, rank, *arguments)  # type: ignore[arg-type]

    # Reviews would come at once, for ever.
    monkeypatch.setattr("agents.gaussian.GaussianTrader.review", None)
    monkeypatch.setattr(Simulation, "_after", early)
    line = check.late_line(Scale(), 1)
    assert not line.holds
    assert line.measured < line.predicted
