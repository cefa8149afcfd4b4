"""An agent that trades nothing and writes down the public book, in the layout of recorded level-2 data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field

from marketsim.checks import delay, integer, name, names, optional
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Levels, Side, VenueState

if TYPE_CHECKING:
    import pandas as pd

LEVELS_MAX = 20


def snapshot_columns(levels: int = LEVELS_MAX) -> list[str]:
    """Names of the columns of a level-2 snapshot, after its time stamp `origin_time`.

    >>> snapshot_columns(1)
    ['bid_0_price', 'bid_0_size', 'ask_0_price', 'ask_0_size']
    """
    return [
        f"{side}_{level}_{what}" for level in range(levels) for side in ("bid", "ask") for what in ("price", "size")
    ]


@define
class BookRecorder:
    """Looks at the public state of its markets at every review, and sees what its market-data delay lets it see.

    It shows the levels that a venue publishes, as many as the venue's own `depth` (10 where nothing else is set). Pools
    publish no levels: of them it shows what the next blocks of `block` lots cost each, to the tick that is worse for
    the taker, blocks at one price as one level. A replay of trades has no levels of a book either: what it publishes,
    and this shows on both sides, is the last recorded price with the lots that it still offers there.

    Args:
        markets: what to record.
        venue: where; None: the one venue of each market.
        levels: a side, at most.
        block: lots, see above.
        review_interval: steps between looks.
        market_data_delay: steps.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from agents.bootstrap import BootstrapLadder
    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=5)
    >>> recorder = BookRecorder("recorder", ("ACME",), levels=2)
    >>> result = Simulation(venues={"book": ContinuousBook(("ACME",))}, agents=[ladder, recorder]).run(300)
    >>> frame = recorder.frame("ACME", step_ns=1_000_000, tick_size=0.01)
    >>> frame.shape, frame.loc[0, ["bid_0_price", "bid_0_size", "ask_1_price"]].tolist()  # units of money and quantity
    ((3, 9), [9.99, 5.0, 10.02])
    """

    agent_id: str = field(validator=name)
    markets: tuple[str, ...] = field(validator=names)
    venue: str | None = field(default=None, validator=optional(name))
    levels: int = field(default=LEVELS_MAX, validator=integer(1, LEVELS_MAX))
    block: int = field(default=10, validator=integer(1))
    review_interval: int = field(default=100, validator=integer(1))
    market_data_delay: Delay = field(default=0, validator=delay)
    role: str = field(default="recorder", validator=name)
    _seen: dict[str, list[tuple[int, Levels, Levels]]] = field(factory=dict, init=False, repr=False)

    def review(self, ctx: Context) -> None:
        for market in self.markets:
            state = ctx.state(market, venue=self.venue)
            bids, asks = self._side(state, Side.SELL), self._side(state, Side.BUY)
            self._seen.setdefault(market, []).append((ctx.now, bids, asks))

    def frame(
        self, market: str, *, step_ns: int, origin_ns: int = 0, tick_size: float = 1.0, lot_size: float = 1.0
    ) -> pd.DataFrame:
        """The snapshots of `market`, one row a review.

        Args:
            step_ns: nanoseconds a step.
            origin_ns: time of step 0, in nanoseconds since 1970.
            tick_size: units of money per tick.
            lot_size: units of quantity per lot.

        Returns:
            `origin_time` (UTC, when the agent saw it, so later than the book was by its delay) and
            `snapshot_columns(levels)` in units of money and quantity. A level that is not there has price nan, size 0.

        Raises:
            ConfigError: a market that it does not record, or an argument out of bounds.
        """
        import pandas as pd

        if market not in self.markets:
            raise ConfigError(f"BookRecorder.frame: market: got {market!r}, wanted one of {', '.join(self.markets)}")
        if type(step_ns) is not int or step_ns < 1 or type(origin_ns) is not int or not (tick_size > 0 < lot_size):
            got = f"got step_ns={step_ns!r}, origin_ns={origin_ns!r}, tick_size={tick_size!r}, lot_size={lot_size!r}"
            raise ConfigError(
                f"BookRecorder.frame: {got}; wanted whole nanoseconds, a step of at least 1, sizes above 0"
            )
        rows = self._seen.get(market, [])
        table = np.zeros((len(rows), self.levels, 2, 2))  # row, level, side, price or size
        table[..., 0] = np.nan
        for row, (_, *sides) in zip(table, rows, strict=True):
            for side, levels in enumerate(sides):
                row[: len(levels), side] = np.reshape(levels, (len(levels), 2))
        table *= tick_size, lot_size
        times = np.array([time for time, *_ in rows], dtype=np.int64) * step_ns + origin_ns
        frame = pd.DataFrame(table.reshape(len(rows), 4 * self.levels), columns=pd.Index(snapshot_columns(self.levels)))
        frame.insert(0, "origin_time", pd.to_datetime(times, unit="ns", utc=True))
        return frame

    def _side(self, state: VenueState, side: Side) -> Levels:
        """What an order of `side` would meet."""
        best, levels = (state.best_ask, state.asks) if side is Side.BUY else (state.best_bid, state.bids)
        if levels or best is None or state.impact is None:
            return levels[: self.levels]
        return _blocks(state, side, self.block, self.levels)


def _blocks(state: VenueState, side: Side, block: int, levels: int) -> Levels:
    found: dict[int, int] = {}
    lots_before = money_before = 0
    worst = None
    for number in range(1, levels + 1):
        lots, money = state.estimate(side, number * block)
        taken, paid = lots - lots_before, money - money_before
        if taken <= 0:
            break
        price = -(-paid // taken) if side is Side.BUY else paid // taken
        # A pool rounds the whole sum, so that a block can come out a tick better than the one before.
        worst = price if worst is None else side * max(side * worst, side * price)
        found[worst] = found.get(worst, 0) + taken
        lots_before, money_before = lots, money
    return tuple((price, lots) for price, lots in found.items() if price > 0)
