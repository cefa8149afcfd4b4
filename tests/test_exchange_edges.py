"""Edges of what stands between agents and venues: gateway, exchange, ledger and the table of orders."""

from __future__ import annotations

import pytest

from marketsim.errors import ConservationError, PluginError
from marketsim.exchange import Exchange, is_well_formed
from marketsim.gateway import ORDER_ID_MAX, PRICE_MAX, check_order, check_order_id, check_quantity
from marketsim.ledger import Ledger
from marketsim.types import (
    Cancelled,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Settle,
    TimeInForce,
    VenueState,
    market_order,
)
from tests.small_market import BUY, SELL, MiniBook, PostedPrice
from venues.clob import ContinuousBook
from venues.hybrid import Hybrid


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1, "int -1"),
        (1.5, "float 1.5"),
        (2**127, f"int {2**127}"),  # of 128 bits, 39 digits
        (2**128, "int of 129 bits"),
        ("x" * 38, f"str '{'x' * 38}'"),  # 40 characters with its quotes
        ("x" * 39, f"str '{'x' * 36}..."),
        (b"x" * 100, f"bytes b'{'x' * 35}..."),
    ],
)
def test_a_refusal_writes_what_came_whole_or_its_beginning(value, said):
    assert check_quantity(value) == (Reason.QUANTITY, f"quantity: got {said}, wanted an int from 1 to 2**53")


@pytest.mark.parametrize("price", [PRICE_MAX, -PRICE_MAX])
def test_a_price_at_its_bound_is_not_what_is_wrong_with_an_order(price):
    order = Order("A", BUY, 1, price, OrderKind.LIMIT, TimeInForce.IOC, True, order_id=1, owner="ann")
    reason, detail = check_order(order, ("A",))
    assert reason is Reason.KIND
    assert detail.startswith("got kind OrderKind <OrderKind.LIMIT: 'limit'>, price int ")
    assert ", tif TimeInForce <TimeInForce.IOC: 'ioc'>, post_only bool True; " in detail


def test_the_largest_order_id_is_one():
    assert check_order_id(ORDER_ID_MAX) is None
    assert check_order_id(ORDER_ID_MAX + 1)[0] is Reason.ORDER_ID


@pytest.mark.parametrize("price", [PRICE_MAX, -PRICE_MAX])
def test_a_book_may_be_settled_at_the_bound_of_prices(price):
    assert ContinuousBook(("A",)).submit(Settle("A", price, "v"), 0) == []
    (refusal,) = ContinuousBook(("A",)).submit(Settle("A", price + (1 if price > 0 else -1), "v"), 0)
    assert refusal.reason is Reason.PRICE


def leg(owner, side, quantity, money, market="A"):
    return Fill(1, 0, owner, market, "v", 0, side, quantity, 100, money, 0, Liquidity.MAKER, None, None)


def test_what_a_match_leaves_over_is_told_with_its_sign():
    with pytest.raises(ConservationError, match=r"leaves 3 lots and -50 tick-lots"):
        Ledger().post([leg("ann", BUY, 5, 450), leg("bob", SELL, 2, 500)])


class Ending(MiniBook):
    """A book whose event resolves."""

    def submit(self, message, now):
        return [] if type(message) is Settle else MiniBook.submit(self, message, now)


def held(*venues):
    """An exchange of settling books named by `venues`, where ann is long ten lots and bob short."""
    exchange = Exchange({name: Ending(name, messages=(Order, Settle)) for name in venues}, {}, seed=3)
    exchange.ledger.post([leg("ann", BUY, 10, 1000), leg("bob", SELL, 10, 1000)])
    return exchange


@pytest.mark.parametrize("price", [PRICE_MAX, -PRICE_MAX])
def test_a_settlement_at_the_bound_of_prices_is_paid(price):
    exchange = held("one")
    exchange.submit("one", Settle("A", price, "one"), 5)
    assert exchange.ledger.cash == {"ann": 10 * price - 1000, "bob": 1000 - 10 * price}
    with pytest.raises(PluginError, match="cannot settle at"):
        held("one").submit("one", Settle("A", price + (1 if price > 0 else -1), "one"), 5)


def test_a_settlement_names_every_other_venue_of_the_market():
    with pytest.raises(PluginError, match=r"'A', which trades at two, three too: holdings have no venue"):
        held("one", "two", "three").submit("one", Settle("A", 7, "one"), 5)


class Curt(PostedPrice):
    """Refuses a mint without saying whose it was."""

    messages = (Order, Mint)

    def submit(self, message, now):
        return [Rejected(message.order_id, Reason.UNSUPPORTED)] if type(message) is Mint else []


def test_a_refusal_that_names_nobody_goes_to_the_sender():
    exchange = Exchange({"v": Curt()}, {}, seed=3)
    (delivery,) = exchange.submit("v", Mint("A", 5, order_id=3, owner="lp", venue="v"), 8)
    assert (delivery.owner, delivery.venue, delivery.refused) == ("lp", "v", [])
    assert [(report.owner, report.venue, report.time) for report in delivery.reports] == [("lp", "v", 8)]


def test_the_table_of_orders_says_what_became_of_every_lot():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    orders = exchange.orders

    def send(order_id, side, quantity, price, tif=TimeInForce.GTC):
        order = Order("A", side, quantity, price, tif=tif, order_id=order_id, owner="ann", venue="book")
        orders.submitted(order, order_id)
        if order_id < 5:
            exchange.submit("book", order, 10 * order_id)
        return order

    first = send(1, SELL, 10, 100)
    send(2, BUY, 4, 100)
    assert orders.live_order(1) == first
    assert orders.live_order(2) is None
    send(3, BUY, 9, 100, TimeInForce.IOC)
    send(4, BUY, 6, 90)
    exchange.submit("book", Reduce(4, 2, "ann", "book"), 44)
    exchange.cancel("book", 4, "ann", 45)
    send(5, BUY, 7, 90)
    rows = orders.close().frame().set_index("order_id")
    columns = ["quantity", "submitted", "arrived", "ended", "filled", "cancelled", "expired", "outcome"]
    assert [tuple(rows.loc[number, columns]) for number in range(1, 6)] == [
        (10, 1, 10, 30, 10, 0, 0, "filled"),
        (4, 2, 20, 20, 4, 0, 0, "filled"),
        (9, 3, 30, 30, 6, 0, 3, "expired"),
        (6, 4, 40, 45, 0, 6, 0, "cancelled"),
        (7, 5, -1, -1, 0, 0, 0, "live"),
    ]


def test_what_was_wrong_with_a_refused_order_is_left_out_of_its_row_and_the_rest_stays():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    good = Order("A", BUY, 5, 100, order_id=1, owner="ann", venue="book")
    bad = Order("A", 7, "ten", 2**60, "limit", None, order_id=2, owner="ann", venue="book")
    for order in (good._replace(market="Z"), bad):
        exchange.orders.submitted(order, 0)
        (delivery,) = exchange.submit("book", order, 1)
        assert delivery.refused == [order.order_id]
    rows = exchange.orders.close().frame().set_index("order_id")
    columns = ["side", "quantity", "kind", "tif", "outcome"]
    assert tuple(rows.loc[1, columns]) == (1, 5, "limit", "gtc", "rejected")
    assert tuple(rows.loc[2, columns]) == (0, 0, "limit", "None", "rejected")
    assert rows["price"].isna().tolist() == [False, True]


def test_a_refusal_amid_other_reports_hides_none_of_them():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    orders = exchange.orders
    orders.submitted(Order("A", BUY, 5, 100, order_id=1, owner="ann", venue="book"), 0)
    refusal = Rejected(9, Reason.UNKNOWN_ORDER, "ann", "A", "book", 1)
    assert orders.apply([refusal, Cancelled(1, "ann", "A", "book", 1, 5, 0)], 1, None) == []
    assert orders.live_order(1) is None


def test_a_refusal_amid_other_reports_is_no_cover_for_them():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    orders = exchange.orders
    orders.submitted(Order("A", BUY, 5, 100, order_id=1, owner="ann", venue="book"), 0)
    orders.arrived(1, 0)
    refusal = Rejected(9, Reason.UNKNOWN_ORDER, "ann", "A", "book", 1)
    with pytest.raises(ConservationError, match="had 5 lots left and loses 6"):
        orders.check(exchange.slots["book"], [refusal, Cancelled(1, "ann", "A", "book", 1, 6, 0)], 1, None, ())


@pytest.mark.parametrize("name", ["best_bid", "best_ask", "last_price"])
def test_a_price_of_a_state_is_none_or_an_int_that_is_no_nonsense(name):
    for price in (None, 0, 2**200, -(2**200)):
        assert is_well_formed(VenueState(**{name: price}))
    for price in (2**200 + 1, -(2**200) - 1, 1.0, True, "1"):
        assert not is_well_formed(VenueState(**{name: price}))


@pytest.mark.parametrize("name", ["bids", "asks"])
def test_each_side_of_a_state_is_a_tuple(name):
    assert not is_well_formed(VenueState(**{name: [(100, 1)]}))
    assert is_well_formed(VenueState(**{name: ((100, 1),)}))


def test_new_quotes_at_a_clock_are_recorded_though_no_report_tells_of_them():
    exchange = Exchange({"mix": Hybrid(("A", "B"), base=1, quote=1000, layer="ladder")}, {}, seed=3)
    order = market_order("A", BUY, quantity=100)._replace(order_id=1, owner="ann", venue="mix")
    exchange.orders.submitted(order, 4)
    exchange.submit("mix", order, 4)
    assert exchange.clock("mix", 5) == []
    seen = exchange.quotes.table.frame()
    seen = seen[seen["market"] == "A"].set_index("time")
    assert seen.loc[5, ["best_bid", "best_ask"]].tolist() == [1002, 1008]
    # It traded with the house twice, whose legs belong to no order.
    (row,) = exchange.orders.close().frame().itertuples()
    assert (row.filled, row.outcome) == (100, "filled")


def test_a_question_about_a_market_goes_to_the_venue_that_is_named():
    exchange = held("one", "two")
    assert [exchange.slot_of("A", name).name for name in ("two", "one")] == ["two", "one"]
