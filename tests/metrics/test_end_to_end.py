"""The metrics of whole runs: a stale market maker, a sniper and investors, in a book and in an auction."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import define, field

from marketsim.fairvalue import PoissonJumps
from marketsim.metrics import (
    activity_table,
    convergence_time,
    exact_wealth,
    fair_paths,
    half_gaps,
    immediacy_table,
    markout_table,
    markouts,
    pnl_by_role,
    pnl_decomposition,
    price_discovery,
    public_prices,
    quoting_table,
    role_transfers,
    spread_legs,
    spread_table,
    volume,
    wealth_table,
)
from marketsim.simulation import Simulation
from marketsim.types import Side, limit_order, market_order
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

END, PI, HALF_SPREAD = 20_000, 10, 5
MARKETS = ("A", "B")


@define
class Maker:
    """Knows fair value, forty steps late."""

    agent_id: str
    truth: PoissonJumps
    role: str = "lp"
    review_interval: int = 20
    orders: list[int] = field(factory=list)

    def review(self, ctx):
        for order_id in self.orders:
            if order_id in ctx.open_orders:
                ctx.cancel(order_id)
        known = {market: round(self.truth.at(market, max(0, ctx.now - 40))) for market in MARKETS}
        self.orders = [
            ctx.submit(limit_order(market, side, quantity=50, price=known[market] - side * HALF_SPREAD))
            for market in MARKETS
            for side in (Side.BUY, Side.SELL)
        ]


@define
class Sniper:
    agent_id: str
    truth: PoissonJumps
    role: str = "sniper"
    review_interval: int = 7

    def review(self, ctx):
        for market in MARKETS:
            value, state = self.truth.at(market, ctx.now), ctx.state(market)
            if state.best_ask is not None and state.best_ask < value - 20:
                ctx.submit(market_order(market, Side.BUY, quantity=60))


@define
class Investor:
    agent_id: str
    role: str = "investor"
    arrival_rate: float = 100.0

    def arrive(self, ctx):
        market = MARKETS[int(ctx.rng.integers(2))]
        ctx.submit(market_order(market, Side.BUY if ctx.rng.random() < 0.5 else Side.SELL, quantity=2))


def _run(venue):
    opening = {"A": 10_000.0, "B": 20_000.0}
    truth = PoissonJumps.draw(np.random.default_rng(3), END, opening, jumps_per_step=0.001, size=60.0)
    agents = [Maker("lp", truth), Sniper("sniper", truth), Investor("investor")]
    return Simulation(venues={"v": venue}, agents=agents, fair_value=truth, seed=5).run(END)


@pytest.fixture(scope="module")
def book():
    return _run(ContinuousBook(MARKETS, taker_fee_ppm=100))


@pytest.fixture(scope="module")
def auction():
    return _run(BatchAuction(MARKETS, PI, reference={"A": 10_000, "B": 20_000}))


@pytest.fixture(scope="module", params=["book", "auction"])
def run(request):
    return request.getfixturevalue(request.param)


def test_something_happened(run):
    activity = activity_table(run.fills, run.roles, end=END)
    assert activity.index.tolist() == ["investor", "lp", "sniper"]
    assert (activity["fills"] > 50).all()
    assert activity["bought"].sum() == activity["sold"].sum() == volume(run.fills)


def test_wealth_sums_to_nothing_exactly(run):
    marks = {market: run.fair_value.at(market, END) for market in MARKETS}
    assert sum(exact_wealth(run.ledger, marks).values()) == 0
    wealth = wealth_table(run.ledger, marks, run.roles)
    assert sum(wealth["cash"].tolist()) == 0
    gains = pnl_by_role(run.fills, run.fair_value, run.roles, end=END)
    parts = pnl_decomposition(run.fills, run.fair_value, run.roles, end=END)
    scale = np.abs(wealth["wealth"]).max()
    assert parts["at_fill"].to_numpy() == pytest.approx(gains["pnl"].to_numpy(), abs=1e-9 * scale)
    assert (parts["at_fill"] + parts["carry"]).to_numpy() == pytest.approx(parts["total"].to_numpy(), abs=1e-9 * scale)
    worth = wealth.set_index("role")["wealth"]
    for role in parts.index:
        assert worth[role] == pytest.approx(parts.loc[role, "total"] - gains.loc[role, "fees"], abs=1e-9 * scale)


def test_fees_stand_in_the_book_s_wealth(book):
    table = wealth_table(book.ledger, dict.fromkeys(MARKETS, 1.0), book.roles).set_index("account")
    assert (
        table.loc["fees:v", "cash"] == pnl_by_role(book.fills, book.fair_value, book.roles, end=END)["fees"].sum() > 0
    )


def test_the_sniper_is_paid_by_the_maker(run):
    transfers = role_transfers(run.fills, run.fair_value, run.roles, end=END)
    gains = pnl_by_role(run.fills, run.fair_value, run.roles, end=END)
    assert transfers.loc["sniper", "lp"] > 0
    for role in gains.index:
        assert transfers.loc[role].sum() == pytest.approx(gains.loc[role, "pnl_net"], rel=1e-9)
    assert transfers.loc["fees"].sum() == sum(run.ledger.fees.values())


def test_markouts_of_both_sides_cancel(run):
    horizons = [0, 1, 100]
    found = markouts(run.fills, run.fair_value, horizons, end=END)
    table = markout_table(run.fills, found, horizons, run.roles)
    known = table[table["missing"] == 0]
    assert known.groupby("horizon")["total"].sum().abs().max() == pytest.approx(0.0, abs=1e-6)
    gains = pnl_by_role(run.fills, run.fair_value, run.roles, end=END)["pnl"]
    now = table[table["horizon"] == 0].groupby("role")["total"].sum()
    assert now.to_numpy() == pytest.approx(gains.to_numpy(), rel=1e-9)


def test_an_investor_in_the_book_trades_at_once_at_the_half_spread(book):
    table = immediacy_table(book.orders, book.fills, book.quotes, book.fair_value, book.roles, end=END)
    row = table.loc["investor"]
    assert row["wait_mean"] == row["delay"] == row["delay_sd"] == 0.0
    assert row["cost"] == row["execution"] > 0
    assert row["submitted"] == row["filled"] + row["expired"]
    legs = spread_legs(book.fills, reference="fair", horizon=0, end=END, fair=book.fair_value)
    spread = spread_table(legs, book.roles).set_index("role").loc["investor"]
    assert spread["effective"] == pytest.approx(row["cost"])
    mids = spread_legs(book.fills, reference="mid_before", horizon=50, end=END, quotes=book.quotes)
    quoted = mids[mids["owner"] == "investor"]["effective"]
    assert quoted.median() == HALF_SPREAD
    known = mids.dropna()
    assert len(known) > 1000
    assert (known["effective"] == known["realised"] + known["impact"]).all()


def test_an_investor_in_the_auction_waits_for_half_an_interval(auction):
    table = immediacy_table(
        auction.orders, auction.fills, auction.quotes, auction.fair_value, auction.roles, of=("investor",), end=END
    )
    row = table.loc["investor"]
    error = np.sqrt((PI**2 - 1) / 12 / row["orders"])
    assert row["wait_mean"] == pytest.approx((PI + 1) / 2, abs=4 * error)
    assert row["cost"] == pytest.approx(row["execution"] + row["delay"], abs=1e-9)
    assert row["delay_sd"] > 0
    assert row["submitted"] == row["filled"] + row["expired"] + row["live"]
    assert row["shortfall"] == pytest.approx(row["filled_shortfall"] + row["unfilled_shortfall"])
    assert row["missing"] == 0


def test_discovery_sees_the_makers_delay(run):
    public = public_prices(run.quotes, MARKETS, end=END)
    fair = fair_paths(run.fair_value, MARKETS, end=END)
    found = price_discovery(public, fair, max_lag=150)
    # The maker quotes what it knew 40 steps before and moves every 20; the sniper may be faster.
    assert 20 <= found.lag <= 70
    assert 0 < found.rms < 0.01
    assert convergence_time(public, fair) == 20.0
    gaps = half_gaps(public, fair, [run.fair_value.jump_times[market] for market in MARKETS])
    assert gaps.jumps > 20
    assert 5 <= gaps.median <= 70


def test_the_maker_quotes_both_sides_most_of_the_time(run):
    table = quoting_table(run.orders, run.roles, end=END)
    assert table["owner"].tolist() == ["lp", "lp"]
    assert ((table["two_sided"] > 0.8) & (table["two_sided"] < 1.0)).all()
