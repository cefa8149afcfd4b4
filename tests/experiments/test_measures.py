"""What a study's row says of a run, from venues of every kind: books with fees, batches, pools and a hybrid."""

from __future__ import annotations

from itertools import permutations
from math import fsum, isnan

import numpy as np
import pytest
from attrs import define

from agents.belief import Innovations, ScalarBelief
from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.pi_curve.attribution import AGE_EDGES, OPENING_EDGES, bin_names
from experiments.pi_curve.config import Study
from experiments.pi_curve.measures import ROLES, measure
from experiments.pi_curve.settings import Snipers, World
from marketsim import ConfigError, Side, Simulation, market_order
from marketsim.fairvalue import ConstantFairValue, PoissonJumps
from marketsim.information import PublicNews
from venues.clob import ContinuousBook
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.hybrid import Hybrid

END, LEVEL, FEE = 12_000, 10_000.0, 300
STUDY = Study(
    horizon=END,
    world=World(kind="jumps", n_markets=1, tick_size=0.01, lot_size=0.1),
    population=Snipers(),
)
FAMILIES = {"opening": bin_names(OPENING_EDGES), "age": bin_names(AGE_EDGES), "against": list(ROLES)}
VENUES = {
    "book": lambda: ContinuousBook(("M",), taker_fee_ppm=FEE, maker_fee_ppm=-FEE // 3),
    "batch": lambda: BatchAuction(("M",), 10, reference={"M": 10_000}),
    "pool": lambda: ConstantProduct(("M",), base=20_000, quote=200_000_000, fee_ppm=500),
    "hybrid": lambda: Hybrid(("M",), base=20_000, quote=200_000_000, pool_fee_ppm=500, taker_fee_ppm=FEE),
}


@define
class Momentary:
    """Trades now and then for no reason, in a role of its own."""

    agent_id: str
    role: str = "background"
    review_interval: int = 450

    def review(self, ctx):
        ctx.submit(market_order("M", Side.BUY if ctx.rng.random() < 0.5 else Side.SELL, quantity=7))


def simulate(kind: str):
    truth = PoissonJumps.draw(
        np.random.Generator(np.random.PCG64(3)), END, {"M": LEVEL}, jumps_per_step=0.002, size=60.0
    )
    only = kind == "pool"
    agents = [
        Sniper("sniper-1", "M", quantity=40, market_orders_only=only),
        Sniper("sniper-2", "M", quantity=40, market_orders_only=only),
        Investor("investor", "M", quantity=9, arrival_rate=20.0),
        Momentary("momentary"),
    ]
    if not only:
        agents += [NewsMaker(f"lp-{number}", "M", LEVEL, 20.0 + number, quantity=15) for number in (1, 2)]
    simulation = Simulation(
        venues={kind: VENUES[kind]()}, agents=agents, fair_value=truth, information=PublicNews(), seed=5
    )
    return simulation.run(END)


@pytest.fixture(scope="module", params=VENUES)
def run(request):
    result = simulate(request.param)
    return request.param, result, measure(STUDY, result, pi=10 if request.param == "batch" else 0)


def test_transfers_sum_to_exactly_nothing_and_to_each_role_s_net_gain(run):
    kind, _, row = run
    names = (*ROLES, "fees")
    assert {name for name in row if name.startswith("transfer_")} == {
        f"transfer_{role}_{other}" for role, other in permutations(names, 2)
    }
    gained = {pair: row[f"transfer_{pair[0]}_{pair[1]}"] for pair in permutations(names, 2)}
    assert fsum(gained.values()) == 0.0
    assert all(gained[role, other] == -gained[other, role] for role, other in gained)
    for role in ROLES:
        net = sum(gained[role, other] for other in names if other != role)
        assert net == pytest.approx(row[f"{role}_pnl"], abs=1e-9 * row["volume"] * 100)
    assert sum(gained["fees", role] for role in ROLES) == pytest.approx(row["fees"])
    assert (row["fees"] > 0) == (kind in {"book", "hybrid"})
    assert row["lp_fills"] > 20
    assert row["background_fills"] > 20
    assert gained["investor", "lp"] < 0.0


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_lp_gained_is_divided_and_nothing_is_left(run, family):
    _, _, row = run
    for measured in ("pnl", "fills", "lots"):
        start = f"lp_{measured}_{family}_"
        parts = {name.removeprefix(start): value for name, value in row.items() if name.startswith(start)}
        assert list(parts) == FAMILIES[family]
        assert sum(parts.values()) == pytest.approx(row[f"lp_{measured}"], rel=1e-9, abs=1e-9 * row["volume"])
    assert sum(row[f"lp_fills_{family}_{group}"] > 0 for group in FAMILIES[family]) > 1


def test_the_lp_s_gain_per_fill_per_lot_and_per_thousand_steps(run):
    _, _, row = run
    assert row["lp_pnl_per_fill"] * row["lp_fills"] == pytest.approx(row["lp_pnl"])
    assert row["lp_pnl_per_lot"] * row["lp_lots"] == pytest.approx(row["lp_pnl"])
    assert row["lp_pnl_per_unit"] * END / 1000 == pytest.approx(row["lp_pnl"])


def test_a_pool_is_its_owner_s(run):
    kind, result, row = run
    legs = result.fills.frame()
    pool = legs["owner"] == f"pool:{kind}"
    agents = legs["owner"].isin(["lp-1", "lp-2"])
    assert pool.any() == (kind in {"pool", "hybrid"})
    assert agents.any() == (kind != "pool")
    assert row["lp_fills"] == (pool | agents).sum()
    assert row["wealth_sum"] == 0.0
    held = sum(row[f"{role}_wealth"] for role in ROLES) + row["fees"]
    assert held == pytest.approx(0.0, abs=1e-6)


def test_quotes_hit_at_the_opening_are_as_old_as_the_run():
    result = simulate("book")
    legs, sent = result.fills.frame(), result.orders.frame().set_index("order_id")["submitted"]
    own = legs[legs["owner"].isin(["lp-1", "lp-2"])]
    ages = own["time"].to_numpy() - sent.loc[own["order_id"]].to_numpy()
    row = measure(STUDY, result, pi=0)
    assert row["lp_fills_age_100_250"] == ((ages >= 100) & (ages < 250)).sum() > 0
    assert row["lp_lots_opening_500_1000"] == pytest.approx(0.1 * own[own["time"].between(500, 999)]["quantity"].sum())
    assert row["lp_fills_opening_8000_end"] == (own["time"] >= 8000).sum() > 0


def test_an_lp_that_never_traded_has_no_average():
    row = measure(STUDY, _alone(Investor("investor", "M")), pi=0)
    assert isnan(row["lp_pnl_per_fill"])
    assert isnan(row["lp_pnl_per_lot"])
    assert row["lp_pnl_per_unit"] == row["lp_pnl_age_0_1"] == row["transfer_lp_fees"] == 0.0


def _alone(*agents):
    venue, fair = ContinuousBook(("M",)), ConstantFairValue({"M": LEVEL})
    return Simulation(venues={"book": venue}, agents=agents, fair_value=fair, seed=1).run(50)


@define
class Believer:
    agent_id: str
    role: str
    beliefs: dict[str, ScalarBelief]

    def start(self, ctx):
        pass


@define
class Matrix:
    """One filter over all markets, as an agent with a joint belief has."""

    agent_id: str
    role: str
    nis: Innovations

    def start(self, ctx):
        pass


def _belief(*values):
    belief = ScalarBelief(0.0, 1.0)
    for time, value in enumerate(values):
        belief.observe(value, 1.0, time)
    return belief


def test_the_fit_of_every_agent_with_beliefs():
    # Prior N(0, 1), an observation 2 of precision 1: 2^2 / (1 + 1) = 2.
    agents = [
        Believer("naive-1", "informed", {"M": _belief(2.0), "N": _belief(0.0)}),
        Matrix("joint-1", "informed", Innovations(6, 18.0)),
        Believer("lp-1", "lp", {"M": _belief()}),
        Investor("investor", "M"),
    ]
    row = measure(STUDY, _alone(*agents), pi=0)
    assert (row["nis_naive-1"], row["nis_count_naive-1"]) == (1.0, 2)
    assert (row["nis_joint-1"], row["nis_count_joint-1"]) == (3.0, 6)
    assert isnan(row["nis_lp-1"])
    assert row["nis_count_lp-1"] == 0
    assert row["informed_nis"] == (2.0 + 18.0) / 8
    assert isnan(row["lp_nis"])
    assert "nis_investor" not in row


def test_a_role_that_the_table_has_no_column_for_is_named():
    stranger = Momentary("momentary", role="tourist", review_interval=10)
    maker = NewsMaker("lp", "M", LEVEL, 20.0, quantity=90)
    with pytest.raises(ConfigError, match="'momentary' is 'tourist'; wanted one of lp, informed"):
        measure(STUDY, _alone(maker, stranger), pi=0)
