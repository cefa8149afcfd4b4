"""The router in the engine: the batched path's decisions, at recorded and at simulated venues."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from attrs import define

from agents.routing import paths
from agents.routing.catalogue import policy
from agents.routing.gibbs import Gibbs
from agents.routing.router import Router, labels_of
from marketsim import Simulation
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from marketsim.tape import TradeFeed, TradeTape
from marketsim.types import Side, limit_order, market_order
from tests.agents.routing.panels import seen, switching
from venues.clob import ContinuousBook
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.replay import ReplayVenue

BUCKET, N = 10, 5
VENUES = tuple(f"v{k}" for k in range(N))


def tapes(labels, *, seed: int = 0):
    """A trade at each venue at a random step of each bucket, dearer by one tick where the label is +1."""
    rng = Streams(seed).stream("tapes")
    starts = BUCKET * np.arange(len(labels))
    prices = 1000.0 + np.cumsum(rng.integers(-3, 4, len(labels)))
    return [TradeTape(starts + rng.integers(0, BUCKET, len(labels)), prices + (column > 0)) for column in labels.T]


def replayed(router, trades, buckets: int, *, seed: int = 4):
    feeds = [
        TradeFeed(tape, "A", venue, tick_size=1.0, step=1, start=0)
        for tape, venue in zip(trades, VENUES, strict=True)
        if tape is not None
    ]
    venues = {venue: ReplayVenue(("A",), size=100) for venue in VENUES}
    return Simulation(venues=venues, agents=[router], sources=feeds, seed=seed).run(buckets * BUCKET - 1)


def routed(labels, name="hidden-markov", *, context=paths.LAST, mode=paths.RANDOM, trades=None, **options):
    feed = None if context == paths.LAST else lambda k: labels[k].tolist() if k < len(labels) else None
    chosen = options.pop("policy", None) or policy(name)
    router = Router("router", "A", VENUES, chosen, bucket=BUCKET, mode=mode, context=context, labels=feed, **options)
    return router, replayed(router, tapes(labels) if trades is None else trades, len(labels))


def column(decisions, field):
    return [getattr(decision, field) for decision in decisions]


@pytest.mark.parametrize(
    ("name", "mode", "context"),
    [("ising", "random", "label"), ("thompson", "random", "last"), ("hidden-markov", "fixed", "last")],
)
def test_the_engine_decides_as_the_batched_path(name, mode, context):
    pytest.importorskip("jax")
    labels = switching(2051, stay=0.97)
    router, result = routed(labels, name, mode=mode, context=context)
    contexts, bits, draws = seen(router.policy, labels, mode=mode, context=context, seed=4)
    batched, _ = paths.follow_batched(router.policy, labels, contexts[None], bits[None], draws[None])
    made = router.decisions[: len(labels) - 1]
    assert len(made) >= 2000
    assert column(made, "bucket") == list(range(1, len(labels)))
    assert column(made, "context") == contexts.tolist()
    assert column(made, "bit") == bits.tolist()
    assert column(made, "choice") == batched[0].tolist()
    fills = result.fills.frame()
    assert fills[fills["owner"] == "router"]["venue"].tolist() == [
        VENUES[choice] for choice in column(made, "choice")
    ] + [VENUES[decision.choice] for decision in router.decisions[len(made) :]]


def test_it_sells_at_the_price_that_the_venue_showed_at_the_end_of_the_bucket():
    labels = switching(40)
    trades = tapes(labels)
    router, result = routed(labels, trades=trades)
    fills = result.fills.frame().query("owner == 'router'")
    for decision, fill in zip(router.decisions, fills.itertuples(), strict=True):
        assert (fill.order_id, fill.time, fill.side, fill.quantity) == (decision.order_id, decision.time, -1, 1)
        assert decision.time == decision.bucket * BUCKET - 1
        assert fill.price == trades[decision.choice].prices[decision.bucket - 1]


def test_the_future_changes_no_past_decision():
    labels, cut = switching(120, stay=0.9), 60
    other = np.concatenate([labels[: cut + 1], -labels[cut + 1 :]])
    first, second = (routed(rows, "ising")[0].decisions for rows in (labels, other))
    # What is decided for bucket cut + 1 is decided when bucket cut has closed.
    assert [d for d in first if d.bucket <= cut + 1] == [d for d in second if d.bucket <= cut + 1]
    assert first != second


def test_a_venue_without_a_price_never_wins_and_nothing_is_decided_without_one():
    labels = switching(30)
    trades = tapes(labels)
    trades[0] = None
    trades[1:] = [TradeTape(tape.times + 5 * BUCKET, tape.prices) for tape in trades[1:]]
    router, _ = routed(labels, trades=trades, mode=paths.FIXED)
    assert router.decisions[0].bucket == 6
    assert set(column(router.decisions, "bit")) == {-1}
    assert labels_of([None, None]) is None
    assert labels_of([None, 7, 5]) == [-1, 1, -1]


def test_thrml_inside_the_kernel():
    pytest.importorskip("thrml")
    labels, sampling = switching(60), Gibbs(warmup=5, samples=20, thinning=1)
    router, result = routed(labels, policy=policy("ising-source", inference=sampling))
    contexts, bits, draws = seen(router.policy, labels, mode=paths.RANDOM, context=paths.LAST, seed=4)
    batched, _ = paths.follow_batched(router.policy, labels, contexts[None], bits[None], draws[None])
    assert column(router.decisions[:-1], "choice") == batched[0].tolist()
    result.ledger.check()


@define
class Crowd:
    """One-sided flow at one venue: limits around 100 ticks where the venue takes them, else market orders."""

    agent_id: str
    venue: str
    side: Side
    limits: bool = True
    arrival_rate: float = 200.0

    def arrive(self, ctx):
        lots, price = int(ctx.rng.integers(1, 4)), 100 + int(ctx.rng.integers(-3, 4))
        if self.limits:
            order = limit_order("A", self.side, quantity=lots, price=price)
        else:
            order = market_order("A", self.side, quantity=lots)
        ctx.submit(order, venue=self.venue)


@pytest.mark.parametrize("price", ["last", "bid"])
def test_it_routes_among_a_book_an_auction_and_a_pool(price):
    venues = {
        "book": ContinuousBook(("A",)),
        "auction": BatchAuction(("A",), 10),
        "pool": ConstantProduct(("A",), 1000, 100_000, fee_ppm=3000),
    }
    names = tuple(venues)
    crowd = [Crowd(f"{side.name}-{venue}", venue, side, venue != "pool") for venue in names for side in Side]
    router = Router("router", "A", names, policy("ising"), bucket=20, quantity=2, mode="random", price=price)
    result = Simulation(venues=venues, agents=[router, *crowd], seed=3).run(3000)
    by_order = {decision.order_id: names[decision.choice] for decision in router.decisions}
    fills = result.fills.frame().query("owner == 'router'")
    assert len(router.decisions) > 130
    assert all(later.time - earlier.time == 20 for earlier, later in pairwise(router.decisions))
    assert set(fills["venue"]) == set(names)
    assert [by_order[row.order_id] for row in fills.itertuples()] == fills["venue"].tolist()
    result.ledger.check()


@pytest.mark.parametrize(
    "options",
    [
        {"venues": ("v0",)}, {"context_venue": 5}, {"context": "label"}, {"labels": lambda k: None},
        {"policy": policy("oracle")}, {"policy": None}, {"bucket": 0}, {"mode": "next"}, {"price": "mid"},
    ],
    ids=",".join,
)  # fmt: skip
def test_what_cannot_route_is_refused(options):
    settings = {"venues": VENUES, "policy": policy("ising"), **options}
    with pytest.raises(ConfigError):
        Router("router", "A", **settings)


def test_without_the_extra_routing_works_and_says_what_is_missing():
    program = (
        "import sys; sys.modules['jax'] = None\n"
        "import agents.routing.router, agents.routing.paths, agents.routing.catalogue as c, numpy as np\n"
        "def choose(router): router.choose(router.initial(3, np), 0, 1, np.full(router.n_draws(3), 0.5), np)\n"
        "choose(c.policy('ising'))\n"
        "try: choose(c.policy('ising', inference='thrml'))\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "needs jax" in done.stdout
    assert "`pip install '.[route]'`" in done.stdout
    light = (
        "import sys, agents.routing.router, agents.routing.catalogue, agents.routing.paths; print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
