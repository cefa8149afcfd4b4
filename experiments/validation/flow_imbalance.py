"""Order-flow imbalance: how far one lot of net order flow at the best prices moves the mid.

On a stylised book with D lots at every price, a bid queue that is used up uncovers the next D lots, and a full one
grows a new best price a tick higher; the ask is its mirror. With L limit orders, C cancellations and M market orders on
a side, in lots, its best price then moves by (L - C - M) / D ticks up to rounding, and the mid by

    OFI / (2 D) + eps,  |eps| <= 1 tick,

where OFI, the order-flow imbalance, sums over all changes of the best quote the lots added to the bid and taken from
the ask, less those taken from the bid and added to the ask. A regression of mid changes on it has the slope 1 / (2 D).

Source: Cont, Kukanov and Stoikov, The price impact of order book events, Journal of Financial Econometrics 12(1), 2014,
section 2 (stylised order book).

The run: a continuous book with D = 10. A crowd posts and withdraws one lot at a time, on a random side, and a taker
sends market orders of one lot, so often that queues neither grow nor shrink on average; the book recorder sees every
state between two events, and OFI is computed from its snapshots. Spread and book are wide enough that bid and ask never
meet and never run out. A sample is the regression of one seed, over windows of 200 snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import define

from agents.recorder import BookRecorder
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Side, Simulation, Streams, limit_order, market_order
from marketsim.metrics import event_imbalance, impact_regression
from marketsim.metrics.logs import Floats
from marketsim.protocols import Context
from venues.clob import ContinuousBook

MARKET = "ACME"
OPENING, HALF_SPREAD, LEVELS = 1000, 15, 20
DEPTH = 10
CROWD, TAKER, SNAPSHOT = 10, 20, 5
"""Steps between two events or snapshots; market orders take half a crowd's interval to arrive."""
LIMIT_SHARE = 0.75
"""Of the crowd's events: what makes additions and removals balance."""
WINDOW = 200


@define
class Crowd:
    """Keeps D lots at every price behind the best, and adds or withdraws one lot at the best at every review."""

    agent_id: str = "crowd"
    review_interval: int = CROWD

    def start(self, ctx: Context) -> None:
        for side in Side:
            for level in range(LEVELS):
                # The best queue starts anywhere in its cycle.
                lots = DEPTH if level else int(ctx.rng.integers(1, DEPTH + 1))
                self._post(ctx, side, OPENING - side * (HALF_SPREAD + level), lots)

    def review(self, ctx: Context) -> None:
        side = _random_side(ctx)
        state = ctx.state(MARKET)
        price, lots = (state.bids if side is Side.BUY else state.asks)[0]
        if ctx.rng.random() < LIMIT_SHARE:
            self._post(ctx, side, price if lots < DEPTH else price + side, 1)
            return
        queue = [order for order in ctx.open_orders.values() if order.price == price]
        order = queue[int(ctx.rng.integers(len(queue)))]
        if order.quantity == 1:
            ctx.cancel(order.order_id)
        else:
            ctx.reduce(order.order_id, quantity=1)

    def _post(self, ctx: Context, side: Side, price: int, lots: int) -> None:
        ctx.submit(limit_order(MARKET, side, quantity=lots, price=price))


@define
class Taker:
    """Buys or sells one lot at every review, at random."""

    agent_id: str = "taker"
    review_interval: int = TAKER
    order_latency: int = CROWD // 2

    def review(self, ctx: Context) -> None:
        ctx.submit(market_order(MARKET, _random_side(ctx), quantity=1))


def _random_side(ctx: Context) -> Side:
    return Side.BUY if ctx.rng.random() < 0.5 else Side.SELL


def windows(seed: int, count: int) -> tuple[Floats, Floats]:
    """(OFI in lots, change of the mid in ticks) of `count` successive windows of one run."""
    recorder = BookRecorder("recorder", (MARKET,), levels=1, review_interval=SNAPSHOT)
    simulation = Simulation(
        venues={"clob": ContinuousBook((MARKET,), depth=1)}, agents=[Crowd(), Taker(), recorder], seed=seed
    )
    # One snapshot more than changes.
    simulation.run(SNAPSHOT * (WINDOW * count + 1))
    quotes = recorder.frame(MARKET, step_ns=1)
    bid, ask = quotes["bid_0_price"].to_numpy(), quotes["ask_0_price"].to_numpy()
    flow = event_imbalance(bid, quotes["bid_0_size"], ask, quotes["ask_0_size"])
    return flow.reshape(count, WINDOW).sum(axis=1), np.diff(((bid + ask) / 2)[::WINDOW])


def run(scale: Scale) -> Sequence[Line]:
    """The slope of the regression, and the largest residual of the identity."""
    seeds, count = scale.pick(quick=(10, 12), full=(60, 20))
    root = Streams(scale.seed)
    found = [windows(root.key(f"book {number}"), count) for number in range(seeds)]
    residuals = [change - flow / (2 * DEPTH) for flow, change in found]
    return [
        mean_line(
            "slope of mid changes on OFI: 1 / (2 D)",
            1 / (2 * DEPTH),
            [impact_regression(flow, change).slope for flow, change in found],
            unit="ticks per lot",
        ),
        Line(
            name="largest |eps| of a window",
            predicted=0.0,
            measured=max(float(np.abs(part).max()) for part in residuals),
            samples=seeds * count,
            allowed=1.0,
            because="queues at the ends of a window hold anything from 1 to D lots",
            unit="ticks",
        ),
    ]


CHECK = Check(name="flow-imbalance", title="Price impact of order-flow imbalance on a stylised book", run=run)
