"""The study through the event loop: recorded trades at one `ReplayVenue` per exchange, and a `Router` among them.

Step i + 1 of the engine is bucket i of the panel: at it the venues hear all trades of the bucket, and after them the
router wakes. What is measured comes from the fill and quote logs of the run alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen
from numpy.typing import NDArray

from agents.routing.paths import LABEL, regrets
from agents.routing.policy import Policy
from agents.routing.router import Router
from experiments.routing.buckets import Panel
from experiments.routing.study import ROUTER, lost
from experiments.routing.tapes import Tapes
from marketsim import Simulation
from marketsim.errors import ConfigError
from marketsim.metrics import QuoteHistory, markouts_to_mid
from marketsim.result import Result
from marketsim.tape import TradeFeed, TradeTape
from venues.replay import ReplayVenue

MARKET = "market"
SIZE = 2**40
"""Lots that may be sold at a recorded price: the study is of where to sell, not of how much."""
HORIZONS = (1, 10, 100)
"""Buckets after a fill at which it is marked."""
_TICKS = tuple(10.0**-k for k in range(9))
_CLOSE = 1e-4


@frozen(eq=False)
class EngineRun:
    """What one run through the event loop decided and got.

    Args:
        contexts, bits, choices: of every decision, in order.
        regrets: of every decision, 2 for a miss that could have been a hit, judged by the quote log at the bucket's
            close.
        shortfalls: of every fill, the best price that could be had at that moment less its own, price units.
        markouts: of every fill at `HORIZONS` against its venue's price then, price units per lot (fills, horizons).
        unfilled: decisions without a fill.
    """

    contexts: NDArray[np.int64]
    bits: NDArray[np.int64]
    choices: NDArray[np.int64]
    regrets: NDArray[np.int64]
    shortfalls: NDArray[np.float64]
    markouts: NDArray[np.float64]
    unfilled: int


def tick_of(panel: Panel) -> float:
    """The largest power of ten, 1 at most, of which every price of the panel is a multiple.

    Raises:
        ConfigError: prices are finer than 1e-8.
    """
    prices = np.unique(panel.prices[~np.isnan(panel.prices)])
    for tick in _TICKS:
        counts = prices / tick
        # A price is the float nearest to a decimal: off by far less than a part of a tick that could be meant.
        if (np.abs(counts - np.round(counts)) < _CLOSE).all():
            return tick
    raise ConfigError(f"tick_of: got prices finer than {_TICKS[-1]}, wanted multiples of a power of ten")


def feeds_of(tapes: Tapes, panel: Panel, *, buckets: int, tick_size: float) -> list[TradeFeed]:
    """The trades of the first `buckets` buckets, told at step i + 1 for bucket i.

    What a venue traded last before the panel begins is told with its first bucket, whose price it is until it trades.
    """
    start, stop = int(panel.starts[0]), int(panel.starts[0]) + buckets * panel.width
    feeds = []
    for venue, tape in tapes.trades.items():
        if tape is None:
            continue
        first, last = (int(place) for place in np.searchsorted(tape.times, [start, stop]))
        first = max(first - 1, 0)
        if first == last:
            continue
        part = TradeTape(np.maximum(tape.times[first:last], start), tape.prices[first:last], name=tape.name)
        feeds.append(TradeFeed(part, MARKET, venue, tick_size=tick_size, step=panel.width, start=start - 1))
    return feeds


def replay(
    tapes: Tapes,
    panel: Panel,
    policy: Policy,
    *,
    seed: int,
    mode: str,
    knows: str,
    buckets: int,
    context_venue: int = 0,
) -> EngineRun:
    """Route through the first `buckets` buckets; ties are shared.

    Args:
        tapes, panel: the same trades, as they came and cut into buckets.
        policy: which routes.
        seed: of the router's draws: those of the batched study at the same seed.
        mode: "fixed" or "random" context venue.
        knows: "last", or "label", for which the router is told the panel's labels.
        buckets: at least 2; one less decisions are made.
    """
    if not 2 <= buckets <= len(panel):
        raise ConfigError(f"replay: got {buckets} buckets, wanted 2 to {len(panel)}")
    labels = panel.labels().tolist()
    router = Router(
        ROUTER,
        MARKET,
        panel.venues,
        policy,
        bucket=1,
        mode=mode,
        context_venue=context_venue,
        context=knows,
        labels=(lambda bucket: labels[bucket - 1] if bucket <= buckets else None) if knows == LABEL else None,
    )
    tick_size = tick_of(panel)
    venues = {venue: ReplayVenue((MARKET,), size=SIZE) for venue in panel.venues}
    feeds = feeds_of(tapes, panel, buckets=buckets, tick_size=tick_size)
    result = Simulation(venues=venues, agents=[router], sources=feeds, seed=seed).run(buckets)
    return _measured(result, router, panel.venues, tick_size)


def _measured(result: Result, router: Router, venues: tuple[str, ...], tick_size: float) -> EngineRun:
    horizon = result.horizon
    # The last decision is about a bucket that the run does not reach.
    made = [decision for decision in router.decisions if decision.bucket <= horizon]
    contexts, bits, choices = (
        np.array([getattr(each, name) for each in made], np.int64) for name in ("context", "bit", "choice")
    )
    fills = result.fills.frame()
    place = {decision.order_id: number for number, decision in enumerate(made)}
    fills = fills[(fills["owner"] == router.agent_id) & fills["order_id"].isin(list(place))]
    rows = fills["order_id"].map(place).to_numpy(np.int64)
    times = fills["time"].to_numpy(np.int64)
    quotes = QuoteHistory(result.quotes)
    sold = np.array([venues.index(venue) for venue in fills["venue"]], np.int64)
    now = _prices(quotes, venues, times)
    # A choice that found nobody to sell to has missed as well: regret is about every decision.
    labels = _labels(_prices(quotes, venues, np.array([decision.time for decision in made], np.int64) + 1))
    gaps = lost(now, contexts[rows][None], sold[None], router.policy.may_choose_context)[0]
    allowed = router.policy.may_choose_context
    # `regrets` leaves out the first row of a panel, which is about no decision.
    padded = np.concatenate([labels[:1], labels])
    marks = markouts_to_mid(fills, result.quotes, HORIZONS, end=horizon)
    return EngineRun(
        contexts,
        bits,
        choices,
        regrets(padded, contexts, choices, may_choose_context=allowed),
        gaps * tick_size,
        marks * tick_size,
        len(made) - len(fills),
    )


def _prices(quotes: QuoteHistory, venues: tuple[str, ...], times: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.stack([quotes.at(venue, MARKET, "last_price", times) for venue in venues], axis=1)


def _labels(prices: NDArray[np.float64]) -> NDArray[np.int64]:
    known = np.where(np.isnan(prices), -np.inf, prices)
    return np.where(known == known.max(axis=1, keepdims=True, initial=-np.inf), 1, -1)


def engine_table(runs: dict[str, tuple[EngineRun, bool]]) -> pd.DataFrame:
    """A row per agent: decisions, regret, shortfall and markouts, and whether the batched path decided alike."""
    rows: list[dict[str, Any]] = []
    for agent, (run, alike) in runs.items():
        means = [float(np.nanmean(column)) if (~np.isnan(column)).any() else np.nan for column in run.markouts.T]
        marks = {f"markout_{horizon}": mean for horizon, mean in zip(HORIZONS, means, strict=True)}
        row = {"agent": agent, "decisions": len(run.choices), "unfilled": run.unfilled, "alike": alike}
        row |= {"regret": int(run.regrets.sum()), "shortfall": float(np.mean(run.shortfalls))}
        rows.append(row | marks)
    return pd.DataFrame(rows)
