"""Recorded quotes and trades of several publishers, in ticks, lots and nanoseconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from marketsim.errors import ConfigError
from marketsim.types import Levels, Side

Ints = NDArray[np.int64]


class BadRow(NamedTuple):
    """A row that is no quote: where it stands, what came and what was wanted.

    `row` is the line of a CSV file, the header being line 1, or the row of a Parquet file, from 1.

    >>> print(BadRow("quotes.csv", 2, "ask_px_00", "1.005", "a multiple of 0.01"))
    quotes.csv, row 2, column 'ask_px_00': got '1.005', wanted a multiple of 0.01
    """

    file: str
    row: int
    column: str
    got: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, column {self.column!r}: got {self.got!r}, wanted {self.wanted}"


@frozen(eq=False, kw_only=True)
class Ladder:
    """One side of every quote: prices in ticks and sizes in lots, (quotes, levels), best first; size 0: no level.

    >>> asks = Ladder(prices=np.array([[101, 102], [101, 0]]), sizes=np.array([[5, 8], [3, 0]]))
    >>> asks.levels(0), asks.levels(1)  # (ticks, lots)
    (((101, 5), (102, 8)), ((101, 3),))
    """

    prices: Ints
    sizes: Ints

    def levels(self, quote: int) -> Levels:
        """The levels of one quote."""
        pairs = zip(self.prices[quote].tolist(), self.sizes[quote].tolist(), strict=True)
        return tuple((price, size) for price, size in pairs if size)

    def take(self, keep: NDArray[np.bool_]) -> Ladder:
        """The quotes where `keep` is true."""
        return Ladder(prices=self.prices[keep], sizes=self.sizes[keep])


@frozen(eq=False, kw_only=True)
class QuoteTape:
    """Quotes, by time, and the trades that were recorded with them.

    Args:
        name: the file.
        publishers: their ids as in the file, by number where all are numbers.
        times: (quotes,), ns since 1970, never falling.
        publisher: (quotes,), index into `publishers`.
        bids: None where the file has none.
        asks: as `bids`.
        trade_times: (trades,), ns, never falling.
        trade_publisher: (trades,), index into `publishers`.
        trade_prices: (trades,), ticks.
        trade_sizes: (trades,), lots.
        tick_size: units of money per tick.
        lot_size: units of quantity per lot.
        hidden: how many trades were left out because their price is no whole number of ticks.
        repeated: rows of each publisher that came after another of the same time stamp; their quotes are left out,
            their trades are not.
        bad: rows that were left out, in the order of the file.

    `experiments.quotes.read.read_quotes` makes one from a file. By hand, two quotes without bids or trades:

    >>> none, asks = np.array([], dtype=np.int64), Ladder(prices=np.array([[101], [102]]), sizes=np.array([[5], [3]]))
    >>> trades = dict.fromkeys(("trade_times", "trade_publisher", "trade_prices", "trade_sizes"), none)
    >>> quotes = {"times": np.array([1000, 3000]), "publisher": np.array([0, 0]), "bids": None, "asks": asks}
    >>> tape = QuoteTape(name="by hand", publishers=("2",), **quotes, **trades)
    >>> len(tape), tape.index("2"), tape.side(Side.SELL).levels(1)
    (2, 0, ((102, 3),))
    """

    name: str
    publishers: tuple[str, ...]
    times: Ints
    publisher: Ints
    bids: Ladder | None
    asks: Ladder
    trade_times: Ints
    trade_publisher: Ints
    trade_prices: Ints
    trade_sizes: Ints
    tick_size: float = 0.01
    lot_size: float = 1.0
    hidden: int = 0
    repeated: dict[str, int] = field(factory=dict)
    bad: tuple[BadRow, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def index(self, publisher: str) -> int:
        """The number of a publisher.

        Raises:
            ConfigError: it is none of the tape's.
        """
        if publisher not in self.publishers:
            wanted = ", ".join(self.publishers)
            raise ConfigError(f"{self.name}: publisher: got {publisher!r}, wanted one of {wanted}")
        return self.publishers.index(publisher)

    def side(self, side: Side) -> Ladder:
        """Where orders of `side` rest: the bids of BUY, the asks of SELL.

        Raises:
            ConfigError: bids, where the file has none.
        """
        ladder = self.bids if side is Side.BUY else self.asks
        if ladder is None:
            raise ConfigError(f"{self.name}: got a question about bids, wanted one about asks: the file has no bids")
        return ladder
