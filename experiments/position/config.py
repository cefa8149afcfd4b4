"""The configuration of a position-state study: attrs classes, TOML in and out."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from experiments.features.settings import check_embargo, check_whole_steps
from experiments.features.splits import SplitPlan
from experiments.features.windows import Grid
from experiments.limits import AGENTS_MAX, BUCKET_MS_MAX, BUCKETS_MAX, LOTS_MAX, ROWS_MAX, SEED_MAX, TICKS_MAX
from experiments.prediction.models import HUBER, RIDGE
from experiments.prediction.scores import AUC_ROWS_MIN
from experiments.strict import TomlForm
from marketsim import checks
from marketsim.checks import integer, kind, number, one_of
from marketsim.errors import ConfigError, refusal, shown

SYNTHETIC = "synthetic"
VENUES = ("clob", "fba")
ROWS_MIN = 2 * AUC_ROWS_MIN
"""Rows of a side and split that an AUC needs at the very least: those of one class, and as many of the other."""


def _ages(instance: Any, attribute: Any, value: Any) -> None:
    if (
        not value
        or any(type(age) is not int or not 1 <= age <= BUCKETS_MAX for age in value)
        or list(value) != sorted(dict.fromkeys(value))
    ):
        wanted = f"different whole numbers of at least 1 up to {BUCKETS_MAX}, rising"
        raise ConfigError(refusal(f"{type(instance).__name__}.{attribute.name}", shown(list(value)), wanted))


def _files(instance: Any, attribute: Any, value: Any) -> None:
    if value:
        checks.names(instance, attribute, value)


@frozen(kw_only=True)
class Market:
    """A simulated market of zero-intelligence flow, with agents that hold positions, and trends planted or none.

    The trends: an agent works one order after another, each over `run` buckets on a side drawn at random.

    Args:
        venue: "clob", or "fba" with a clear every `bucket_steps`.
        buckets: length of the recording.
        bucket_steps: steps of one bucket; one step is bucket_ms / bucket_steps.
        price: around which the book opens, in ticks.
        traders: of zero intelligence, each with one order at a time.
        width: of their band around the mid, as a fraction of it.
        quantity: lots an order.
        limits, takers: orders of the traders, and market orders of investors, in a bucket on average.
        effect: lots that the agent of the trends takes a bucket; 0: no such agent.
        run: buckets of one of its orders.
        holders: agents that open a position on a side drawn at random, sometimes add to it, and close it.
        hold: buckets that they keep one.
        entries_of: id or role of the agents whose fills are the entries; empty: entries at regular times.
    """

    venue: str = field(default="clob", validator=one_of(*VENUES))
    buckets: int = field(default=12_000, validator=integer(1, BUCKETS_MAX))
    bucket_steps: int = field(default=100, validator=integer(1, BUCKETS_MAX))
    price: int = field(default=10_000, validator=integer(1000, TICKS_MAX))
    traders: int = field(default=60, validator=integer(1, AGENTS_MAX))
    width: float = field(default=0.004, validator=number(0.0, 0.5))
    quantity: int = field(default=4, validator=integer(1, LOTS_MAX))
    limits: float = field(default=12.0, validator=number(above=0.0))
    takers: float = field(default=2.0, validator=number(above=0.0))
    effect: int = field(default=0, validator=integer(0, LOTS_MAX))
    run: int = field(default=120, validator=integer(1, BUCKETS_MAX))
    holders: int = field(default=40, validator=integer(0, AGENTS_MAX))
    hold: int = field(default=40, validator=integer(1, BUCKETS_MAX))
    entries_of: str = "holder"


@frozen(kw_only=True)
class PositionStudy:
    """A whole position-state study. Lengths of time count buckets, which are minutes by default.

    Args:
        data: files of bars that `experiments.features.tapes.read_bars` reads, of the symbols in their column `symbol`,
            or without it of one symbol, named by the file; or "synthetic" alone.
        bid, ask: two files of bars of one symbol's bid and ask; empty: none.
        unit: of the times of all files, as of `experiments.features.books.stamps`; not of a column `open_time_ms`.
        entries: a file of entries, with their predictions; empty: the fills of agents in a simulated market, or
            entries at regular times, both scored by a model frozen before them.
        entry_every: buckets between two regular times, at each of which a position is opened on either side.
        frozen_share: of the fit split's time, the first part, on which that model is fitted; no entry lies there.
        ages: of a position at its rows, buckets.
        horizon: buckets ahead of the label.
        cost_bps: of a round trip.
        stop_bps, target_bps: of the price plan, from the entry price.
        continue_edge_bps: least edge at which going on is right.
        regressor: "huber" or "ridge".
        clip_bps: targets and predictions of the regressor are clipped to within it; 0: they are not.
        bucket_ms, spread_rank: of the grid; the window of the rank counts buckets.
        shares: of the recorded time, by split.
        embargo: buckets dropped before a split; 0: as many as the horizon.
        rows_min: fewest rows of a side in each split; with fewer there is no verdict.
        seed: of the simulated market.
        market: the simulated market.
    """

    name: str = field(default="position", validator=checks.name)
    title: str = ""
    data: tuple[str, ...] = field(default=(SYNTHETIC,), converter=tuple, validator=_files)
    bid: str = ""
    ask: str = ""
    unit: str = field(default="iso", validator=one_of("s", "ms", "us", "ns", "iso"))
    entries: str = ""
    entry_every: int = field(default=5, validator=integer(1, BUCKETS_MAX))
    frozen_share: float = field(default=0.3, validator=number(0.0, 1.0))
    ages: tuple[int, ...] = field(default=(5, 15, 30, 60), converter=tuple, validator=_ages)
    horizon: int = field(default=15, validator=integer(1, BUCKETS_MAX))
    cost_bps: float = field(default=5.0, validator=number(0.0))
    stop_bps: float = field(default=50.0, validator=number(above=0.0, high=5000.0))
    target_bps: float = field(default=100.0, validator=number(above=0.0, high=5000.0))
    continue_edge_bps: float = field(default=5.0, validator=number())
    regressor: str = field(default=HUBER, validator=one_of(HUBER, RIDGE))
    clip_bps: float = field(default=0.0, validator=number(0.0))
    bucket_ms: int = field(default=60_000, validator=integer(1, BUCKET_MS_MAX))
    spread_rank: int = field(default=1440, validator=integer(2, BUCKETS_MAX))
    shares: tuple[float, ...] = field(default=(0.55, 0.15, 0.15, 0.15), converter=tuple)
    embargo: int = field(default=0, validator=integer(0, BUCKETS_MAX))
    rows_min: int = field(default=ROWS_MIN, validator=integer(1, ROWS_MAX))
    seed: int = field(default=1, validator=integer(0, SEED_MAX))
    market: Market = field(factory=Market, validator=kind(Market))

    def __attrs_post_init__(self) -> None:
        if bool(self.bid) != bool(self.ask):
            raise ConfigError(f"PositionStudy: got bid {self.bid!r} and ask {self.ask!r}, wanted both or neither")
        sources = len(self.data) + bool(self.bid)
        if not sources or (SYNTHETIC in self.data and sources > 1):
            got = f"got data {list(self.data)!r}, bid {self.bid!r}"
            raise ConfigError(f'PositionStudy: {got}, wanted files of bars, bid and ask, or "{SYNTHETIC}" alone')
        check_embargo(self, self.embargo, self.horizon)
        if self.synthetic:
            check_whole_steps(self, self.bucket_ms, self.market.bucket_steps)
        self.plan()

    @property
    def synthetic(self) -> bool:
        """Whether the market is simulated."""
        return self.data == (SYNTHETIC,)

    @property
    def grid(self) -> Grid:
        """Buckets and windows of the market features."""
        return Grid(bucket_ms=self.bucket_ms, spread_rank=self.spread_rank)

    @property
    def embargo_ms(self) -> int:
        """Dropped before each split, and before the entries that the frozen model scores."""
        return (self.embargo or self.horizon) * self.bucket_ms

    @property
    def step_ns(self) -> int:
        """Nanoseconds a step of the simulated market."""
        return self.bucket_ms * 10**6 // self.market.bucket_steps

    def plan(self) -> SplitPlan:
        """The splits by time."""
        shares: Any = self.shares
        return SplitPlan(embargo_ms=self.embargo_ms, shares=shares)


_form = TomlForm(PositionStudy)
to_dict, dumps, loads, load = _form.to_dict, _form.dumps, _form.loads, _form.load
