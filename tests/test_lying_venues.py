"""Venues that lie to the ledger.

A lie stops the run with an error that names venue, call, time and seed, and nothing of the call is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field

from marketsim.errors import ConservationError, MarketsimError, PluginError
from marketsim.simulation import Simulation
from marketsim.types import Accepted, Cancelled, Expired, Order, Reason, Rejected, VenueState, trade
from tests.small_market import BUY, MiniBook, Scripted, buy, sell, snapshot


@define
class Liar:
    """Rests every order, but answers one call at time 5 as it is told."""

    call: str
    lie: Callable[[Any, Any], Any]
    name: str = "v"
    markets: tuple[str, ...] = ("A",)
    seen: list[Any] = field(factory=list)

    def submit(self, order, now):
        self.seen.append(order)
        if self.call == "submit" and now == 5:
            return self.lie(self, order)
        return [Accepted(order.order_id, order.owner, order.market, self.name, now, order.quantity)]

    def cancel(self, order_id, owner, now):
        if self.call == "cancel":
            return self.lie(self, self.seen[0])
        return [Rejected(order_id, Reason.UNKNOWN_ORDER, owner)]

    def state(self, market):
        return VenueState()

    def estimate_impact(self, market, side, quantity):
        return 0, 0

    def clock(self, now):
        return self.lie(self, self.seen[0])

    def next_clock(self, now):
        return 5 if self.call == "clock" and now < 5 else None


def both(order, **changes):
    """A fair trade of the whole order with the house, with `changes` in the order's own leg."""
    taker, maker = trade(order, against="house", price=100, quantity=order.quantity, now=5)
    return [taker._replace(**changes), maker]


def whole(order, quantity, **common):
    """A balanced trade of `quantity` lots with the house, `common` changed in both legs."""
    taker, maker = trade(order, against="house", price=common.pop("price", 100), quantity=quantity, now=5)
    return [taker._replace(**common), maker._replace(**common)]


def of(kind, order, quantity, **changes):
    return kind(order.order_id, order.owner, order.market, order.venue, 5, quantity)._replace(**changes)


LIES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "None": ("submit", lambda _, o: None),
    "a tuple": ("submit", lambda _, o: tuple(both(o))),
    "a generator": ("submit", lambda _, o: (report for report in both(o))),
    "a report alone": ("submit", lambda _, o: of(Accepted, o, o.quantity)),
    "a word": ("submit", lambda _, o: "ok"),
    "a list of words": ("submit", lambda _, o: ["ok"]),
    "the order itself": ("submit", lambda _, o: [o]),
    "None from clock": ("clock", lambda _, o: None),
    "None from cancel": ("cancel", lambda _, o: None),
    "a tuple from cancel": ("cancel", lambda _, o: (of(Cancelled, o, 10),)),
    "nothing": ("submit", lambda _, o: []),
    "wrong time": ("submit", lambda _, o: [of(Accepted, o, 10, time=4)]),
    "wrong venue": ("submit", lambda _, o: [of(Accepted, o, 10, venue="w")]),
    "wrong market": ("submit", lambda _, o: [of(Accepted, o, 10, market="B")]),
    "wrong owner": ("submit", lambda _, o: [of(Accepted, o, 10, owner="maker")]),
    "wrong owner of a refusal": ("submit", lambda _, o: [Rejected(o.order_id, Reason.PRICE, "maker")]),
    "wrong owner of a fill": ("submit", lambda _, o: both(o, owner="maker")),
    "wrong time of a fill": ("submit", lambda _, o: both(o, time=6)),
    "unknown order": ("submit", lambda _, o: [of(Accepted, o, 10, order_id=99)]),
    "bool order id": ("clock", lambda _, o: [of(Cancelled, o, 10, order_id=True)]),
    "too little accepted": ("submit", lambda _, o: [of(Accepted, o, 9)]),
    "too much accepted": ("submit", lambda _, o: [of(Accepted, o, 11)]),
    "refused and accepted": ("submit", lambda _, o: [Rejected(o.order_id, Reason.PRICE, o.owner), of(Accepted, o, 10)]),
    "refused and filled": ("submit", lambda _, o: [Rejected(o.order_id, Reason.PRICE, o.owner), *both(o)]),
    "refusal of another order": ("submit", lambda _, o: [Rejected(1, Reason.PRICE, o.owner)]),
    "unaccounted rest": ("submit", lambda _, o: whole(o, 4)),
    "over-fill": ("submit", lambda _, o: whole(o, 11)),
    "over-fill at the clock": ("clock", lambda _, o: whole(o, 11)),
    "over-fill in parts": ("clock", lambda _, o: [*whole(o, 6), *whole(o, 5, match_id=9)]),
    "over-cancel": ("clock", lambda _, o: [of(Cancelled, o, 6), of(Expired, o, 5)]),
    "beyond the limit": ("submit", lambda _, o: whole(o, 10, price=99)),
    "beyond the limit at the clock": ("clock", lambda _, o: whole(o, 10, price=120)),
    "wrong side": ("submit", lambda _, o: [report._replace(side=report.side.opposite) for report in both(o)]),
    "one leg only": ("submit", lambda _, o: both(o)[:1]),
    "unbalanced lots": ("submit", lambda _, o: [both(o)[0], both(o)[1]._replace(quantity=9)]),
    "unbalanced money": ("submit", lambda _, o: both(o, money=999)),
    "float money": ("submit", lambda _, o: whole(o, 10, money=1000.0)),
    "nan money": ("submit", lambda _, o: whole(o, 10, money=float("nan"))),
    "fee from nowhere": ("submit", lambda _, o: both(o, fee=1)),
    "negative lots cancelled": ("clock", lambda _, o: [of(Cancelled, o, -5)]),
    "negative lots expired": ("submit", lambda _, o: [of(Accepted, o, 15), of(Expired, o, -5)]),
    "float lots cancelled": ("clock", lambda _, o: [of(Cancelled, o, 2.5)]),
    "float lots accepted": ("submit", lambda _, o: [of(Accepted, o, 10.0)]),
    "a word for the lots": ("submit", lambda _, o: [of(Accepted, o, "10")]),
    "None for the lots": ("clock", lambda _, o: [of(Expired, o, None)]),
    "None for the match": ("submit", lambda _, o: whole(o, 10, match_id=None)),
    "a word for the mid": ("submit", lambda _, o: whole(o, 10, mid_before="mid")),
    "unhashable owner of the other leg": ("submit", lambda _, o: [both(o)[0], both(o)[1]._replace(owner=["house"])]),
    "unhashable owner of a refusal": ("clock", lambda _, o: [Rejected(o.order_id, Reason.PRICE, ["x"])]),
    "half a side in the other leg": (
        "submit",
        lambda _, o: [both(o)[0], both(o)[1]._replace(side=-0.5, quantity=20, money=2000)],
    ),
    "an agent's account without an order": ("submit", lambda _, o: [both(o)[0], both(o)[1]._replace(owner="maker")]),
    "agents' accounts at the clock": (
        "clock",
        lambda _, o: [both(o)[0]._replace(order_id=0), both(o)[1]._replace(owner="taker")],
    ),
    "a division by zero": ("submit", lambda _, o: 1 // 0),
    "a division by zero at the clock": ("clock", lambda _, o: 1 // 0),
    "a division by zero in cancel": ("cancel", lambda _, o: 1 // 0),
    "trouble of the right kind": ("submit", lambda _, o: Order.no_such_field),
}


@pytest.mark.parametrize(("call", "lie"), LIES.values(), ids=LIES.keys())
def test_a_lie_stops_the_run_names_the_call_and_is_not_applied(call, lie):
    plan = {5: lambda ctx: ctx.cancel(1) if call == "cancel" else ctx.submit(sell())}
    agents = [Scripted("maker", {1: lambda ctx: ctx.submit(buy())}), Scripted("taker", {})]
    agents[0 if call == "cancel" else 1].plan.update(plan)
    simulation = Simulation(venues={"v": Liar(call, lie)}, agents=agents, seed=3)
    with pytest.raises((PluginError, ConservationError), match=rf"venue 'v' \(Liar.{call}\) at time 5, seed 3: "):
        simulation.run(9)
    exchange = simulation.exchange
    assert snapshot(exchange.ledger) == ({"maker": 0, "taker": 0}, {}, {"maker": {}, "taker": {}})
    assert len(exchange.fills) == 0
    log = exchange.orders.close().frame()
    assert log.outcome.tolist() == ["live"] * len(log)
    assert log[["filled", "cancelled", "expired"]].to_numpy().sum() == 0
    assert [report for agent in agents for _, report in agent.heard if type(report) is not Accepted] == []


@pytest.mark.parametrize("answer", [4, 5, -1, 6.0, float("nan"), True, "6", [6], 2**80])
def test_a_next_clock_that_is_no_later_time_is_named(answer):
    class Odd(Liar):
        def next_clock(self, now):
            return answer if now == 5 else None

    agents = [Scripted("taker", {5: lambda ctx: ctx.submit(buy())})]
    venue = Odd("none", lambda *_: None)
    with pytest.raises(PluginError, match=r"venue 'v' \(Odd.next_clock\) at time 5, seed 3: "):
        Simulation(venues={"v": venue}, agents=agents, seed=3).run(9)


@pytest.mark.parametrize("call", ["state", "estimate_impact", "next_clock"])
def test_a_question_that_raises_names_the_venue_and_not_the_agent_who_asked(call):
    def broken(self, *arguments):
        if len(self.seen) > 0:
            raise KeyError("oops")
        return {"state": VenueState(), "estimate_impact": (0, 0)}.get(call)

    def plan(ctx):
        ctx.submit(buy())
        ctx.estimate_impact("A", BUY, 3)

    venue = type("Broken", (Liar,), {call: broken})("none", lambda *_: None)
    agent = Scripted("x", {5: plan, 6: lambda ctx: ctx.estimate_impact("A", BUY, 3)})
    with pytest.raises(PluginError, match=rf"venue 'v' \(Broken.{call}\) at time \d, seed 3.*oops"):
        Simulation(venues={"v": venue}, agents=[agent], seed=3).run(9)


@pytest.mark.parametrize("answer", [None, (), "state", (1, 2, (), (), None, None)])
def test_a_state_that_is_no_state_names_the_venue(answer):
    venue = type("Broken", (Liar,), {"state": lambda self, market: answer})("none", lambda *_: None)
    with pytest.raises(PluginError, match=r"venue 'v' \(Broken.state\)"):
        Simulation(venues={"v": venue}).run(9)


def test_a_fill_of_an_order_that_has_not_arrived_is_refused():
    sent = []

    def lie(venue, _):
        return both(sent[0])

    def plan(ctx):
        ctx.submit(sell())
        sent.extend(ctx.open_orders.values())

    agents = [Scripted("maker", {1: lambda ctx: ctx.submit(buy())}), Scripted("taker", {2: plan}, order_latency=6)]
    simulation = Simulation(venues={"v": Liar("clock", lie)}, agents=agents)
    with pytest.raises(MarketsimError, match=r"venue 'v' \(Liar.clock\) at time 5"):
        simulation.run(9)
    assert simulation.exchange.ledger.cash == {"maker": 0, "taker": 0}


def test_a_fill_of_an_order_that_is_at_another_venue_is_refused():
    book = MiniBook(name="w")
    maker = Scripted(
        "maker", {1: lambda ctx: ctx.submit(sell(), venue="w"), 2: lambda ctx: ctx.submit(sell(), venue="v")}
    )

    def lie(venue, order):
        return [fill._replace(venue="v") for fill in both(order._replace(order_id=1))]

    simulation = Simulation(venues={"v": Liar("clock", lie), "w": book}, agents=[maker])
    with pytest.raises(MarketsimError, match=r"venue 'v' \(Liar.clock\) at time 5"):
        simulation.run(9)
    assert simulation.exchange.ledger.cash == {"maker": 0}


def test_an_over_fill_across_calls_leaves_what_was_applied_before():
    class Twice(Liar):
        def next_clock(self, now):
            return now + 1 if 1 <= now < 6 else None

        def clock(self, now):
            if now < 5:
                return []
            return [fill._replace(time=now) for fill in whole(self.seen[0], 6, match_id=now)]

    simulation = Simulation(
        venues={"v": Twice("none", lambda *_: None)}, agents=[Scripted("maker", {1: lambda ctx: ctx.submit(buy())})]
    )
    with pytest.raises(ConservationError, match="at time 6"):
        simulation.run(9)
    assert simulation.exchange.ledger.cash == {"maker": -600, "house": 600}
    assert len(simulation.exchange.fills) == 2
    assert simulation.exchange.orders.close().frame().filled.tolist() == [6]
