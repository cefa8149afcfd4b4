"""The check `stale-diffusion`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

import pytest

from experiments.validation import stale_diffusion as check
from experiments.validation.check import Line, Scale
from marketsim import Fill, Order, Report, Simulation
from venues.clob import ContinuousBook

ROW = "d = 1, h = 1"


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(check.run(Scale()))


def red(delay: int = 1, half_spread: float = 1.0) -> list[str]:
    return [line.name for line in check.table_lines(1, 400, delay, half_spread) if not line.holds]


def test_every_line_holds(lines: list[Line]) -> None:
    assert all(line.holds for line in lines)


@pytest.mark.parametrize(
    ("delay", "half_spread", "lost", "hit", "per_fill"),
    [
        (50, 0.0, 5.641896, 1.0, 5.641896),
        (50, 5.0, 1.996412, 0.479500, 4.163528),
        (50, 10.0, 0.502545, 0.157299, 3.194838),
        (10, 5.0, 0.153658, 0.113846, 1.349698),
        (1, 1.0, 0.166631, 0.317311, 0.525135),
        (1, 0.5, 0.395593, 0.617075, 0.641078),
    ],
)
def test_the_formulas_give_the_published_table(
    delay: int, half_spread: float, lost: float, hit: float, per_fill: float
) -> None:
    s = delay**0.5
    assert check.bleed(half_spread, s) == pytest.approx(lost, abs=1e-6)
    assert check.hit_rate(half_spread, s) == pytest.approx(hit, abs=1e-6)
    assert check.bleed(half_spread, s) / check.hit_rate(half_spread, s) == pytest.approx(per_fill, abs=2e-6)


def test_the_formulas_give_the_published_break_even() -> None:
    assert check.kappa(1.0) == pytest.approx(0.436327, abs=1e-6)
    assert check.kappa(0.2) == pytest.approx(0.937368, abs=1e-6)


def test_a_maker_that_hears_a_step_early(monkeypatch: pytest.MonkeyPatch) -> None:
    after = Simulation._after

    def early(self: Simulation, delay: int, *arguments: object) -> None:
        after(self, delay - check.PERIOD if delay >= check.PERIOD else delay, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Simulation, "_after", early)
    assert red() == [f"bleed per look, {ROW}", f"hit rate, {ROW}"]


def test_a_book_that_trades_at_its_mid(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = ContinuousBook.submit

    def at_mid(self: ContinuousBook, message: Order, now: int) -> list[Report]:
        return [
            report._replace(price=int(report.mid_before), money=int(report.mid_before))
            if type(report) is Fill
            else report
            for report in submit(self, message, now)
        ]

    monkeypatch.setattr(ContinuousBook, "submit", at_mid)
    monkeypatch.setattr("marketsim.orders.OrderBookkeeping.check", lambda *_: None)
    assert red() == [f"bleed per look, {ROW}", f"loss per fill, {ROW}"]
