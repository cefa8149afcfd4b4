"""The configuration of an order-flow imbalance study: attrs classes, TOML in and out."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from experiments.features.labels import LabelPlan
from experiments.features.settings import check_embargo, check_whole_steps
from experiments.features.splits import SplitPlan
from experiments.features.windows import Grid
from experiments.limits import (
    AGENTS_MAX,
    BUCKET_MS_MAX,
    BUCKETS_MAX,
    LOTS_MAX,
    ROWS_MAX,
    SEED_MAX,
    SEEDS_MAX,
    TICKS_MAX,
)
from experiments.prediction.scores import AUC_ROWS_MIN
from experiments.strict import TomlForm
from marketsim import checks
from marketsim.checks import integer, kind, number, one_of
from marketsim.errors import ConfigError

SYNTHETIC = "synthetic"
VENUES = ("clob", "fba")
ROWS_MIN = 2 * AUC_ROWS_MIN
"""Rows of a split that an AUC needs at the very least: those of the class, and as many others."""


@frozen(kw_only=True)
class Market:
    """A simulated market of zero-intelligence flow, with an effect planted in its deeper levels or none.

    The effect: an agent works one order after another, each on a side drawn at random. It first shows its interest, one
    limit order a look, `behind` ticks behind the best price; then withdraws them and takes as many lots at market.

    Args:
        venue: "clob", or "fba" with a clear every `bucket_steps`.
        buckets: length of the recording.
        bucket_steps: steps of one bucket; one step is bucket_ms / bucket_steps.
        price: around which the book opens, in ticks.
        traders: of zero intelligence, each with one order at a time.
        width: of their band around the mid, as a fraction of it.
        quantity: lots an order.
        limits, takers: orders of the traders, and market orders of investors, in a bucket on average.
        effect: lots that the planted agent shows and then takes a look; 0: no such agent.
        behind: ticks behind the best price.
        looks: of each of its two phases, one a bucket.
        money_runs: runs, each at a fresh seed, in which an agent trades on a model of the recording; 0: none.
        money_buckets: length of each.
    """

    venue: str = field(default="clob", validator=one_of(*VENUES))
    buckets: int = field(default=8000, validator=integer(1, BUCKETS_MAX))
    bucket_steps: int = field(default=100, validator=integer(1, BUCKETS_MAX))
    price: int = field(default=10_000, validator=integer(1000, TICKS_MAX))
    traders: int = field(default=200, validator=integer(1, AGENTS_MAX))
    width: float = field(default=0.002, validator=number(0.0, 0.5))
    quantity: int = field(default=4, validator=integer(1, LOTS_MAX))
    limits: float = field(default=12.0, validator=number(above=0.0))
    takers: float = field(default=2.0, validator=number(above=0.0))
    effect: int = field(default=0, validator=integer(0, LOTS_MAX))
    behind: int = field(default=2, validator=integer(0, TICKS_MAX))
    looks: int = field(default=10, validator=integer(1, BUCKETS_MAX))
    money_runs: int = field(default=10, validator=integer(0, SEEDS_MAX))
    money_buckets: int = field(default=500, validator=integer(1, BUCKETS_MAX))


@frozen(kw_only=True)
class OfiStudy:
    """A whole order-flow imbalance study.

    Args:
        data: a file that `experiments.features.books.read_books` reads, or "synthetic".
        trades: a file of trades beside it, with the columns of `trade_columns`; empty: none, so that no feature of
            taker flow is known.
        trades_venue: keep the rows of this `venue`; empty: all.
        trade_columns: time, price, quantity, and what is true where the seller took.
        unit: of the time stamps of both files.
        bad: rows of the file that are no books: "list" them in the report, or "refuse" the file.
        bucket_ms, zscore, spread_rank: of the grid; the windows of the last two count buckets.
        horizon: buckets ahead of the label.
        cost_bps: of a round trip.
        shares: of the recorded time, by split.
        embargo: buckets dropped before a split; 0: as many as the horizon.
        rows_min: fewest rows in each split; with fewer there is no verdict.
        seed: of the simulated market.
        market: the simulated market.
    """

    name: str = field(default="ofi", validator=checks.name)
    title: str = ""
    data: str = field(default=SYNTHETIC, validator=checks.name)
    trades: str = ""
    trades_venue: str = ""
    trade_columns: tuple[str, ...] = field(
        default=("trade_time_ms", "price", "qty", "buyer_is_maker"), converter=tuple, validator=checks.names
    )
    unit: str = field(default="ms", validator=one_of("s", "ms", "us", "ns", "iso"))
    bad: str = field(default="list", validator=one_of("list", "refuse"))
    bucket_ms: int = field(default=60_000, validator=integer(1, BUCKET_MS_MAX))
    zscore: int = field(default=240, validator=integer(2, BUCKETS_MAX))
    spread_rank: int = field(default=1440, validator=integer(2, BUCKETS_MAX))
    horizon: int = field(default=15, validator=integer(1, BUCKETS_MAX))
    cost_bps: float = field(default=5.0, validator=number(0.0))
    shares: tuple[float, ...] = field(default=(0.55, 0.15, 0.15, 0.15), converter=tuple)
    embargo: int = field(default=0, validator=integer(0, BUCKETS_MAX))
    rows_min: int = field(default=ROWS_MIN, validator=integer(1, ROWS_MAX))
    seed: int = field(default=1, validator=integer(0, SEED_MAX))
    market: Market = field(factory=Market, validator=kind(Market))

    def __attrs_post_init__(self) -> None:
        if len(self.trade_columns) != 4:
            got = f"got {list(self.trade_columns)!r}"
            raise ConfigError(f"OfiStudy.trade_columns: {got}, wanted time, price, quantity, seller took")
        check_embargo(self, self.embargo, self.horizon)
        if self.data == SYNTHETIC:
            check_whole_steps(self, self.bucket_ms, self.market.bucket_steps)
        self.plan()

    @property
    def grid(self) -> Grid:
        """Buckets and windows of the features."""
        return Grid(bucket_ms=self.bucket_ms, zscore=self.zscore, spread_rank=self.spread_rank)

    @property
    def labels(self) -> LabelPlan:
        """What the labels ask."""
        return LabelPlan(horizon=self.horizon, cost_bps=self.cost_bps)

    @property
    def step_ns(self) -> int:
        """Nanoseconds a step of the simulated market."""
        return self.bucket_ms * 10**6 // self.market.bucket_steps

    def plan(self) -> SplitPlan:
        """The splits by time."""
        shares: Any = self.shares
        return SplitPlan(embargo_ms=(self.embargo or self.horizon) * self.bucket_ms, shares=shares)


_form = TomlForm(OfiStudy)
to_dict, dumps, loads, load = _form.to_dict, _form.dumps, _form.loads, _form.load
