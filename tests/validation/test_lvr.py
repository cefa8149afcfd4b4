"""The check `lvr`: it holds on the engine as it is, and not on a broken one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import venues.constant_product as pool
from experiments.validation import lvr
from experiments.validation.check import Line, Scale
from marketsim.fairvalue import PoissonJumps
from tests.validation.few import Few


@pytest.fixture(scope="module")
def lines() -> Sequence[Line]:
    return lvr.run(Scale())


def red() -> list[str]:
    return [line.name for line in lvr.run(Few()) if not line.holds]


def test_every_line_holds(lines: Sequence[Line]) -> None:
    assert all(line.holds for line in lines)


@pytest.mark.parametrize(
    ("ppm", "poisson", "probability", "loss"),
    [
        (2_996, True, 0.2715, 8.484e-8),
        (2_996, False, 0.2851, 7.341e-8),
        (1_000, True, 0.5279, 1.6496e-7),
        (1_000, False, 0.5820, 1.4984e-7),
    ],
)
def test_the_formulas_give_the_published_table(ppm: int, poisson: bool, probability: float, loss: float) -> None:
    # The table is for gamma = 0.003 and 0.001, the pool's fee is that to the millionth.
    band = lvr.Band(ppm, poisson=poisson)
    assert band.trade_probability == pytest.approx(probability, rel=5e-4)
    assert band.loss == pytest.approx(loss, rel=5e-4)


def test_a_pool_that_forgets_its_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    out, into = pool.swap_exact_out, pool.swap_exact_in
    monkeypatch.setattr(pool, "swap_exact_out", lambda x, y, lots, fee_ppm: out(x, y, lots))
    monkeypatch.setattr(pool, "swap_exact_in", lambda x, y, lots, fee_ppm: into(x, y, lots))
    assert "P_trade, fixed blocks, gamma = 0.0010" in red()


def test_news_of_the_block_after(monkeypatch: pytest.MonkeyPatch) -> None:
    at = PoissonJumps.at

    def ahead(self: PoissonJumps, market: str, time: int) -> float:
        return at(self, market, min(time + lvr.BLOCK, self._table.horizon))

    monkeypatch.setattr(PoissonJumps, "at", ahead)
    assert any(name.startswith("loss without a fee") for name in red())
