"""Conservation: the ledger itself, and what a settlement moves."""

from __future__ import annotations

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConservationError, MarketsimError, PluginError
from marketsim.ledger import Ledger
from marketsim.simulation import Simulation
from marketsim.types import Fill, Liquidity, Order, Settle
from tests.small_market import BUY, SELL, MiniBook, Script, Scripted, buy, run, sell, snapshot


def leg(owner, side, quantity=10, money=1000, *, match=1, fee=0, price=100, market="A", venue="v", order_id=0):
    return Fill(
        match, order_id, owner, market, venue, 0, side, quantity, price, money, fee, Liquidity.MAKER, None, None
    )


# The ledger


def test_a_trade_moves_money_and_lots_and_the_fee_leaves_the_payer():
    ledger = Ledger()
    ledger.post([leg("buyer", BUY, money=1003, fee=3), leg("seller", SELL, money=999, fee=1)])
    assert ledger.cash == {"buyer": -1003, "seller": 999}
    assert ledger.fees == {"v": 4}
    assert ledger.inventory == {"buyer": {"A": 10}, "seller": {"A": -10}}
    ledger.check()


def test_one_leg_against_many_and_an_account_with_itself():
    ledger = Ledger()
    ledger.post([leg("a", BUY, 10, 1000), leg("b", SELL, 4, 400), leg("c", SELL, 6, 600)])
    ledger.post([leg("a", BUY, 5, 500), leg("a", SELL, 5, 500)])
    assert ledger.cash == {"a": -1000, "b": 400, "c": 600}
    ledger.check()


def test_amounts_beyond_64_bits_are_exact():
    ledger = Ledger()
    ledger.post([leg("a", BUY, 2**53, 2**106 + 1), leg("b", SELL, 2**53, 2**106 + 1)])
    assert ledger.cash == {"a": -(2**106) - 1, "b": 2**106 + 1}


BAD_LEGS: dict[str, list[Fill]] = {
    "one leg": [leg("x", BUY)],
    "two buys": [leg("x", BUY), leg("y", BUY)],
    "lots do not balance": [leg("x", BUY, 10), leg("y", SELL, 9)],
    "money does not balance": [leg("x", BUY, money=1000), leg("y", SELL, money=999)],
    "fee from nowhere": [leg("x", BUY, money=1000, fee=1), leg("y", SELL, money=1000)],
    "two markets": [leg("x", BUY), leg("y", SELL, market="B")],
    "two venues": [leg("x", BUY), leg("y", SELL, venue="w")],
    "two matches": [leg("x", BUY), leg("y", SELL, match=2)],
    "float money": [leg("x", BUY, money=1000.0), leg("y", SELL, money=1000.0)],
    "nan money": [leg("x", BUY, money=float("nan")), leg("y", SELL, money=float("nan"))],
    "bool quantity": [leg("x", BUY, True), leg("y", SELL, True)],
    "float quantity": [leg("x", BUY, 1.0), leg("y", SELL, 1.0)],
    "no quantity": [leg("x", BUY, 0, 0), leg("y", SELL, 0, 0)],
    "negative quantity": [leg("x", BUY, -10), leg("y", SELL, -10)],
    "float fee": [leg("x", BUY, fee=0.0), leg("y", SELL, fee=0.0)],
    "float price": [leg("x", BUY, price=100.0), leg("y", SELL, price=100.0)],
    "no money": [leg("x", BUY, money=None), leg("y", SELL, money=None)],
    "half a side": [leg("x", BUY, 10), leg("y", -0.5, 20, 2000)],
    "no side": [leg("x", BUY), leg("y", SELL), leg("z", 0)],
    "triple side": [leg("x", 3), leg("y", SELL), leg("z", SELL), leg("w", SELL)],
    "nan side": [leg("x", BUY), leg("y", float("nan"))],
    "word for a side": [leg("x", "buy"), leg("y", "sell")],
    "no owner": [leg("x", BUY), leg("", SELL)],
    "None for an owner": [leg("x", BUY), leg(None, SELL)],
    "unhashable owner": [leg("x", BUY), leg(["y"], SELL)],
}


@pytest.mark.parametrize("legs", BAD_LEGS.values(), ids=BAD_LEGS.keys())
@pytest.mark.parametrize("turn", [False, True])
def test_what_does_not_balance_moves_nothing(legs, turn):
    ledger = Ledger()
    ledger.post([leg("x", BUY), leg("y", SELL)])
    before = snapshot(ledger)
    good = [leg("p", BUY, match=7), leg("q", SELL, match=7)]
    with pytest.raises(ConservationError):
        ledger.post([*legs, *good] if turn else [*good, *legs])
    assert snapshot(ledger) == before


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(1, 99), st.integers(-99, 99),
                          st.integers(-5, 5)), max_size=20))  # fmt: skip
def test_any_balanced_trades_conserve_cash_fees_and_lots(trades):
    ledger = Ledger()
    for match, (buyer, seller, lots, money, fee) in enumerate(trades):
        ledger.post(
            iter(
                [leg(buyer, BUY, lots, money + fee, match=match, fee=fee), leg(seller, SELL, lots, money, match=match)]
            )
        )
        ledger.check()
    assert sum(ledger.cash.values()) + sum(ledger.fees.values()) == 0


@pytest.mark.parametrize("spoil", ["cash", "fees", "inventory"])
def test_the_check_sees_what_was_spoilt(spoil):
    ledger = Ledger()
    ledger.post([leg("x", BUY), leg("y", SELL)])
    if spoil == "inventory":
        ledger.inventory["x"]["A"] += 1
    else:
        getattr(ledger, spoil)["x"] = 1
    with pytest.raises(ConservationError):
        ledger.check()


def test_an_opened_account_that_never_trades_stands_at_zero():
    ledger = Ledger()
    ledger.open("idle")
    ledger.open("idle")
    assert snapshot(ledger) == ({"idle": 0}, {}, {"idle": {}})


# Settlement


@define
class Ending(MiniBook):
    """A book whose event resolves."""

    messages: tuple[type, ...] = (Order, Settle)

    def submit(self, message, now):
        return [] if type(message) is Settle else MiniBook.submit(self, message, now)


def holders():
    buys, sells = {1: lambda ctx: ctx.submit(buy())}, {2: lambda ctx: ctx.submit(sell())}
    return [Scripted("one", buys), Scripted("other", sells)]


@pytest.mark.parametrize("price", [0, 100, -3])
def test_a_settlement_pays_every_holder_and_leaves_no_inventory(price):
    one, other = holders()
    result = run(one, other, venues={"book": Ending()}, sources=[Script([(5, [Settle("A", price)])])])
    assert result.ledger.cash == {"one": 10 * (price - 100), "other": 10 * (100 - price)}
    assert result.ledger.inventory == {"one": {"A": 0}, "other": {"A": 0}}
    for agent in (one, other):
        assert (agent.ctx.cash, agent.ctx.inventory("A")) == (result.ledger.cash[agent.agent_id], 0)


def test_a_settlement_that_the_venue_does_not_take_stops_the_run_and_moves_nothing():
    simulation = Simulation(venues={"book": MiniBook()}, agents=holders(), sources=[Script([(5, [Settle("A", 7)])])])
    with pytest.raises(PluginError, match="venue 'book' refused"):
        simulation.run(9)
    assert simulation.exchange.ledger.cash == {"one": -1000, "other": 1000}


@pytest.mark.parametrize("price", [1.5, float("nan"), None, "7", True])
def test_a_settlement_at_no_price_stops_the_run_and_moves_nothing(price):
    agents = holders()
    source = Script([(5, [Settle("A", price)])])
    simulation = Simulation(venues={"book": Ending()}, agents=agents, sources=[source], seed=3)
    with pytest.raises(MarketsimError, match=r"venue 'book' \(Ending.submit\) at time 5, seed 3"):
        simulation.run(9)
    assert simulation.exchange.ledger.cash == {"one": -1000, "other": 1000}


def test_a_settlement_answered_with_nonsense_names_the_venue():
    class Mute(Ending):
        def submit(self, message, now):
            return None

    with pytest.raises(PluginError, match=r"venue 'book' \(Mute.submit\) at time 5, seed 3"):
        run(venues={"book": Mute()}, sources=[Script([(5, [Settle("A", 7)])])], seed=3)
