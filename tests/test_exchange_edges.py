"""Edges of what stands between agents and venues: gateway, exchange, ledger and the table of orders."""

from __future__ import annotations

import pytest

from marketsim.errors import ConfigError, ConservationError, PluginError
from marketsim.exchange import Exchange, is_well_formed
from marketsim.gateway import ORDER_ID_MAX, PRICE_MAX, check_order, check_order_id, check_quantity
from marketsim.kernel import TIME_MAX
from marketsim.ledger import Ledger
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Settle,
    TimeInForce,
    VenueState,
    market_order,
    rejected,
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


def test_what_a_market_leaves_over_is_told_with_its_sign():
    ledger = Ledger()
    ledger.inventory.update(ann={"A": 5}, bob={"A": -2})
    with pytest.raises(ConservationError, match=r"market 'A' over all accounts is 3 lots, not 0"):
        ledger.check()


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


def test_a_settlement_is_paid_under_match_id_0():
    fills = [report for delivery in held("one").submit("one", Settle("A", 7, "one"), 5) for report in delivery.reports]
    assert {(fill.owner, fill.side, fill.match_id, fill.order_id) for fill in fills} == {
        ("ann", SELL, 0, 0),
        ("bob", BUY, 0, 0),
    }


class Lasting(MiniBook):
    """A book whose event never resolves."""

    def submit(self, message, now):
        return rejected(message, Reason.UNSUPPORTED) if type(message) is Settle else MiniBook.submit(self, message, now)


def test_a_settlement_that_is_refused_pays_nothing():
    exchange = Exchange({"one": Lasting("one", messages=(Order, Settle))}, {}, seed=3)
    exchange.ledger.post([leg("ann", BUY, 10, 1000), leg("bob", SELL, 10, 1000)])
    (delivery,) = exchange.submit("one", Settle("A", 7, "one"), 5)
    assert delivery.owner == ""  # it was nobody's message
    assert exchange.ledger.cash == {"ann": -1000, "bob": 1000}
    assert exchange.ledger.inventory == {"ann": {"A": 10}, "bob": {"A": -10}}


class Curt(PostedPrice):
    """Refuses without saying whose it was."""

    messages = (Order, Replace, Mint)

    def submit(self, message, now):
        order = message.order if type(message) is Replace else message
        return [Rejected(order.order_id, Reason.UNSUPPORTED)]


def test_a_refusal_that_names_nobody_goes_to_the_sender():
    exchange = Exchange({"v": Curt()}, {}, seed=3)
    (delivery,) = exchange.submit("v", Mint("A", 5, order_id=3, owner="lp", venue="v"), 8)
    assert (delivery.owner, delivery.venue, delivery.refused) == ("lp", "v", [])
    assert [(report.owner, report.venue, report.time) for report in delivery.reports] == [("lp", "v", 8)]
    (delivery,) = exchange.submit("v", Reduce(5, 1, "ann", "v"), 8)
    assert delivery.reports[0].detail == "got Reduce, this venue takes Order, Replace, Mint"
    anew = Order("A", BUY, 5, 100, order_id=4, owner="bob", venue="v")
    exchange.orders.submitted(anew._replace(order_id=6, quantity=0), 8)
    (delivery,) = exchange.submit("v", anew._replace(order_id=6, quantity=0), 8)
    assert delivery.reports[0].detail == "quantity: got int 0, wanted an int from 1 to 2**53"
    exchange.orders.submitted(anew, 8)
    (delivery,) = exchange.submit("v", Replace(3, anew, "ann", "v"), 8)
    assert (delivery.owner, delivery.refused) == ("bob", [4])
    (delivery,) = exchange.cancel("v", 3, "lp", 9)
    assert (delivery.owner, [(report.owner, report.time) for report in delivery.reports]) == ("lp", [("lp", 9)])


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


class Mute:
    """Answers nothing when it is asked for its words."""

    def __str__(self):
        raise ValueError


def test_the_row_of_a_refused_order_says_in_words_what_is_no_kind_and_no_time_in_force():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    for order_id, kind, tif in ((1, 7, "ioc"), (2, Mute(), Mute())):
        order = Order("Z", BUY, 5, PRICE_MAX, kind, tif, order_id=order_id, owner="ann", venue="book")
        exchange.orders.submitted(order, 0)
        exchange.submit("book", order, 1)
    rows = exchange.orders.close().frame().set_index("order_id")[["market", "price", "kind", "tif"]]
    mute = "<Mute that cannot be written: ValueError>"
    assert tuple(rows.loc[1]) == ("Z", PRICE_MAX, "7", "ioc")
    assert tuple(rows.loc[2]) == ("Z", PRICE_MAX, mute, mute)


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


def test_an_order_may_come_to_rest_and_lose_lots_in_one_answer_and_more_than_once():
    exchange = Exchange({"book": MiniBook()}, {}, seed=3)
    orders = exchange.orders
    orders.submitted(Order("A", BUY, 9, 100, order_id=1, owner="ann", venue="book"), 0)
    orders.arrived(1, 0)
    rests = Accepted(1, "ann", "A", "book", 1, 9)
    reports = [
        rests,
        *(Expired(1, "ann", "A", "book", 1, lots) for lots in (2, 3)),
        Cancelled(1, "ann", "A", "book", 1, 4, 0),
    ]
    orders.check(exchange.slots["book"], reports, 1, None, ())
    orders.apply(reports, 1, None)
    (row,) = orders.close().frame().itertuples()
    assert (row.expired, row.cancelled, row.outcome) == (5, 4, "cancelled")


@pytest.mark.parametrize("name", ["mid_before", "mid_after"])
def test_a_mid_is_a_number_or_none(name):
    exchange = held("one")
    house = leg("house", BUY, 1, 100)._replace(order_id=0, venue="one")
    exchange.orders.check(exchange.slots["one"], [house], 0, None, ())
    for mid in ("100", True):
        with pytest.raises(PluginError, match="mids that are numbers or None"):
            exchange.orders.check(exchange.slots["one"], [house._replace(**{name: mid})], 0, None, ())


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


def test_what_a_mint_changes_is_recorded_under_the_market():
    exchange = Exchange({"mix": Hybrid(("A", "B"), base=10, quote=1000)}, {}, seed=3)
    exchange.submit("mix", Mint("A", 9900, order_id=3, owner="lp", venue="mix"), 4)
    seen = exchange.quotes.table.frame()
    seen = seen[seen["market"] == "A"].set_index("time")
    assert seen.loc[4, ["best_bid", "best_ask"]].tolist() == [99, 101]


def test_a_question_about_a_market_goes_to_the_venue_that_is_named():
    exchange = held("one", "two")
    assert [exchange.slot_of("A", name).name for name in ("two", "one")] == ["two", "one"]
    slot = exchange.slot_of("A", "two")
    assert exchange.estimate(slot, "A", BUY, 5, 0) == slot.venue.estimate_impact("A", BUY, 5)


@pytest.mark.parametrize("market", ["Z", None, 7, ["A"]])
def test_a_question_about_what_is_no_market_is_refused(market):
    with pytest.raises(ConfigError, match=r"no market .* at one"):
        held("one").slot_of(market, "one")


@pytest.mark.parametrize(("market", "found"), [("A", "one"), (None, "one"), ("Z", None), (7, None), (["A"], None)])
def test_a_message_goes_to_the_only_venue_of_its_market(market, found):
    assert held("one").venue_of(market, None) == found
    if found is not None:
        with pytest.raises(ConfigError, match="trades at one, two: say which"):
            held("one", "two").venue_of(market, None)


class Patient(PostedPrice):
    """Wants its clock at a time of its own."""

    def next_clock(self, now):
        return self.price


def test_the_last_time_of_all_is_a_time_for_a_clock():
    assert Exchange({"v": Patient(TIME_MAX)}, {}, seed=3).next_clock("v", 0) == TIME_MAX
    with pytest.raises(PluginError, match="wanted a later time or None"):
        Exchange({"v": Patient(TIME_MAX + 1)}, {}, seed=3).next_clock("v", 0)
