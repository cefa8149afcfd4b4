"""Bad orders are refused with a reason and change nothing; good ones take every path an order can take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import PluginError
from marketsim.gateway import check_order, check_order_id, check_quantity
from marketsim.types import Fill, Order, OrderKind, Reason, Reduce, Replace, TimeInForce, limit_order, market_order
from tests.small_market import BUY, SELL, MiniBook, PostedPrice, Scripted, buy, run, sell

NAN, INF = float("nan"), float("inf")
GOOD = Order("A", BUY, 10, 100, order_id=1, owner="x", venue="book")

BAD_FIELDS: list[tuple[Reason, dict[str, Any]]] = [
    *[(Reason.QUANTITY, {"quantity": q}) for q in (NAN, INF, -INF, True, 0, -1, 1.0, 2**53 + 1, 2**80, "1", None, [1])],
    *[(Reason.PRICE, {"price": p}) for p in (NAN, INF, True, 1.0, 2**53 + 1, -(2**53) - 1, 2**80, "100", None, [1])],
    *[(Reason.SIDE, {"side": side}) for side in (1, -1, 0, "buy", None, True, 1.0, [1])],
    *[(Reason.KIND, {"kind": kind}) for kind in ("limit", None, 1, ["limit"])],
    *[(Reason.KIND, {"kind": OrderKind.MARKET, "tif": TimeInForce.IOC})],  # with a price
    *[(Reason.KIND, {"kind": OrderKind.MARKET, "price": None})],  # that would wait for ever
    *[(Reason.KIND, {"kind": OrderKind.MARKET_TO_LIMIT})],  # with a price
    *[(Reason.KIND, {"tif": tif}) for tif in ("gtc", None, 1, {})],
    *[(Reason.KIND, {"post_only": flag}) for flag in (1, "yes", None)],
    *[(Reason.KIND, {"post_only": True, "tif": TimeInForce.IOC})],
    *[(Reason.MARKET, {"market": market}) for market in ("", "B", None, 5, ["A"], {}, NAN)],
]
BAD_STAMPS = [
    *[(Reason.ORDER_ID, {"order_id": number}) for number in (0, -1, True, 1.0, 2**63, 2**80, NAN, "1", None)],
    *[(Reason.OWNER, {"owner": owner}) for owner in ("", None, 5, ["x"])],
]


@pytest.mark.parametrize(("reason", "changes"), BAD_FIELDS + BAD_STAMPS)
def test_the_gateway_says_why(reason, changes):
    refusal = check_order(GOOD._replace(**changes), ("A",))
    assert refusal is not None
    assert refusal[0] is reason
    assert refusal[1]


@pytest.mark.parametrize("edge", [1, 2**53])
def test_the_edges_are_inside(edge):
    for price in (0, -(2**53), 2**53):
        assert check_order(GOOD._replace(quantity=edge, price=price), ("A",)) is None
    assert check_order(GOOD._replace(order_id=2**63 - 1), ("A",)) is None
    assert check_quantity(edge) is None
    assert check_order_id(edge) is None


@pytest.mark.parametrize("tif", TimeInForce)
@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize("post_only", [False, True])
def test_kinds_times_in_force_and_post_only_that_go_together(kind, tif, post_only):
    order = GOOD._replace(kind=kind, tif=tif, post_only=post_only, price=100 if kind is OrderKind.LIMIT else None)
    forbidden = (kind is OrderKind.MARKET and tif is TimeInForce.GTC) or (
        post_only and (kind is not OrderKind.LIMIT or tif is not TimeInForce.GTC)
    )
    assert (check_order(order, ("A",)) is not None) is forbidden


def test_builders_take_numpy_integers_and_pass_on_everything_else():
    order = limit_order("A", BUY, quantity=np.int64(3), price=np.int32(5))
    assert (type(order.quantity), type(order.price)) == (int, int)
    assert limit_order("A", BUY, quantity=True, price=1.0)[2:4] == (True, 1.0)
    assert market_order("A", BUY, quantity=np.uint8(3)).quantity == 3


# Through the context


@pytest.mark.parametrize("latency", [0, 3])
@pytest.mark.parametrize(("reason", "changes"), BAD_FIELDS)
def test_a_bad_order_is_a_rejected_report_and_changes_nothing(reason, changes, latency):
    def plan(ctx):
        ids.append(ctx.submit(buy()._replace(**changes)))

    ids, seller = [], Scripted("seller", {1: lambda ctx: ctx.submit(sell(price=90))})
    agent = Scripted("x", {5: plan, 6: lambda ctx: ctx.submit(buy(4, 80))}, order_latency=latency, report_latency=2)
    book = MiniBook()
    result = run(seller, agent, venues={"book": book})
    ((time, said),) = agent.reasons()
    assert said is reason
    # What no venue trades may be refused before it is sent.
    assert time in ((7, 7 + latency) if reason is Reason.MARKET else (7 + latency,))
    assert agent.heard[0][1].order_id == ids[0]
    assert list(agent.ctx.open_orders) == [ids[0] + 1]
    assert [resting[0].owner for resting in book.resting] == ["seller", "x"]
    assert (len(result.fills), result.ledger.cash) == (0, {"seller": 0, "x": 0})
    frame = result.orders.frame().set_index("order_id")
    assert frame.outcome.drop(ids[0], errors="ignore").tolist() == ["live", "live"]
    if reason is not Reason.MARKET:
        assert frame.loc[ids[0], ["outcome", "filled", "cancelled", "expired"]].tolist() == ["rejected", 0, 0, 0]
    assert len(result.orders.digest()) == 64


@pytest.mark.parametrize(("reason", "changes"), BAD_FIELDS)
def test_a_bad_order_still_on_its_way_at_the_end_leaves_the_order_log_whole(reason, changes):
    agent = Scripted("x", {45: lambda ctx: ctx.submit(buy()._replace(**changes))}, order_latency=10)
    orders = run(agent, venues={"book": MiniBook()}).orders
    rows = orders.frame()[["outcome", "arrived"]].to_numpy().tolist()
    assert rows == [["live", -1]] or (rows == [] and reason is Reason.MARKET)
    assert len(orders.digest()) == 64


@pytest.mark.parametrize("market", ["", "B", None, 5, ["A"], {}, NAN])
def test_a_market_of_no_venue_is_a_rejected_report_also_beside_several_venues(market):
    agent = Scripted("x", {5: lambda ctx: ctx.submit(buy(market=market))}, report_latency=2)
    run(agent, venues={"a": PostedPrice(markets=("A",)), "c": PostedPrice(markets=("C",))})
    assert agent.reasons() == [(7, Reason.MARKET)]
    assert dict(agent.ctx.open_orders) == {}


def test_refused_orders_carry_the_same_labels_as_the_others():
    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy(0)), 2: lambda ctx: ctx.submit(buy(1))})
    frame = run(agent).orders.frame()
    assert frame.outcome.tolist() == ["rejected", "live"]
    assert frame.kind.tolist() == ["limit", "limit"]
    assert frame.tif.tolist() == ["gtc", "gtc"]


def test_a_message_the_venue_does_not_declare_is_refused_and_the_old_order_stays():
    def plan(ctx):
        ctx.reduce(1, quantity=2)
        ctx.replace(1, quantity=2)

    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy()), 2: plan})
    run(agent, venues={"book": MiniBook(messages=(Order,))})
    assert agent.reasons() == [(2, Reason.UNSUPPORTED)] * 2
    assert list(agent.ctx.open_orders) == [1]


# Paths of good orders


def _kinds(agent):
    return [(time, type(report).__name__, report.order_id) for time, report in agent.heard]


def test_submit_returns_the_id_at_once_and_the_view_shows_what_is_on_its_way():
    seen = []

    def plan(ctx):
        seen.extend([ctx.submit(buy(1)), ctx.submit(buy(2)), dict(ctx.open_orders)])

    agent = Scripted("x", {5: plan}, order_latency=3, report_latency=4)
    run(agent)
    assert seen[:2] == [1, 2]
    assert [(number, order.quantity) for number, order in seen[2].items()] == [(1, 1), (2, 2)]
    assert _kinds(agent) == [(12, "Accepted", 1), (12, "Accepted", 2)]


def test_cancel_while_in_flight_reaches_the_venue_after_the_order():
    def plan(ctx):
        ctx.cancel(ctx.submit(buy()))

    agent = Scripted("x", {5: plan}, order_latency=3)
    run(agent)
    assert _kinds(agent) == [(8, "Accepted", 1), (8, "Cancelled", 1)]
    assert dict(agent.ctx.open_orders) == {}


def test_a_double_cancel_is_refused_once_by_the_venue_and_then_at_once():
    def plan(ctx):
        ctx.cancel(1)
        ctx.cancel(1)

    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy()), 5: plan, 9: lambda ctx: ctx.cancel(1)})
    run(agent)
    assert _kinds(agent) == [(1, "Accepted", 1), (5, "Cancelled", 1), (5, "Rejected", 1), (9, "Rejected", 1)]
    assert agent.reasons() == [(5, Reason.UNKNOWN_ORDER), (9, Reason.UNKNOWN_ORDER)]


@pytest.mark.parametrize("order_id", [99, 0, -1, 2**80, NAN, None, "1", True, 1.0])
@pytest.mark.parametrize("action", ["cancel", "reduce", "replace"])
def test_an_unknown_or_misformed_id_is_a_rejected_report(order_id, action):
    def plan(ctx):
        match action:
            case "cancel":
                ctx.cancel(order_id)
            case "reduce":
                ctx.reduce(order_id, quantity=1)
            case _:
                ctx.replace(order_id, quantity=1)

    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy(7)), 5: plan}, report_latency=2)
    book = MiniBook()
    run(agent, venues={"book": book})
    ((time, reason),) = agent.reasons()
    assert time == 7
    assert reason in (Reason.UNKNOWN_ORDER, Reason.ORDER_ID)
    assert [(number, order.quantity) for number, order in agent.ctx.open_orders.items()] == [(1, 7)]
    assert [left for _, left in book.resting] == [7]


@pytest.mark.parametrize("message", [Reduce(1, 1), Replace(1, buy(1))], ids=["reduce", "replace"])
def test_reduce_and_replace_are_calls_of_their_own(message):
    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy(7)), 5: lambda ctx: ctx.submit(message)})
    with pytest.raises(PluginError, match=r"call ctx\.re(duce|place)"):
        run(agent)


@pytest.mark.parametrize("action", ["cancel", "reduce", "replace"])
def test_anothers_order_is_out_of_reach_and_out_of_sight(action):
    views = []

    def plan(ctx):
        if action == "cancel":
            ctx.cancel(1)
        elif action == "reduce":
            ctx.reduce(1, quantity=1)
        else:
            ctx.replace(1, quantity=1)
        views.extend(ctx.open_orders.values())

    victim = Scripted("victim", {1: lambda ctx: ctx.submit(sell(7, 123))})
    thief = Scripted("thief", {5: plan}, report_latency=2)
    book = MiniBook()
    result = run(victim, thief, venues={"book": book})
    assert [reason in (Reason.NOT_OWNER, Reason.UNKNOWN_ORDER) for _, reason in thief.reasons()] == [True]
    assert views == []  # above all no price, side and market of the other's order
    assert _kinds(victim) == [(1, "Accepted", 1)]
    assert [(order.owner, left) for order, left in book.resting] == [("victim", 7)]
    assert dict(thief.ctx.open_orders) == {}
    assert not (result.orders.frame().owner[1:] == "victim").any()


def test_a_reduced_order_keeps_its_place_and_a_replaced_one_loses_it():
    first = Scripted("first", {1: lambda ctx: ctx.submit(buy(10)), 3: lambda ctx: ctx.reduce(1, quantity=4)})
    second = Scripted("second", {2: lambda ctx: ctx.submit(buy(5))})
    taker = Scripted("taker", {4: lambda ctx: ctx.submit(sell(7)), 6: lambda ctx: ctx.submit(sell(2))})
    first.plan[5] = lambda ctx: ctx.submit(buy(5, 99)) and ctx.replace(4, quantity=5, price=100)
    result = run(first, second, taker)
    makers = [(fill.owner, fill.quantity) for _, fill in [*first.heard, *second.heard] if type(fill) is Fill]
    assert makers == [("first", 6), ("second", 1), ("second", 2)]
    assert first.ctx.open_orders[5].quantity == 5
    frame = result.orders.frame().set_index("order_id")
    assert frame.loc[1, ["filled", "cancelled", "outcome"]].tolist() == [6, 4, "filled"]
    assert frame.loc[4, ["cancelled", "outcome"]].tolist() == [5, "cancelled"]


def test_replace_of_a_filled_order_is_refused_whole():
    def fills(ctx):
        ctx.submit(sell(10))

    # The agent sends the replacement while the report of the fill is still on its way.
    agent = Scripted(
        "x", {1: lambda ctx: ctx.submit(buy(10)), 6: lambda ctx: ctx.replace(1, quantity=3)}, report_latency=4
    )
    result = run(agent, Scripted("y", {5: fills}))
    assert _kinds(agent) == [(5, "Accepted", 1), (9, "Fill", 1), (10, "Rejected", 3)]
    assert dict(agent.ctx.open_orders) == {}
    assert result.orders.frame().outcome.tolist() == ["filled", "filled", "rejected"]


@pytest.mark.parametrize("quantity", [0, -1, NAN, INF, True, 1.5, 2**80, "5", None])
@pytest.mark.parametrize("action", ["reduce", "replace"])
def test_a_bad_quantity_in_a_change_is_refused_and_the_order_stays(quantity, action):
    agent = Scripted(
        "x", {1: lambda ctx: ctx.submit(buy(7)), 5: lambda ctx: getattr(ctx, action)(1, quantity=quantity) and None}
    )
    result = run(agent)
    assert agent.reasons() == [(5, Reason.QUANTITY)]
    assert [(number, order.quantity) for number, order in agent.ctx.open_orders.items()] == [(1, 7)]
    assert len(result.orders.digest()) == 64


def test_changes_take_numpy_integers_as_the_builders_do():
    def plan(ctx):
        ctx.reduce(1, quantity=np.int64(2))
        ctx.replace(1, quantity=np.int64(3), price=np.int64(99))

    agent = Scripted("x", {1: lambda ctx: ctx.submit(buy(7)), 5: plan})
    run(agent)
    assert agent.reasons() == []
    assert [(order.quantity, order.price) for order in agent.ctx.open_orders.values()] == [(3, 99)]


actions = st.tuples(
    st.sampled_from(["buy", "sell", "ioc", "cancel", "reduce", "replace"]),
    st.integers(1, 9),
    st.integers(97, 103),
    st.integers(1, 12),
)
scripts = st.dictionaries(st.integers(1, 30), st.lists(actions, max_size=3), max_size=15)


def _does(todo):
    def plan(ctx):
        for action, quantity, price, order_id in todo:
            if action in {"buy", "sell", "ioc"}:
                tif = TimeInForce.IOC if action == "ioc" else TimeInForce.GTC
                ctx.submit(limit_order("A", SELL if action == "sell" else BUY, quantity=quantity, price=price, tif=tif))
            elif order_id in ctx.open_orders:
                if action == "cancel":
                    ctx.cancel(order_id)
                elif action == "reduce":
                    ctx.reduce(order_id, quantity=quantity)
                else:
                    ctx.replace(order_id, quantity=quantity, price=price)

    return plan


@settings(max_examples=60, deadline=None)
@given(st.lists(scripts, min_size=1, max_size=3), st.integers(0, 4), st.integers(0, 4))
def test_once_all_reports_are_in_the_view_is_the_log_and_the_ledger(plans, order_latency, report_latency):
    agents = [
        Scripted(f"agent {place}", {time: _does(todo) for time, todo in plan.items()}, order_latency, report_latency)
        for place, plan in enumerate(plans)
    ]
    book = MiniBook()
    result = run(*agents, venues={"book": book}, horizon=60)
    log = result.orders.frame()
    log["left"] = log.quantity - log.filled - log.cancelled - log.expired
    for agent in agents:
        own = log[(log.owner == agent.agent_id) & (log.outcome == "live")]
        view = {number: order.quantity for number, order in agent.ctx.open_orders.items()}
        assert view == dict(zip(own.order_id, own.left, strict=True))
        assert agent.ctx.cash == result.ledger.cash[agent.agent_id]
        assert agent.ctx.inventory("A") == result.ledger.inventory[agent.agent_id].get("A", 0)
    assert {order.order_id: left for order, left in book.resting} == dict(
        zip(log[log.outcome == "live"].order_id, log[log.outcome == "live"].left, strict=True)
    )
    assert (log[log.outcome.isin(["filled", "cancelled", "expired"])].left == 0).all()
