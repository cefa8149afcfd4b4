"""Draws the pictures of docs/ideas.md from real runs: `python docs/pictures/make.py [FOLDER]`.

Without a folder they are written beside this file. The same versions of marketsim and matplotlib give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from agents.belief import ScalarBelief
from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.pages import picture_of
from marketsim import Fill, Result, Side, Simulation, Streams, limit_order
from marketsim.fairvalue import LatentFactorWalk, PoissonJumps
from marketsim.information import PoissonSignals, PublicNews
from marketsim.metrics import markouts, markouts_to_mid
from venues.clob import ContinuousBook
from venues.fba import BatchAuction

BUY, SELL, TRUTH, GREY = "#1b6ca8", "#c1440e", "#222222", "#888888"
SEED = 3


def orders() -> list[Any]:
    """Forty limit orders of one lot around 100 ticks, buyers a little keener than sellers."""
    rng = Streams(SEED).stream("orders")
    sides = rng.permutation([Side.BUY, Side.SELL] * 20)
    prices = np.rint(100 + np.array(sides) * 1.5 + rng.normal(0, 5, 40)).astype(int)
    return [
        limit_order("ACME", Side(side), quantity=1, price=price)._replace(order_id=place, owner=f"trader {place}")
        for place, (side, price) in enumerate(zip(sides, prices, strict=True), start=1)
    ]


def mechanism(figure: Any) -> None:
    """The same forty orders in a book, as they come, and in one batch."""
    figure.subplots_adjust(left=0.07, right=0.99, top=0.9, bottom=0.16, wspace=0.2)
    left, right = figure.subplots(1, 2)
    book, auction, came = ContinuousBook(("ACME",)), BatchAuction(("ACME",), pi=40), orders()
    at_once = [
        (now, report.price) for now, order in enumerate(came) for report in book.submit(order, now)[:1]
        if isinstance(report, Fill)
    ]  # fmt: skip
    for now, order in enumerate(came):
        auction.submit(order, now)
    together = [report for report in auction.clock(40) if isinstance(report, Fill)]
    for side, colour, word in ((Side.BUY, BUY, "buy orders"), (Side.SELL, SELL, "sell orders")):
        some = [(now, order.price) for now, order in enumerate(came) if order.side is side]
        left.scatter(*zip(*some, strict=True), s=14, color=colour, alpha=0.5, label=word)
        prices = sorted((price for _, price in some), reverse=side > 0)
        right.step([0, *range(1, len(prices) + 1)], [prices[0], *prices], where="pre", color=colour, label=word)
    left.scatter(*zip(*at_once, strict=True), marker="x", color=TRUTH, label=f"{len(at_once)} trades, at these prices")
    lots, price = len(together) // 2, together[0].price
    right.axhline(price, color=TRUTH, linewidth=0.8, linestyle="--")
    right.plot([lots], [price], "o", color=TRUTH, label=f"{lots} trades, all at {price}")
    left.set(title="Continuous book", xlabel="time, steps", ylabel="price, ticks")
    right.set(title="Batch auction: the same orders, one price", xlabel="lots, keenest first", ylabel="price, ticks")
    right.set_xticks(range(0, 21, 5))
    left.set_ylim(84, 113)
    left.legend(fontsize=8, frameon=False, loc="lower left", ncols=3, columnspacing=1.0, handletextpad=0.2)
    right.legend(fontsize=8, frameon=False)


def truth_of(jumps: dict[int, float], horizon: int) -> PoissonJumps:
    """A value of 1000 ticks that jumps at these times by as many ticks."""
    return PoissonJumps(
        opening={"ACME": 1000.0},
        horizon=horizon,
        jump_times={"ACME": list(jumps)},
        jump_sizes={"ACME": list(jumps.values())},
    )


def jump_run(venue: Any, truth: PoissonJumps) -> Result:
    """A maker that hears of jumps after 50 steps, three snipers after one, and investors, at one venue."""
    agents = [
        NewsMaker("maker", "ACME", 1000.0, half_spread=2.0, observation_delay=50),
        *(Sniper(f"sniper {number}", "ACME") for number in range(3)),
        Investor("investor", "ACME", arrival_rate=5.0),
    ]
    simulation = Simulation(
        venues={"here": venue}, agents=agents, fair_value=truth, information=PublicNews(), seed=SEED
    )  # fmt: skip
    return simulation.run(truth.horizon)


def latency(figure: Any) -> None:
    """One jump of 10 ticks at step 120, in the book and in batches of 100 steps."""
    figure.subplots_adjust(left=0.07, right=0.99, top=0.9, bottom=0.16, wspace=0.08)
    panels = figure.subplots(1, 2, sharey=True)
    titles, truth = ("Continuous book", "Batch auction, pi = 100"), truth_of({120: 10.0}, 300)
    for panel, venue, title in zip(
        panels, (ContinuousBook(("ACME",)), BatchAuction(("ACME",), pi=100)), titles, strict=True
    ):
        result = jump_run(venue, truth)
        fills, sent = result.fills.frame(), result.orders.frame()
        panel.plot(range(301), truth.path("ACME"), color=TRUTH, drawstyle="steps-post", label="truth")
        quotes = sent.loc[sent["owner"] == "maker", ["arrived", "ended", "price", "side"]]
        for arrived, ended, price, side in quotes.to_numpy(float).tolist():
            until = ended if ended >= 0 else 300
            panel.plot([arrived, until], [price] * 2, color=BUY if side > 0 else SELL, linewidth=2.5)
        panel.plot([], [], color=BUY, linewidth=2.5, label="maker's bid")
        panel.plot([], [], color=SELL, linewidth=2.5, label="maker's ask")
        shot = fills[fills["owner"].str.startswith("sniper")]
        panel.plot(shot["time"], shot["price"], "x", color=TRUTH, markersize=9, label="a sniper trades")
        panel.axvspan(121, 170, color=GREY, alpha=0.15, linewidth=0, label="maker not told yet")
        panel.set(title=title, xlabel="time, steps")
    panels[0].set_ylabel("price, ticks")
    panels[0].legend(fontsize=8, frameon=False, loc="upper left")


def information(figure: Any) -> None:
    """A truth that nobody sees, noisy signals of it, and beliefs: told at once, and 300 steps late."""
    figure.subplots_adjust(left=0.07, right=0.97, top=0.96, bottom=0.16)
    panel, horizon = figure.subplots(), 4000
    truth = LatentFactorWalk.draw(Streams(SEED).stream("world"), horizon, ("ACME",), level=10.0)
    opening = truth.at("ACME", 0)
    source = PoissonSignals(routine_rate=12.0, routine_sigma=0.012).source(truth, horizon, Streams(SEED))
    signals = []
    while source.next_time() is not None:
        signals += source.emit(truth)
    steps = np.arange(0, horizon + 1, 10)
    panel.plot(steps, truth.values("ACME", steps), color=TRUTH, label="truth")
    panel.plot([each.time for each in signals], [each.value for each in signals], ".", color=GREY, label="signals")
    for delay, colour in ((0, BUY), (300, SELL)):
        belief, path = ScalarBelief(log(opening), 1e4, process_variance=2e-6), [(0, opening)]
        for signal in signals:
            belief.observe(log(signal.value), signal.sigma**-2, signal.time)
            path.append((signal.time + delay, exp(belief.mean)))
        panel.plot(*zip(*path, strict=True), color=colour, drawstyle="steps-post", label=f"belief, {delay} steps late")
    panel.set(xlabel="time, steps", ylabel="price, ticks", xlim=(0, horizon))
    panel.legend(fontsize=8, frameon=False, ncols=4)


def markout(figure: Any) -> None:
    """Markouts per lot by horizon in the book, at the truth and at the venue's mid."""
    figure.subplots_adjust(left=0.07, right=0.99, top=0.9, bottom=0.16, wspace=0.08)
    panels, horizon = figure.subplots(1, 2, sharey=True), 60_000
    signs = Streams(SEED).stream("signs").choice([-10.0, 10.0], 59).tolist()
    jumps = {1000 * place: sign for place, sign in enumerate(signs, start=1)}
    truth = truth_of(jumps, horizon)
    result = jump_run(ContinuousBook(("ACME",)), truth)
    later = [0, 1, 5, 10, 20, 30, 40, 45, 55, 60, 80, 100]
    marks = (
        markouts(result.fills, truth, later, end=horizon),
        markouts_to_mid(result.fills, result.quotes, later, end=horizon),
    )
    roles = np.array([result.role(owner) for owner in result.fills.columns()["owner"]])
    for panel, marked, what in zip(panels, marks, ("the truth", "the mid of the venue"), strict=True):
        for role, colour, word in (("sniper", SELL, "snipers"), ("lp", BUY, "market maker"), ("investor", GREY, None)):
            values = np.nanmean(marked[roles == role], axis=0)
            panel.plot(later, values, marker="o", markersize=3, color=colour, label=word or "investors")
        panel.axhline(0, color=TRUTH, linewidth=0.6)
        panel.set(title=f"Marked at {what}", xlabel="steps after the fill")
    panels[0].set_ylabel("markout, ticks per lot")
    panels[0].legend(fontsize=8, frameon=False)


PICTURES: dict[str, tuple[tuple[float, float], Callable[[Any], None]]] = {
    "mechanism": ((9.0, 3.4), mechanism),
    "latency": ((9.0, 3.4), latency),
    "information": ((9.0, 3.0), information),
    "markout": ((9.0, 3.2), markout),
}


def main(folder: Path) -> None:
    """Write every picture to `folder` as `<name>.svg`."""
    for name, (size, draw) in PICTURES.items():
        (folder / f"{name}.svg").write_bytes(picture_of(size, draw))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
