"""The check `batched-diffusion`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.validation import batched_diffusion as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(check, "TAUS", (20,))
    return [line.name for line in check.run(Scale()) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


def test_loss_per_fill_is_half_the_published_one_of_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "DELAY", 50)
    monkeypatch.setattr(check, "HALF_SPREAD", 5.0)
    monkeypatch.setattr(check, "taken", lambda seed, clears, tau: (seed % 7 / 7, 1))
    (per_step, per_fill, *_) = check.run(Scale())
    assert per_fill.predicted == pytest.approx(4.163528 / 2, abs=1e-6)
    assert per_step.predicted == pytest.approx(1.996412 / 2, abs=1e-6)


def test_a_maker_whose_delay_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    after = Simulation._after

    def at_once(self: Simulation, delay: int, *arguments: Any) -> None:
        after(self, 0 if delay == check.PERIOD * check.DELAY else delay, *arguments)

    monkeypatch.setattr(Simulation, "_after", at_once)
    assert red(monkeypatch) == ["loss per step, tau = 20", "loss per fill, tau = 20"]
