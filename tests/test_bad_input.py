"""Every order and every constructor with bad input is refused with a reason, and nothing changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import Capital
from agents.edge import EdgeTrading
from agents.flow import Investor, NoiseTrader
from agents.gaussian import GaussianTrader
from agents.market_maker import MarketMaker, NewsMaker
from agents.sniper import Sniper
from marketsim import (
    ConfigError,
    MarketsimError,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Side,
    TimeInForce,
)
from marketsim.fairvalue import ConstantFairValue, HistoricalPath, LatentFactorWalk, OrnsteinUhlenbeck, PoissonJumps
from marketsim.information import PoissonSignals
from marketsim.kernel import Kernel
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from venues.clob import ContinuousBook
from venues.concentrated import ConcentratedPool
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.hybrid import Hybrid
from venues.lmsr import LMSR
from venues.pooled_auction import PooledAuction
from venues.replay import ReplayVenue

BOOKS = {
    "clob": lambda: ContinuousBook(("A",), price_step=5, quantity_step=2),
    "fba": lambda: BatchAuction(("A",), 10, price_step=5, quantity_step=2),
}
OTHERS = {
    "hybrid-pool": lambda: Hybrid(("A",), base=10_000, quote=1_000_000),
    "hybrid-ladder": lambda: Hybrid(("A",), base=1, quote=100, layer="ladder"),
    "pooled-auction": lambda: PooledAuction(("A",), 10, base=10_000, quote=1_000_000),
    "replay": lambda: ReplayVenue(("A",)),
}
POOLS = {
    "constant-product": lambda: ConstantProduct(("A",), 10_000, 1_000_000),
    "lmsr": lambda: LMSR(("A", "B"), 1000, 1000),
    "concentrated": lambda: ConcentratedPool(("A",), price=100, positions=((0, 60_000, 10**9),)),
}
VENUES = BOOKS | POOLS | OTHERS
NUMBERS = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "float": 10.0,
    "bool": True,
    "2**80": 2**80,
    "-2**80": -(2**80),
    "text": "10",
    "none": None,
}
QUANTITIES = NUMBERS | {"zero": 0, "negative": -4}
RESTING = Order("A", Side.BUY, 10, 50, order_id=1, owner="ann", venue="v")
MARKET = Order("A", Side.BUY, 10, None, OrderKind.MARKET, TimeInForce.IOC, order_id=2, owner="ann", venue="v")


def snapshot(venue: Any) -> Any:
    """Everything public that a refused message must leave as it was."""
    impacts = [venue.estimate_impact("A", side, quantity) for side in Side for quantity in (1, 7, 100)]
    public = venue.state("A")
    return public[:5], impacts, venue.next_clock(3), [venue.estimate_impact("A", Side.BUY, 2)]


def refuse(venue: Any, message: Any, reasons: tuple[Reason, ...] = ()) -> None:
    before = snapshot(venue)
    reports = venue.submit(message, 3)
    assert [type(report) for report in reports] == [Rejected], reports
    assert not reasons or reports[0].reason in reasons
    assert isinstance(reports[0].reason, Reason)
    assert snapshot(venue) == before


@pytest.fixture(params=sorted(VENUES))
def venue(request: pytest.FixtureRequest) -> Any:
    built = VENUES[request.param]()
    if request.param in BOOKS:
        built.submit(RESTING, 0)
        built.submit(Order("A", Side.SELL, 8, 70, order_id=9, owner="bob", venue="v"), 0)
    return built


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
def test_bad_quantities(venue: Any, side: Side, quantity: str):
    refuse(venue, MARKET._replace(side=side, quantity=QUANTITIES[quantity]), (Reason.QUANTITY,))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("price", sorted(NUMBERS))
def test_bad_prices(venue: Any, side: Side, price: str):
    refuse(venue, RESTING._replace(order_id=3, side=side, price=NUMBERS[price]))


@pytest.mark.parametrize("order_id", sorted(QUANTITIES))
def test_bad_order_ids(venue: Any, order_id: str):
    refuse(venue, MARKET._replace(order_id=QUANTITIES[order_id]), (Reason.ORDER_ID,))


@pytest.mark.parametrize(
    "change",
    [
        {"side": 1},
        {"side": 0},
        {"side": "BUY"},
        {"side": None},
        {"owner": ""},
        {"owner": 7},
        {"owner": None},
        {"market": "Z"},
        {"market": None},
        {"market": ["A"]},
        {"kind": "market"},
        {"tif": "ioc"},
        {"tif": TimeInForce.GTC},
        {"post_only": 1},
        {"post_only": True},
        {"price": 50},
    ],
    ids=str,
)
def test_bad_fields(venue: Any, change: dict[str, Any]):
    refuse(venue, MARKET._replace(**change))


@pytest.mark.parametrize(
    "message", [object(), None, 7, "buy", ("A", Side.BUY, 1)], ids=["object", "none", "int", "str", "tuple"]
)
def test_undeclared_messages(venue: Any, message: Any):
    refuse(venue, message, (Reason.UNSUPPORTED,))


@pytest.mark.parametrize("order_id", [77, 0, -1, 2**80, None, math.nan, True, "1"], ids=repr)
def test_cancel_of_what_is_not_there(venue: Any, order_id: Any):
    before = snapshot(venue)
    reports = venue.cancel(order_id, "ann", 3)
    assert [type(report) for report in reports] == [Rejected]
    assert snapshot(venue) == before


@pytest.fixture(params=sorted(BOOKS))
def book(request: pytest.FixtureRequest) -> Any:
    built = BOOKS[request.param]()
    built.submit(RESTING, 0)
    return built


def test_off_grid_prices_and_quantities(book: Any):
    refuse(book, RESTING._replace(order_id=3, price=51), (Reason.OFF_GRID,))
    refuse(book, RESTING._replace(order_id=3, quantity=11), (Reason.OFF_GRID,))


@pytest.mark.parametrize("price", [0, -5, -50])
def test_prices_below_the_venues_least(book: Any, price: int):
    refuse(book, RESTING._replace(order_id=3, price=price), (Reason.PRICE, Reason.OFF_GRID))


def test_duplicate_ids(book: Any):
    refuse(book, RESTING, (Reason.DUPLICATE_ORDER,))
    refuse(book, RESTING._replace(owner="bob", side=Side.SELL, price=60), (Reason.DUPLICATE_ORDER,))


def test_anothers_order(book: Any):
    before = snapshot(book)
    assert book.cancel(1, "bob", 3)[0].reason is Reason.NOT_OWNER
    assert snapshot(book) == before
    refuse(book, Reduce(1, 2, "bob", "v"), (Reason.NOT_OWNER,))
    refuse(book, Replace(1, RESTING._replace(order_id=5, owner="bob"), "bob", "v"), (Reason.NOT_OWNER,))


@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
def test_bad_reductions(book: Any, quantity: str):
    refuse(book, Reduce(1, QUANTITIES[quantity], "ann", "v"), (Reason.QUANTITY,))


def test_reduce_and_replace_of_unknown_orders(book: Any):
    refuse(book, Reduce(77, 2, "ann", "v"), (Reason.UNKNOWN_ORDER,))
    refuse(book, Replace(77, RESTING._replace(order_id=5), "ann", "v"), (Reason.UNKNOWN_ORDER,))


@pytest.mark.parametrize("change", [{"quantity": 0}, {"price": math.nan}, {"price": 51}, {"side": 1}], ids=str)
def test_a_bad_replacement_leaves_the_old_order(book: Any, change: dict[str, Any]):
    refuse(book, Replace(1, RESTING._replace(order_id=5, **change), "ann", "v"))


@pytest.mark.parametrize("name", sorted(POOLS))
def test_pools_take_no_limit_orders(name: str):
    refuse(POOLS[name](), RESTING)


BOOKS_ONLY = {"book": BOOKS["clob"]()}
BAD = [math.nan, math.inf, -math.inf, True, 2**80, "7", None, -1]
CONSTRUCTORS: dict[str, Callable[[Any], Any]] = {
    "clob markets": ContinuousBook,
    "clob price_step": lambda bad: ContinuousBook(("A",), price_step=bad),
    "clob quantity_step": lambda bad: ContinuousBook(("A",), quantity_step=bad),
    "clob depth": lambda bad: ContinuousBook(("A",), depth=bad if bad != 2**80 else 0),
    "clob taker fee": lambda bad: ContinuousBook(("A",), taker_fee_ppm=bad),
    "clob self_trade": lambda bad: ContinuousBook(("A",), self_trade=bad),
    "fba pi": lambda bad: BatchAuction(("A",), bad),
    "fba price_rule": lambda bad: BatchAuction(("A",), 1, price_rule=bad),
    "fba allocation": lambda bad: BatchAuction(("A",), 1, allocation=bad),
    "fba fee": lambda bad: BatchAuction(("A",), 1, fee_ppm=bad),
    "constant-product base": lambda bad: ConstantProduct(("A",), bad, 100),
    "constant-product quote": lambda bad: ConstantProduct(("A",), 100, bad),
    "constant-product fee": lambda bad: ConstantProduct(("A",), 100, 100, fee_ppm=bad),
    "lmsr b": lambda bad: LMSR(("A", "B"), bad, 1000),
    "lmsr unit": lambda bad: LMSR(("A", "B"), 1000, bad),
    "concentrated fee": lambda bad: ConcentratedPool(("A",), price=100, fee_ppm=bad),
    "hybrid base": lambda bad: Hybrid(("A",), base=bad, quote=100),
    "hybrid quote": lambda bad: Hybrid(("A",), base=10, quote=bad if bad != 2**80 else 0),
    "hybrid layer": lambda bad: Hybrid(("A",), base=10, quote=100, layer=bad),
    "pooled-auction pi": lambda bad: PooledAuction(("A",), bad, base=10, quote=100),
    "pooled-auction base": lambda bad: PooledAuction(("A",), 10, base=bad, quote=100),
    "replay size": lambda bad: ReplayVenue(("A",), size=bad if bad is not None else 0),
    "simulation ties": lambda bad: Simulation(venues=BOOKS_ONLY, ties=bad),
    "simulation time_unit": lambda bad: Simulation(venues=BOOKS_ONLY, time_unit=bad if bad != 2**80 else 0),
    "simulation seed": lambda bad: Simulation(venues=BOOKS_ONLY, seed=bad),
    "simulation horizon": lambda bad: Simulation(venues=BOOKS_ONLY).run(bad),
    "kernel limit": lambda bad: Kernel(events_per_instant_max=bad if bad != 2**80 else 0),
    "walk level": lambda bad: LatentFactorWalk.draw(Streams(1).stream("w"), 5, ("A",), level=bad),
    "historical step": lambda bad: HistoricalPath.from_arrays({"A": ([0, 5], [1.0, 2.0])}, step=bad, tick_size=1.0),
    "bootstrap anchors": lambda bad: BootstrapLadder("b", {"A": bad}, quantity=1),
    "gaussian beliefs": lambda bad: GaussianTrader("g", bad, EdgeTrading(Capital(5), 1)),
    "noise capital": lambda bad: NoiseTrader("n", ("A",), bad, 3),
    "investor rate": lambda bad: Investor("i", "A", arrival_rate=bad) if bad != 2**80 else Investor("", "A"),
    "investor quantity": lambda bad: Investor("i", "A", quantity=bad) if bad != 2**80 else Investor("i", ""),
    "noise jitter": lambda bad: NoiseTrader("n", ("A",), Capital(5), 3, jitter=bad),
    "capital budget": lambda bad: Capital(bad) if bad != 2**80 else Capital(-1),
    "gaussian threshold": lambda bad: (
        EdgeTrading(Capital(5), 1, threshold=bad)
        if bad != 2**80
        else GaussianTrader("", {}, EdgeTrading(Capital(5), 1))
    ),
    "market maker half_spread": lambda bad: MarketMaker("m", {}, 1.0, 1, 1, half_spread=bad),
    "news maker centre": lambda bad: NewsMaker("m", "A", bad, 1.0) if bad != 2**80 else NewsMaker("m", "A", 0.0, 1.0),
    "sniper limit": lambda bad: Sniper("s", "A", limit=bad),
    "ladder step": lambda bad: BootstrapLadder("b", {}, 1, step=bad) if bad != 2**80 else BootstrapLadder("b", {}, 0),
    "belief precision": lambda bad: ScalarBelief(0.0, bad) if bad != 2**80 else ScalarBelief(0.0, 1e301),
    "constant price": lambda bad: ConstantFairValue({"A": bad}),
    "seed": Streams,
    "signals rate": lambda bad: PoissonSignals(routine_rate=bad),
    "ou mean reversion": lambda bad: OrnsteinUhlenbeck.draw(
        Streams(1).stream("w"), 5, {"A": 1.0}, mean_reversion=bad, volatility=0.1
    ),
    "jumps rate": lambda bad: PoissonJumps.draw(Streams(1).stream("w"), 5, {"A": 100.0}, jumps_per_step=bad, size=1.0),
}


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize("name", sorted(CONSTRUCTORS))
def test_constructors_refuse_bad_input(name: str, bad: Any):
    with pytest.raises(MarketsimError) as caught:
        CONSTRUCTORS[name](bad)
    assert isinstance(caught.value, ConfigError)
    assert str(caught.value)
