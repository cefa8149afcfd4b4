"""Two recorded order feeds, replayed message by message, against the books that their vendors published."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from decimal import Decimal
from pathlib import Path

from attrs import define, field

from marketsim.types import (
    Accepted,
    Cancelled,
    Fill,
    Levels,
    Order,
    Reduce,
    Side,
    TimeInForce,
    limit_order,
)
from tests.data import data_path
from venues.clob import ContinuousBook

NANO = 10**9  # ticks of 1e-9 USD: every recorded price is a whole number of them


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def nano(text: str) -> int:
    ticks = Decimal(text) * NANO
    if ticks != int(ticks):
        raise ValueError(f"price {text!r} is no whole number of 1e-9 USD")
    return int(ticks)


def levels(row: dict[str, str], side: str) -> list[tuple[int, int, int]]:
    """(price, quantity, number of orders) of the levels of a published row, best first."""
    names = [f"{side}_{{}}_{level:02d}" for level in range(10)]
    found = [(row[name.format("px")], row[name.format("sz")], row[name.format("ct")]) for name in names]
    return [(nano(price), int(size), int(count)) for price, size, count in found if price]


def shown(book: ContinuousBook) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    state = book.state("ARL")
    counts = Counter((order.side, order.price) for order in book.orders("ARL"))
    return (
        [(price, size, counts[Side.BUY, price]) for price, size in state.bids],
        [(price, size, counts[Side.SELL, price]) for price, size in state.asks],
    )


def test_databento_feed_gives_the_published_ten_levels_and_order_counts_at_every_row() -> None:
    folder = data_path("databento-arl-20250717-mbo")
    messages, published = rows(folder / "mbo.csv.gz"), rows(folder / "mbp10.csv.gz")
    book = ContinuousBook(("ARL",))
    sides = {"B": Side.BUY, "A": Side.SELL}
    after = {(row["sequence"], row["action"]): row for row in published}
    same = 0
    for now, row in enumerate(messages):
        order_id, quantity, sequence = int(row["order_id"]), int(row["size"]), row["sequence"]
        due = []
        if row["action"] == "A":
            order = limit_order("ARL", sides[row["side"]], quantity=quantity, price=nano(row["price"]))
            reports = book.submit(order._replace(order_id=order_id, owner="feed"), now)
            assert [type(report) for report in reports] == [Accepted]
            due.append(after.get((sequence, "A")))
        elif row["action"] == "C":
            reports = book.submit(Reduce(order_id, quantity, "feed"), now)
            assert [(type(report), report.quantity) for report in reports] == [(Cancelled, quantity)]
            due.append(after.get((sequence, "C")))
        if now + 1 == len(messages) or messages[now + 1]["sequence"] != sequence:
            # A published trade shows the book after the cancel that ends its sequence.
            due.append(after.get((sequence, "T")))
        same += sum(shown(book) == (levels(row, "bid"), levels(row, "ask")) for row in due if row is not None)
    assert (same, len(published) - 1) == (3927, 3927)  # the first row is the initial clear


FEED, OTHERS = "feed", "others"


@define
class LobsterReplay:
    """A LOBSTER day in one book: the feed's own orders, and anonymous ones for what only the published rows show.

    A level that leaves the ten shown is forgotten, for its changes are not in the file. A level that comes (back) into
    sight is one anonymous order of the published size, older than whatever the feed adds to it afterwards.
    """

    book: ContinuousBook = field(factory=lambda: ContinuousBook(("GOOG",), depth=11))
    anonymous: dict[tuple[Side, int], int] = field(factory=dict)
    ids: dict[Side, dict[int, dict[int, None]]] = field(factory=lambda: {Side.BUY: {}, Side.SELL: {}})
    next_id: int = 10**12
    executions: Counter[tuple[str, bool]] = field(factory=Counter)

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def add(self, side: Side, price: int, quantity: int, order_id: int, owner: str) -> None:
        order = limit_order("GOOG", side, quantity=quantity, price=price)._replace(order_id=order_id, owner=owner)
        reports = self.book.submit(order, 0)
        if [type(report) for report in reports] != [Accepted]:
            raise AssertionError(f"the feed says {order} rests, the book says {reports}")
        self.ids[side].setdefault(price, {})[order_id] = None

    def apply(self, kind: int, order_id: int, quantity: int, price: int, side: Side) -> None:
        if kind == 1:
            self.add(side, price, quantity, order_id, FEED)
        elif kind in {2, 3}:
            known = order_id in self.ids[side].get(price, {})
            target = order_id if known else self.anonymous[side, price]
            report = self.book.submit(Reduce(target, quantity, FEED if known else OTHERS), 0)[0]
            if type(report) is not Cancelled or report.quantity != quantity:
                raise AssertionError(f"the feed withdraws {quantity} of {order_id}, the book says {report}")
            if known and (report.remaining == 0) != (kind == 3):
                raise AssertionError(f"type {kind} leaves {report.remaining} lots of {order_id}")
            if report.remaining == 0:
                self.gone(side, price, target)
        elif kind == 4:
            self.execute(order_id, quantity, price, side)

    def execute(self, order_id: int, quantity: int, price: int, side: Side) -> None:
        """Send the order that must have caused the execution, and see which order it hits."""
        level = self.ids[side][price]
        complete = (side, price) not in self.anonymous
        taker = limit_order("GOOG", side.opposite, quantity=quantity, price=price, tif=TimeInForce.IOC)
        reports = self.book.submit(taker._replace(order_id=self.new_id(), owner="taker"), 0)
        hits = [report for report in reports if type(report) is Fill and report.owner != "taker"]
        if sum(hit.quantity for hit in hits) != quantity or any(hit.price != price for hit in hits):
            raise AssertionError(f"the feed executes {quantity} at {price}, the book says {reports}")
        named = [hit.order_id for hit in hits] == [order_id if order_id in level else self.anonymous[side, price]]
        self.executions["known queue" if complete else "partly known queue", named] += 1
        live = dict.fromkeys(order.order_id for order in self.front(side, price))
        for hit in hits:
            if hit.order_id not in live:
                self.gone(side, price, hit.order_id)
        if not named:
            self.repair(order_id, quantity, price, side, hits)

    def front(self, side: Side, price: int) -> list[Order]:
        return [order for order in self.book.orders("GOOG") if order.side is side and order.price == price]

    def repair(self, order_id: int, quantity: int, price: int, side: Side, hits: list[Fill]) -> None:
        """Follow the feed where it names another order than the first in the queue: rebuild the level as it says."""
        lost = [
            limit_order("GOOG", side, quantity=hit.quantity, price=price)._replace(
                order_id=hit.order_id, owner=hit.owner
            )
            for hit in hits
        ]
        queue: dict[int, Order] = {}
        for order in [*lost, *self.front(side, price)]:
            before = queue.get(order.order_id)
            queue[order.order_id] = order._replace(quantity=order.quantity + (before.quantity if before else 0))
        for order in self.front(side, price):
            self.book.cancel(order.order_id, order.owner, 0)
        anonymous = self.anonymous.get((side, price))
        self.ids[side].pop(price, None)
        left = queue[order_id].quantity - quantity
        if left < 0:
            raise AssertionError(f"the feed executes {quantity} of {order_id}, which has {queue[order_id].quantity}")
        queue[order_id] = queue[order_id]._replace(quantity=left)
        for order in queue.values():
            if order.quantity:
                self.add(side, price, order.quantity, order.order_id, order.owner)
        if anonymous in queue:
            self.anonymous[side, price] = anonymous

    def gone(self, side: Side, price: int, order_id: int) -> None:
        del self.ids[side][price][order_id]
        if self.anonymous.get((side, price)) == order_id:
            del self.anonymous[side, price]
        if not self.ids[side][price]:
            del self.ids[side][price]

    def follow(self, side: Side, published: Levels, seen: Levels) -> bool:
        """Compare with a published row, forget what it shows no more, and add what it newly shows at the bottom."""
        # One message brings at most one level into sight.
        same = seen[: len(published)] == published[: len(seen)] and len(seen) >= len(published) - 1
        for price, _ in seen[len(published) :]:
            for order in self.front(side, price):
                self.book.cancel(order.order_id, order.owner, 0)
                self.gone(side, price, order.order_id)
        for price, quantity in published[len(seen) :]:
            self.anonymous[side, price] = self.new_id()
            self.add(side, price, quantity, self.anonymous[side, price], OTHERS)
        return same


def lobster_levels(row: list[str], first: int) -> Levels:
    return tuple((int(row[at]), int(row[at + 1])) for at in range(first, 40, 4) if row[at + 1] != "0")


def table(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.reader(file))


def test_lobster_day_gives_the_published_book_and_executions_hit_the_order_that_the_feed_names() -> None:
    folder = data_path("lobster-goog-20120621-l10")
    stem = "GOOG_2012-06-21_34200000_57600000_"
    messages = table(folder / f"{stem}message_10.csv.gz")
    published = table(folder / f"{stem}orderbook_10.csv.gz")
    replay = LobsterReplay()
    replay.follow(Side.SELL, lobster_levels(published[0], 0), ())
    replay.follow(Side.BUY, lobster_levels(published[0], 2), ())
    same = 0
    for message, row in zip(messages[1:], published[1:], strict=True):
        kind, order_id, quantity, price, direction = map(int, message[1:])
        replay.apply(kind, order_id, quantity, price, Side(direction))
        state = replay.book.state("GOOG")
        asks_same = replay.follow(Side.SELL, lobster_levels(row, 0), state.asks)
        bids_same = replay.follow(Side.BUY, lobster_levels(row, 2), state.bids)
        same += asks_same and bids_same
    assert (same, len(published)) == (147_915, 147_916)  # the first row is where the replay starts
    # The five are the feed's own departures from time priority. The partly known queues are not evidence: what is
    # unknown is one anonymous order at their head.
    assert replay.executions == {
        ("known queue", True): 6944,
        ("known queue", False): 5,
        ("partly known queue", True): 815,
    }
