"""Replays a quote tape: a venue for each publisher, and the source that tells them what was recorded."""

from __future__ import annotations

import numpy as np
from attrs import define, field

from experiments.quotes.tape import QuoteTape
from marketsim.checks import integer, kind, name, optional
from marketsim.errors import ConfigError
from marketsim.protocols import FairValue
from marketsim.table_files import STAMP_MAX
from marketsim.types import Feed
from venues.quote_replay import Quote, QuoteReplayVenue


def venue_name(publisher: str) -> str:
    """The name of the venue that replays the quotes of a publisher.

    >>> venue_name("2")
    'publisher-2'
    """
    return f"publisher-{publisher}"


@define(eq=False)
class QuoteFeed:
    r"""A source that tells each publisher's venue its quotes and trades. Used up by one run.

    They are told at the first step whose time stamp, `start` + t x `step`, is not before theirs, in the order of their
    time stamps; of one time stamp and publisher the quote comes first, for a trade's row shows the book before it.
    What was recorded before `start` is left out, but for the last quote of each publisher, which is told at step 0.

    Args:
        tape: the quotes.
        market: name that the messages carry.
        step: nanoseconds per step.
        start: time stamp of step 0, ns; by default that of the first quote.

    Raises:
        ConfigError: an argument out of bounds, or a tape without quotes.

    >>> from tempfile import NamedTemporaryFile
    >>> from experiments.quotes.read import read_quotes
    >>> header, rows = "ts_event,publisher_id,ask_px_00,ask_sz_00", ("1000,2,1.01,5", "3000,2,1.02,3")
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print(header, *rows, sep="\n", file=file, flush=True)
    ...     tape = read_quotes(file.name)
    >>> feed = QuoteFeed(tape, "ACME", step=1000)
    >>> feed.next_time(), feed.emit()
    (0, [Quote(market='ACME', bids=None, asks=((101, 5),), venue='publisher-2')])
    >>> feed.next_time()  # steps of 1000 ns
    2
    """

    tape: QuoteTape = field(validator=kind(QuoteTape))
    market: str = field(validator=name)
    step: int = field(default=1, kw_only=True, validator=integer(1, STAMP_MAX))
    start: int | None = field(default=None, kw_only=True, validator=optional(integer(-STAMP_MAX, STAMP_MAX)))
    # (step, row): rows below `len(tape)` are quotes, the others trades.
    _events: list[tuple[int, int]] = field(init=False, repr=False)
    _next: int = field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        tape = self.tape
        if not len(tape):
            raise ConfigError("QuoteFeed.tape: got no quotes, wanted at least one")
        start = int(tape.times[0]) if self.start is None else self.start
        times = np.concatenate((tape.times, tape.trade_times))
        late = times >= start
        for publisher in range(len(tape.publishers)):
            early = np.flatnonzero((tape.publisher == publisher) & (tape.times < start))
            late[early[-1:]] = True
        whose = np.concatenate((tape.publisher, tape.trade_publisher))
        order = np.lexsort((np.arange(len(times)), whose, np.maximum(times, start)))
        order = order[late[order]]
        steps = np.maximum(-((start - times[order]) // self.step), 0)
        self._events = list(zip(steps.tolist(), order.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self._events) - self._next

    def next_time(self) -> int | None:
        return self._events[self._next][0] if self._next < len(self._events) else None

    def emit(self, _truth: FairValue | None = None, /) -> list[Quote | Feed]:
        """What was recorded for `next_time()`."""
        first, now = self._next, self.next_time()
        while self._next < len(self._events) and self._events[self._next][0] == now:
            self._next += 1
        return [self._message(row) for _, row in self._events[first : self._next]]

    def _message(self, row: int) -> Quote | Feed:
        tape = self.tape
        if row < len(tape):
            bids = None if tape.bids is None else tape.bids.levels(row)
            venue = venue_name(tape.publishers[tape.publisher[row]])
            return Quote(self.market, bids, tape.asks.levels(row), venue)
        trade = row - len(tape)
        venue = venue_name(tape.publishers[tape.trade_publisher[trade]])
        return Feed(self.market, int(tape.trade_prices[trade]), int(tape.trade_sizes[trade]), venue)


def replay_venues(tape: QuoteTape, market: str, *, queue: str = "displayed") -> dict[str, QuoteReplayVenue]:
    r"""A venue for each publisher of a tape, by name; what leaves the best price of a tape without trades was traded.

    Args:
        tape: the quotes.
        market: that every venue trades.
        queue: of `QuoteReplayVenue`: what is ahead of a resting order.

    >>> from tempfile import NamedTemporaryFile
    >>> from experiments.quotes.read import read_quotes
    >>> header, rows = "ts_event,publisher_id,ask_px_00,ask_sz_00", ("1000,2,1.01,5", "3000,2,1.02,3")
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print(header, *rows, sep="\n", file=file, flush=True)
    ...     tape = read_quotes(file.name)
    >>> venues = replay_venues(tape, "ACME")
    >>> result = Simulation(venues=venues, sources=[QuoteFeed(tape, "ACME", step=1000)]).run(5)
    >>> venues["publisher-2"].state("ACME").asks  # (ticks, lots)
    ((102, 3),)
    """
    removals = "cancelled" if len(tape.trade_times) else "traded"
    return {
        venue_name(publisher): QuoteReplayVenue((market,), queue=queue, removals=removals)
        for publisher in tape.publishers
    }
