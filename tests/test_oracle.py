"""The book and the auction against their oracles: published clears, brute force over all prices, random messages."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random

import pytest
from attrs import astuple, define

from marketsim.errors import ConfigError
from marketsim.types import Fill, Order, OrderKind, Reason, Reduce, Rejected, Side, TimeInForce, limit_order
from venues._oracle import clearing_price, interval, rationed
from venues._traffic import Call, Cancel, traffic
from venues.clearing import ALLOCATIONS, PRICE_RULES, Claim, clear, ration
from venues.clob import ContinuousBook
from venues.differential import Driver, first_difference, pairs, run_differential, run_named
from venues.fba import BatchAuction
from venues.oracle import OracleAuction, OracleBook

BUY, SELL = Side.BUY, Side.SELL


def oracle_clear(bids, asks, *, rule="midpoint", reference=None, k=Fraction(1, 2), step=1):
    volume, low, high = interval(bids, asks, widest=rule == "volume_midpoint")
    price = clearing_price(low, high, rule=rule, reference=reference, k=k, step=step) if volume else None
    return (None, 0, None, None) if price is None else (price, volume, low, high)


# Published clears (Xetra market model; Euronext, pure market orders): the oracle must know them by itself.


@pytest.mark.parametrize(
    ("bids", "asks", "price", "volume"),
    [
        ([(202, 200), (201, 200), (200, 300)], [(200, 100), (198, 200), (197, 400)], 200, 700),
        ([(202, 400), (201, 200)], [(199, 300), (198, 200)], 201, 500),
        ([(202, 300), (201, 200)], [(199, 400), (198, 200)], 199, 500),
        ([(None, 40)], [(998, 40)], 1000, 40),
        ([(None, 40)], [(998, 41)], 998, 40),
        ([(None, 40)], [(1002, 40)], 1002, 40),
        ([(None, 50), (1010, 90), (990, 10)], [(None, 40), (1008, 100), (1015, 60)], 1008, 140),
        ([(None, 50), (1010, 90), (990, 10), (None, 20)], [(None, 40), (1008, 100), (1015, 60)], 1010, 140),
    ],
)
def test_the_oracle_gives_published_prices(bids, asks, price, volume):
    assert oracle_clear(bids, asks, rule="reference", reference=1000)[:2] == (price, volume)
    came = clear(bids, asks, rule="reference", reference=1000)
    assert (came.price, came.volume) == (price, volume)


def test_the_oracle_gives_published_fills():
    venue = OracleAuction(("A",), 1, price_rule="reference", reference={"A": 1000}, allocation="time")
    mtl = OrderKind.MARKET_TO_LIMIT
    orders = [
        Order("A", BUY, 50, None, mtl, order_id=1, owner="a"),
        Order("A", BUY, 90, 1010, order_id=2, owner="b"),
        Order("A", BUY, 10, 990, order_id=3, owner="c"),
        Order("A", SELL, 40, None, mtl, order_id=4, owner="d"),
        Order("A", SELL, 100, 1008, order_id=5, owner="e"),
        Order("A", SELL, 60, 1015, order_id=6, owner="f"),
        Order("A", BUY, 20, None, OrderKind.MARKET, TimeInForce.IOC, order_id=7, owner="g"),
    ]
    for order in orders:
        venue.submit(order, 0)
    legs = [report for report in venue.clock(1) if type(report) is Fill]
    assert {leg.owner: leg.quantity for leg in legs} == {"a": 50, "g": 20, "b": 70, "d": 40, "e": 100}
    assert {leg.price for leg in legs} == {1010}


# Brute force: small books, every price.


def random_side(rng, most=5):
    unpriced = rng.choice((0.0, 0.2))
    return [
        (None if rng.random() < unpriced else rng.randint(-4, 7), rng.randint(1, 5))
        for _ in range(rng.randint(0, most))
    ]


def by_every_price(bids, asks, *, widest):
    """(volume, lowest fair price, highest fair price) of all prices from -20 to 20."""
    best, fair = 0, []
    for price in range(-20, 21):
        demand = sum(lots for limit, lots in bids if limit is None or limit >= price)
        supply = sum(lots for limit, lots in asks if limit is None or limit <= price)
        volume = min(demand, supply)
        if volume > best:
            best, fair = volume, []
        if volume == best:
            fair.append(price)
    if widest:
        return best, fair[0], fair[-1]
    for orders, sign in (bids, 1), (asks, -1):
        unpriced = sum(lots for limit, lots in orders if limit is None)
        limits = sorted(((sign * limit, lots) for limit, lots in orders if limit is not None), reverse=True)
        # The best limit that is left unfilled in part, when the best ones are served first.
        served = max(best - unpriced, 0)
        for limit, lots in limits:
            if lots > served:
                fair = [price for price in fair if sign * price >= limit]
                break
            served -= lots
    return best, fair[0], fair[-1]


@pytest.mark.parametrize("part", range(4))
def test_volume_interval_and_price_equal_brute_force_over_all_prices(part):
    rng = Random(f"books/{part}")
    crossed = 0
    for number in range(25_000):
        bids, asks = random_side(rng), random_side(rng)
        rule = PRICE_RULES[number % 4]
        rules = {
            "rule": rule,
            "reference": rng.choice((None, rng.randint(-9, 12))),
            "k": Fraction(rng.randint(0, 6), 6),
        }
        came = clear(bids, asks, **rules)
        assert astuple(came) == oracle_clear(bids, asks, **rules), (bids, asks, rules)
        if not came.volume:
            continue
        crossed += 1
        volume, low, high = by_every_price(bids, asks, widest=rule == "volume_midpoint")
        assert came.volume == volume, (bids, asks)
        if rule == "volume_midpoint":
            limits = [limit for limit, _ in bids + asks if limit is not None]
            low, high = (max(low, min(limits)), min(high, max(limits))) if limits else (None, None)
        assert (came.low, came.high) == (None if low == -20 else low, None if high == 20 else high), (bids, asks)
        assert all((low is None or low <= came.price, high is None or came.price <= high)), (bids, asks)
    assert crossed > 10_000


def random_claims(rng, step):
    side, price = rng.choice((BUY, SELL)), rng.randint(-2, 4)
    ids = rng.sample(range(1, 30), rng.randint(1, 8))
    return (
        side,
        price,
        [
            Claim(rng.choice((None, *range(-3, 6))), step * rng.randint(1, 9), rng.randint(0, 2), order_id)
            for order_id in ids
        ],
    )


@pytest.mark.parametrize("rule", ALLOCATIONS)
def test_rationing_equals_its_statement(rule):
    rng, rationings = Random(f"ration/{rule}"), 0
    for _ in range(8_000):
        step = rng.choice((1, 1, 3))
        side, price, claims = random_claims(rng, step)
        limit = [step * 0 if c.price is not None and side * c.price < side * price else c.quantity for c in claims]
        volume = step * rng.randint(0, sum(limit) // step)
        shares = ration(side, price, volume, claims, rule=rule, step=step)
        assert shares == rationed(side, price, volume, claims, rule=rule, step=step), (side, price, volume, claims)
        assert sum(shares) == volume
        rationings += 0 < volume < sum(limit)
    assert rationings > 4_000


def fills_of_one_batch(orders, **options):
    venue = BatchAuction(("A",), 10, min_price=None, **options)
    for order in orders:
        venue.submit(order, 3)
    return {leg.order_id: (leg.price, leg.quantity) for leg in venue.clock(10) if type(leg) is Fill}


def random_batch(rng):
    return [
        limit_order("A", rng.choice((BUY, SELL)), quantity=rng.randint(1, 9), price=rng.randint(98, 102))._replace(
            order_id=order_id, owner="ann"
        )
        for order_id in range(1, rng.randint(3, 12))
    ]


@pytest.mark.parametrize("allocation", [rule for rule in ALLOCATIONS if rule != "time"])
def test_arrival_inside_a_batch_changes_no_price_no_volume_and_no_fill_by_more_than_a_lot(allocation):
    rng, moved = Random(f"permutation/{allocation}"), 0
    for _ in range(1_000):
        orders = random_batch(rng)
        shuffled = rng.sample(orders, len(orders))
        fills = fills_of_one_batch(orders, allocation=allocation)
        assert fills_of_one_batch(shuffled, allocation=allocation) == fills
        # Now with ids by the new order of arrival, which settle equal remainders.
        renumbered = [order._replace(order_id=place) for place, order in enumerate(shuffled, 1)]
        again = fills_of_one_batch(renumbered, allocation=allocation)
        assert sum(lots for _, lots in again.values()) == sum(lots for _, lots in fills.values())
        assert {price for price, _ in again.values()} == {price for price, _ in fills.values()}
        for old, new in zip(shuffled, renumbered, strict=True):
            difference = fills.get(old.order_id, (0, 0))[1] - again.get(new.order_id, (0, 0))[1]
            assert abs(difference) <= 1
            moved += difference != 0
    assert moved > 0


def test_arrival_inside_a_batch_matters_under_time_priority_but_not_to_price_and_volume():
    rng, moved = Random("permutation/time"), 0
    for _ in range(300):
        orders = random_batch(rng)
        fills = fills_of_one_batch(orders, allocation="time")
        again = fills_of_one_batch(orders[::-1], allocation="time")
        assert {price for price, _ in again.values()} == {price for price, _ in fills.values()}
        assert sum(lots for _, lots in again.values()) == sum(lots for _, lots in fills.values())
        moved += again != fills
    assert moved > 50


# Differential: random messages, every answer and every state.

# (venue, place among its options, messages, seed), in parts that can run side by side: a million messages, nine more.
CASES = [pytest.param("clob", part % 5, 90_000, part, id=f"clob-{part}") for part in range(10)]
CASES += [pytest.param("fba", part, 20_000, part, id=f"fba-{part}") for part in range(5)]
MORE = [pytest.param("clob", part % 5, 500_000, 100 + part, id=f"clob-{part}") for part in range(15)]
MORE += [pytest.param("fba", part % 5, 100_000, 100 + part, id=f"fba-{part}") for part in range(15)]


@pytest.mark.parametrize(("name", "place", "messages", "seed"), CASES)
def test_no_difference_on_random_messages(name, place, messages, seed):
    venue_factory, oracle_factory = pairs(name)[place]
    found = run_differential(venue_factory, oracle_factory, messages, seed)
    assert found is None, str(found)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "place", "messages", "seed"), MORE)
def test_no_difference_on_more_random_messages(name, place, messages, seed):
    venue_factory, oracle_factory = pairs(name)[place]
    found = run_differential(venue_factory, oracle_factory, messages, seed)
    assert found is None, str(found)


@pytest.mark.parametrize("self_trade", ["allow", "cancel-maker"])
def test_no_difference_in_a_long_queue_that_loses_orders_everywhere(self_trade):
    """Random streams hardly make a level that outlives hundreds of its orders."""
    rng, calls = Random(f"queue/{self_trade}"), []
    for order_id in range(1, 1_200):
        owner = f"owner{order_id % 7}"
        calls.append(Call(0, limit_order("A", SELL, quantity=3, price=100)._replace(order_id=order_id, owner=owner)))
        if order_id > 60:
            old = order_id - rng.randint(1, 60)
            calls.append(Call(0, Cancel(old, f"owner{old % 7}")))
        if rng.random() < 0.3:
            buy = limit_order("A", BUY, quantity=rng.randint(1, 4), price=100, tif=TimeInForce.IOC)
            calls.append(Call(0, buy._replace(order_id=10_000 + order_id, owner=owner)))
    options = {"self_trade": self_trade}
    assert first_difference(ContinuousBook(("A",), **options), OracleBook(("A",), **options), calls, every=50) is None


def test_named_venues_only():
    with pytest.raises(ConfigError, match="wanted one of clob, fba"):
        run_named("pool", 10, 1)


@pytest.mark.parametrize(
    ("name", "never"),
    [
        ("clob", {Reason.SELF_TRADE, Reason.CLOSED}),
        ("fba", {Reason.POST_ONLY, Reason.NO_LIQUIDITY, Reason.CLOSED}),
    ],
)
def test_random_messages_reach_every_answer(name, never):
    seen, reasons = Counter(), Counter()
    for _, oracle_factory in pairs(name):
        for run in range(12):
            oracle = oracle_factory()
            driver, grid = Driver(oracle), (oracle.price_step, oracle.quantity_step)
            for call in traffic(Random(run), oracle.markets, 400, grid=grid):
                answers = driver.answer(call, fully=False)
                for report in answers.clock + answers.reports:
                    seen[type(report).__name__] += 1
                    if type(report) is Rejected:
                        reasons[report.reason] += 1
    assert sorted(seen) == ["Accepted", "Cancelled", "Expired", "Fill", "Rejected"]
    assert min(seen.values()) > 100
    assert [reason for reason in Reason if reason not in reasons] == [each for each in Reason if each in never]


def test_the_same_seed_gives_the_same_messages():
    streams = [repr(list(traffic(Random(seed), ("A", "B"), 200))) for seed in (1, 1, 2)]
    assert streams[0] == streams[1] != streams[2]


# A comparison that finds nothing must be able to find something.


@define(eq=False)
class Spoilt:
    """A book with a bug: `spoil` rewrites a message or a list of reports."""

    markets: tuple[str, ...] = ("A", "B")
    bug: str = ""
    book: ContinuousBook = None
    fee: int = 0

    def __attrs_post_init__(self):
        self.book = ContinuousBook(self.markets, taker_fee_ppm=self.fee)

    def submit(self, message, now):
        if self.bug == "loses priority" and type(message) is Reduce:
            old = [each for market in self.markets for each in self.book.orders(market)]
            reports = self.book.submit(message, now)
            for each in old:
                if each.order_id == message.order_id and getattr(reports[0], "remaining", 0):
                    self.book.cancel(each.order_id, each.owner, now)
                    self.book.submit(each._replace(quantity=reports[0].remaining), now)
            return reports
        if type(message) is Order and self.bug == "ignores post-only":
            message = message._replace(post_only=False) if message.post_only is True else message
        if type(message) is Order and self.bug == "fills part of a FOK" and message.tif is TimeInForce.FOK:
            message = message._replace(tif=TimeInForce.IOC)
        if self.bug == "raises" and type(message) is Order and message.quantity == 1:
            raise ZeroDivisionError
        return self.book.submit(message, now)

    def cancel(self, order_id, owner, now):
        if self.bug == "cancels another's":
            for market in self.markets:
                for each in self.book.orders(market):
                    owner = each.owner if each.order_id == order_id else owner
        return self.book.cancel(order_id, owner, now)

    def state(self, market):
        state = self.book.state(market)
        return state._replace(bids=state.bids[:-1]) if self.bug == "hides a level" and len(state.bids) > 2 else state

    def estimate_impact(self, market, side, quantity):
        return self.book.estimate_impact(market, side, quantity)

    def clock(self, now):
        return []

    def next_clock(self, now):
        return None


@pytest.mark.parametrize(
    ("bug", "most"),
    [
        ("loses priority", 4),
        ("ignores post-only", 2),
        ("fills part of a FOK", 3),
        ("cancels another's", 2),
        ("hides a level", 3),
        ("raises", 1),
    ],
)
def test_a_planted_bug_is_found_and_shrunk(bug, most):
    found = run_differential(lambda: Spoilt(bug=bug), lambda: OracleBook(("A", "B")), 20_000, 3)
    assert found is not None
    assert len(found.calls) <= most, str(found)


def test_a_difference_prints_a_program_that_shows_it(capsys):
    def wrong():
        return ContinuousBook(("A", "B"), self_trade="cancel-maker")

    found = run_differential(wrong, lambda: OracleBook(("A", "B"), self_trade="cancel-taker"), 20_000, 3)
    assert len(found.calls) == 2
    exec(compile(str(found), "difference", "exec"), {})  # noqa: S102 the program is our own
    place, expected, got = capsys.readouterr().out.splitlines()
    assert (place, expected, got) == ("1", str(found.expected), str(found.got))


def test_an_oracle_that_raises_is_no_difference():
    with pytest.raises(ZeroDivisionError):
        run_differential(lambda: ContinuousBook(("A", "B")), lambda: Spoilt(bug="raises"), 2_000, 3)
