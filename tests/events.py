"""An event of two outcomes, orders on them, and a run of it."""

from __future__ import annotations

from marketsim.fairvalue import ProbabilityMartingale
from marketsim.information import PublicNews
from marketsim.resolution import resolution
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from marketsim.types import Side, limit_order, market_order

PAYOUT, HORIZON, RESOLVES = 1000, 400, 300
BUY, SELL = Side.BUY, Side.SELL
MARKETS = ("yes", "no")


def event(news=(), *, outcome="yes", accuracy=0.9, horizon=HORIZON, resolves=RESOLVES, payout=PAYOUT):
    return ProbabilityMartingale(
        prior={"yes": 0.5, "no": 0.5}, outcome=outcome, horizon=horizon, news_times=[time for time, _ in news],
        news=[named for _, named in news], accuracy=accuracy, payout=payout, resolves=resolves,
    )  # fmt: skip


def drawn(seed, **changed):
    options = {"news_per_step": 0.02, "accuracy": 0.7, "resolves": RESOLVES} | changed
    return ProbabilityMartingale.draw(Streams(seed).stream("world"), HORIZON, **options)


def run(venue, truth, *agents, seed=1, information=None, horizon=HORIZON):
    return Simulation(
        venues={"event": venue},
        agents=agents,
        fair_value=truth,
        information=information or PublicNews(),
        sources=[resolution(truth)],
        seed=seed,
    ).run(horizon)


def order(order_id, side, quantity, price=None, *, market="yes", owner="ann"):
    made = market_order(market, side, quantity=quantity)
    if price is not None:
        made = limit_order(market, side, quantity=quantity, price=price)
    return made._replace(order_id=order_id, owner=owner, venue="event")
