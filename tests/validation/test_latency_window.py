"""The check `latency-window`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.validation import latency_window as check
from experiments.validation.check import Line, Scale
from marketsim import Simulation
from venues.fba import BatchAuction

SHARE = "share sniped, pi = {}, delta = {}"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red() -> set[str]:
    return {line.name for line in check.run(Scale()) if not line.holds}


def test_every_line_holds(lines: list[Line]) -> None:
    assert [line.name for line in lines if not line.holds] == []


def test_the_predictions_are_the_published_ones(lines: list[Line]) -> None:
    shares = {line.name: line.predicted for line in lines}
    published = {1: 1.0, 2: 1.0, 5: 1.0, 10: 0.5, 20: 0.25, 50: 0.1, 100: 0.05}
    assert {pi: shares[SHARE.format(pi, 5)] for pi in published} == published


def test_news_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    # Maker and taker then act in one batch, and nobody is sniped.
    schedule = Simulation._after

    def at_once(self, delay, rank, agent, handler, argument):
        schedule(self, 0 if handler == self._on_signal else delay, rank, agent, handler, argument)

    monkeypatch.setattr(Simulation, "_after", at_once)
    assert {SHARE.format(pi, 5) for pi in check.INTERVALS} <= red()


def test_a_maker_one_step_late(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Simulation._after

    def late(self, delay, rank, agent, handler, argument):
        schedule(self, delay + (handler == self._on_cancel), rank, agent, handler, argument)

    monkeypatch.setattr(Simulation, "_after", late)
    # One step more of exposure: 6/100 in place of 5/100.
    assert SHARE.format(100, 5) in red()


def test_a_batch_that_clears_twice_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = BatchAuction._plan

    def early(self, book, *, due, now):
        plan(self, book, due=due, now=now)
        half = max(1, self.pi // 2)
        if self._due is not None:
            self._due = (now // half + 1) * half

    monkeypatch.setattr(BatchAuction, "_plan", early)
    assert {SHARE.format(pi, 5) for pi in (10, 20, 50, 100)} <= red()


def test_the_picture_is_written(lines: list[Line], tmp_path: Path) -> None:
    check.draw(lines, str(tmp_path / "window.png"))
    assert (tmp_path / "window.png").stat().st_size > 5000
