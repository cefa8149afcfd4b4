"""Changes of a message stream whose effect on the answers is known: shift, scale, mirror, delay, new names.

Each relation is checked on random streams: the changed stream must give the changed reports and states. There are five
for each venue and size of a change on every run, and every night as many as make ten thousand for each change.
"""

from __future__ import annotations

from random import Random

import pytest
from attrs import frozen

from marketsim.types import Accepted, Expired, Fill, Order, Reduce, Rejected, Replace, Side
from venues._traffic import Call, Cancel, traffic
from venues.clob import ContinuousBook
from venues.differential import Driver
from venues.fba import BatchAuction

MARKETS = ("A", "B")
LENGTH = 250
STREAMS, MANY = 5, 10_000
# Every id of a stream is at most this.
IDS = 130


@frozen
class Change:
    """price -> sign x price + shift, with the sides swapped if sign = -1; lots x scale; time + delay; new names."""

    sign: int = 1
    shift: int = 0
    scale: int = 1
    delay: int = 0
    ids: tuple[int, ...] = tuple(range(IDS))
    owners: tuple[str, ...] = ("ann", "bob", "cid", "dee")

    def price(self, price):
        return None if price is None else self.sign * price + self.shift

    def side(self, side):
        return Side(self.sign * side)

    def owner(self, owner):
        return self.owners[("ann", "bob", "cid", "dee").index(owner)]

    def message(self, message):
        message = message._replace(owner=self.owner(message.owner))
        if type(message) is Order:
            return message._replace(
                order_id=self.ids[message.order_id],
                side=self.side(message.side),
                quantity=self.scale * message.quantity,
                price=self.price(message.price),
            )
        message = message._replace(order_id=self.ids[message.order_id])
        if type(message) is Replace:
            return message._replace(order=self.message(message.order))
        return message._replace(quantity=self.scale * message.quantity) if type(message) is Reduce else message

    def call(self, call):
        return Call(call.now + self.delay, self.message(call.message))

    def report(self, report):
        report = report._replace(
            order_id=self.ids[report.order_id], owner=self.owner(report.owner), time=report.time + self.delay
        )
        if type(report) is Rejected:
            return report._replace(detail="")
        report = report._replace(quantity=self.scale * report.quantity)
        if type(report) is Fill:
            price, side = self.price(report.price), self.side(report.side)
            mids = {"mid_before": self.price(report.mid_before), "mid_after": self.price(report.mid_after)}
            money = price * report.quantity + side * report.fee
            return report._replace(price=price, side=side, money=money, **mids)
        return (
            report if type(report) in (Accepted, Expired) else report._replace(remaining=self.scale * report.remaining)
        )

    def reports(self, reports):
        return arranged([self.report(report) for report in reports])

    def state(self, state):
        best_bid, best_ask, bids, asks, last_price = state
        bids, asks = ([(self.price(price), self.scale * lots) for price, lots in side] for side in (bids, asks))
        out = [self.price(best_bid), self.price(best_ask), tuple(bids), tuple(asks), self.price(last_price)]
        if self.sign < 0:
            out[0:2], out[2:4] = out[1::-1], out[3:1:-1]
        return tuple(out)


def arranged(reports):
    """By market and side, since a clear lists the bids' legs first whichever they are; the order within each stays."""
    if all(type(report) is not Fill or report.liquidity.value != "auction" for report in reports):
        return reports
    return sorted(reports, key=lambda each: (each.market, type(each) is Expired, getattr(each, "side", 0)))


def check(venue, changed, change, seed, *, grid=(1, 1)):
    """Feed a stream to `venue` and the changed one to `changed`; the number of fills."""
    calls = list(
        traffic(
            Random(f"{change.sign}/{change.shift}/{change.scale}/{change.delay}/{seed}"),
            MARKETS,
            LENGTH,
            grid=grid,
            edges=False,
        )
    )
    one, other, fills = Driver(venue), Driver(changed, last=change.delay), 0

    def compare(call):
        came, wanted = other.answer(change.call(call), fully=False), one.answer(call, fully=False)
        where = f"seed {seed}: {call}"
        assert arranged(came.clock) == change.reports(wanted.clock), where
        assert arranged(plain(came.reports)) == change.reports(wanted.reports), where
        for market in MARKETS:
            assert changed.state(market)[:5] == change.state(venue.state(market)[:5]), where
        return sum(type(report) is Fill for report in wanted.clock + wanted.reports)

    for call in calls:
        fills += compare(call)
    # Withdraw everything that is left, so that what no report has shown comes out.
    now = calls[-1].now
    for order in [order for market in MARKETS for order in venue.orders(market)]:
        compare(Call(now, Cancel(order.order_id, order.owner)))
    compare(Call(now + 50, Cancel(1, "ann")))
    assert [venue.state(market)[:4] for market in MARKETS] == [(None, None, (), ())] * 2
    return fills


def plain(reports):
    return [report._replace(detail="") if type(report) is Rejected else report for report in reports]


BOOKS = [{"self_trade": rule} for rule in ("allow", "cancel-taker", "cancel-maker", "cancel-both", "decrement")]
AUCTIONS = [
    {"pi": 1, "price_rule": "midpoint", "allocation": "batch-pro-rata"},
    {"pi": 4, "price_rule": "reference", "allocation": "pro-rata", "published": "sealed"},
    {"pi": 3, "price_rule": "k", "k": 0.3, "allocation": "time", "self_trade": "refuse-newest"},
    {"pi": 5, "price_rule": "volume_midpoint", "allocation": "pro_rata_all"},
]
VENUES = [pytest.param(ContinuousBook, options, id=f"book-{options['self_trade']}") for options in BOOKS]
VENUES += [pytest.param(BatchAuction, options, id=f"auction-{options['price_rule']}") for options in AUCTIONS]

# Where no quantity is divided pro rata.
UNDIVIDED = [case for case in VENUES if case.values[1].get("allocation", "time") == "time"]


def streams(sizes=1, venues=VENUES):
    """Each venue with a few seeds and, in the slow test, with its own part of many."""
    many = -(-MANY // (len(venues) * sizes))
    cases = []
    for place, case in enumerate(venues):
        first = STREAMS + place * many
        cases.append(pytest.param(*case.values, range(STREAMS), id=case.id))
        cases.append(
            pytest.param(*case.values, range(first, first + many), id=f"{case.id}-many", marks=pytest.mark.slow)
        )
    return pytest.mark.parametrize(("venue", "options", "seeds"), cases)


def referred(venue, references):
    """A reference decides which way a price between two ticks goes: both streams need one, and the same one changed."""
    return {"reference": references} if venue is BatchAuction else {}


@streams(sizes=2)
@pytest.mark.parametrize("shift", [-250, 10**12])
def test_price_shift(venue, options, seeds, shift):
    change, fills = Change(shift=shift), 0
    for seed in seeds:
        one = venue(MARKETS, min_price=95, **options, **referred(venue, {"A": 100}))
        other = venue(MARKETS, min_price=95 + shift, **options, **referred(venue, {"A": 100 + shift}))
        fills += check(one, other, change, seed)
    assert fills > 12 * len(seeds)


@streams(sizes=2)
@pytest.mark.parametrize("shift", [0, 201])
def test_side_mirror(venue, options, seeds, shift):
    change, fills = Change(sign=-1, shift=shift), 0
    mirrored = {**options, "k": 1 - options["k"]} if "k" in options else options
    for seed in seeds:
        references = {"A": 99, "B": 100}
        one = venue(MARKETS, min_price=None, **options, **referred(venue, references))
        turned = {market: change.price(price) for market, price in references.items()}
        other = venue(MARKETS, min_price=None, **mirrored, **referred(venue, turned))
        fills += check(one, other, change, seed)
    assert fills > 12 * len(seeds)


@streams(sizes=2)
@pytest.mark.parametrize("scale", [2, 1_000_003])
def test_size_scale_with_the_lot_scaled(venue, options, seeds, scale):
    change, fills = Change(scale=scale), 0
    for seed in seeds:
        one, other = venue(MARKETS, **options), venue(MARKETS, quantity_step=scale, **options)
        fills += check(one, other, change, seed)
    assert fills > 12 * len(seeds)


@streams(venues=UNDIVIDED)
def test_size_scale_where_nothing_is_divided(venue, options, seeds):
    change, fills = Change(scale=7), 0
    for seed in seeds:
        fills += check(venue(MARKETS, **options), venue(MARKETS, **options), change, seed)
    assert fills > 12 * len(seeds)


@streams(sizes=2)
@pytest.mark.parametrize("periods", [1, 10**9])
def test_time_shift(venue, options, seeds, periods):
    """A book has no clock, so that any shift will do; an auction's batches move by whole batches."""
    change, fills = Change(delay=periods * options.get("pi", 1)), 0
    fees = {"fee_ppm": 700_000} if venue is BatchAuction else {"maker_fee_ppm": -100, "taker_fee_ppm": 300_000}
    for seed in seeds:
        fills += check(venue(MARKETS, **options, **fees), venue(MARKETS, **options, **fees), change, seed)
    assert fills > 12 * len(seeds)


@streams()
def test_relabelled_ids_in_their_order_and_owners_in_any(venue, options, seeds):
    change, fills = Change(ids=tuple(order_id**3 + 5 for order_id in range(IDS)), owners=("d", "c", "a", "b")), 0
    for seed in seeds:
        fills += check(venue(MARKETS, **options), venue(MARKETS, **options), change, seed)
    assert fills > 12 * len(seeds)


@streams(venues=UNDIVIDED)
def test_relabelled_ids_in_any_order_where_no_remainder_is_dealt_by_id(venue, options, seeds):
    fills = 0
    for seed in seeds:
        rng = Random(f"labels/{seed}")
        change = Change(ids=(0, *rng.sample(range(1, 10**6), IDS - 1)))
        fills += check(venue(MARKETS, **options), venue(MARKETS, **options), change, seed)
    assert fills > 12 * len(seeds)


def fills_of(venue, *orders):
    for order_id, side, price in orders:
        venue.submit(Order("A", side, 1, price, order_id=order_id, owner="ann"), 0)
    return {leg.order_id: leg.price for leg in venue.clock(venue.next_clock(0))}


def test_equal_remainders_go_by_id_so_that_the_order_of_ids_matters():
    """The limit of the relation above: under pro rata the same book with ids exchanged fills the other order."""
    venues = BatchAuction(MARKETS, 4), BatchAuction(MARKETS, 4)
    fills = [
        fills_of(venue, (one, Side.BUY, 100), (3 - one, Side.BUY, 100), (3, Side.SELL, 100))
        for venue, one in zip(venues, (1, 2), strict=True)
    ]
    assert fills == [{1: 100, 3: 100}] * 2


def test_a_mirror_without_a_reference_rounds_the_other_way():
    """Why the mirror test supplies one: with none, a price between two ticks goes to the lower."""
    orders = (1, Side.BUY, 101), (2, Side.SELL, 100)
    mirrored = (1, Side.SELL, 201 - 101), (2, Side.BUY, 201 - 100)
    assert set(fills_of(BatchAuction(MARKETS, 4), *orders).values()) == {100}
    assert set(fills_of(BatchAuction(MARKETS, 4), *mirrored).values()) == {100} != {201 - 100}
    for reference in (90, 110):
        one = BatchAuction(MARKETS, 4, reference={"A": reference})
        other = BatchAuction(MARKETS, 4, reference={"A": 201 - reference})
        (price,) = set(fills_of(one, *orders).values())
        assert set(fills_of(other, *mirrored).values()) == {201 - price}
