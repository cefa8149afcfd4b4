"""The configuration of a smart order router study: attrs classes, TOML in and out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import field, frozen

from agents.execution.cost import Costs
from experiments.limits import (
    BUCKET_MS_MAX,
    BUCKETS_MAX,
    LOTS_MAX,
    ORDERS_MAX,
    SEED_MAX,
    SEEDS_MAX,
    STEPS_MAX,
    TICKS_MAX,
)
from experiments.strict import TomlForm
from marketsim import checks
from marketsim.checks import integer, kind, number, one_of
from marketsim.errors import ConfigError
from venues.quote_replay import QUEUES

SYNTHETIC = "synthetic"
BIDS_NEEDED = ("fixed-split", "cont-kukanov", "stochastic-approximation")
"""Policies that rest orders at the bid, and so need a file with bids."""
POLICIES = ("twap", "vwap", "percent-of-volume", "sweep-best", *BIDS_NEEDED)
DRAWS = 10_000
"""Of the policy stochastic-approximation."""


def _different_policies(instance: Any, attribute: Any, value: Any) -> None:
    if not value or any(item not in POLICIES for item in value) or len(dict.fromkeys(value)) != len(value):
        wanted = f"different ones of {', '.join(POLICIES)}, at least one"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {list(value)!r}, wanted {wanted}")


def _prices(instance: Any, attribute: Any, value: Any) -> None:
    if not value or len(dict.fromkeys(value)) != len(value):
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {list(value)!r}, wanted different prices")
    for item in value:
        number(0.0)(instance, attribute, item)


def _activity(instance: Any, attribute: Any, value: Any) -> None:
    if not value:
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got none, wanted a rate for each venue")
    for item in value:
        number(above=0.0)(instance, attribute, item)


@frozen(kw_only=True)
class Books:
    """Simulated books that trade one stock, with zero-intelligence flow around one fair value.

    Args:
        activity: orders a step at each venue; their number is that of the venues.
        market_share: of the orders, those that are market orders; as many buy as sell.
        resting: orders that each venue's flow has in its book at most; it begins with as many, and then withdraws the
            oldest.
        size: mean lots of an order, uniform within half of it.
        depth: mean distance of a limit order from the fair value, in ticks, beyond the first tick.
        price: of the fair value at the start, in ticks.
        volatility: standard deviation of the fair value's move in a step, in ticks; a random walk.
        lookback: steps before the order, in which the router sees how queues empty.
    """

    activity: tuple[float, ...] = field(default=(1.0, 0.8, 0.6, 0.5, 0.4), converter=tuple, validator=_activity)
    market_share: float = field(default=0.25, validator=number(0.0, 1.0))
    resting: int = field(default=40, validator=integer(1, ORDERS_MAX))
    size: int = field(default=100, validator=integer(1, LOTS_MAX))
    depth: float = field(default=2.0, validator=number(0.0))
    price: int = field(default=10_000, validator=integer(1000, TICKS_MAX))
    volatility: float = field(default=0.1, validator=number(0.0, 100.0))
    lookback: int = field(default=900, validator=integer(1, STEPS_MAX))


@frozen(kw_only=True)
class Grid:
    """Prices of the search, money a share."""

    over: tuple[float, ...] = field(default=(0.0005, 0.001, 0.002), converter=tuple, validator=_prices)
    under: tuple[float, ...] = field(default=(0.0005, 0.001, 0.002), converter=tuple, validator=_prices)
    impact: tuple[float, ...] = field(default=(0.00005, 0.0001, 0.0002), converter=tuple, validator=_prices)


@frozen(kw_only=True)
class SorStudy:
    """A study of one parent order: policies x decisions on one data set, and the search of the model's prices.

    Args:
        data: a file that `experiments.quotes.read.read_quotes` reads, or "synthetic".
        quantity: shares to buy.
        policies: what buys them.
        seeds, first_seed: of the simulated market, one decision each.
        decisions: at most so many decision times in a file.
        step_ms: milliseconds a time step.
        horizon: steps from the decision to the deadline.
        interval: steps between an agent's looks.
        slices: parts of the TWAP and VWAP schedules.
        rate: own share of the volume, of the policy percent-of-volume.
        half_spread, fee, rebate: h, f, r of the model and of what fills are charged, money a share.
        under, over, impact: lambda_u, lambda_o, theta of the last two policies, money a share.
        queue: model of the queue at replayed quotes: displayed, proportional or none.
        tick_size, lot_size: money a tick and shares a lot.
        bad: rows that are no quotes: "list" them in the report, or "refuse" the file.
        in_sample: share of the decisions, the earliest, on which the search chooses.
        search: False leaves the search out.
        grid: of the search.
        books: the simulated market.
    """

    name: str = field(default="sor", validator=checks.name)
    title: str = ""
    data: str = field(default=SYNTHETIC, validator=checks.name)
    quantity: int = field(default=5000, validator=integer(1, LOTS_MAX))
    policies: tuple[str, ...] = field(default=POLICIES, converter=tuple, validator=_different_policies)
    seeds: int = field(default=20, validator=integer(1, SEEDS_MAX))
    first_seed: int = field(default=1, validator=integer(0, SEED_MAX))
    decisions: int = field(default=20, validator=integer(1, SEEDS_MAX))
    step_ms: int = field(default=1000, validator=integer(1, BUCKET_MS_MAX))
    horizon: int = field(default=300, validator=integer(2, STEPS_MAX))
    interval: int = field(default=10, validator=integer(1, STEPS_MAX))
    slices: int = field(default=10, validator=integer(1, BUCKETS_MAX))
    rate: float = field(default=0.2, validator=number(above=0.0))
    half_spread: float = field(default=0.005, validator=number(0.0))
    fee: float = field(default=0.003, validator=number(0.0))
    rebate: float = field(default=0.002, validator=number())
    under: float = field(default=0.02, validator=number(0.0))
    over: float = field(default=0.02, validator=number(0.0))
    impact: float = field(default=0.0001, validator=number(0.0))
    queue: str = field(default="displayed", validator=one_of(*QUEUES))
    tick_size: float = field(default=0.01, validator=number(above=0.0))
    lot_size: float = field(default=1.0, validator=number(above=0.0))
    bad: str = field(default="list", validator=one_of("list", "refuse"))
    in_sample: float = field(default=0.5, validator=number(0.0, 1.0))
    search: bool = field(default=True, validator=checks.flag)
    grid: Grid = field(factory=Grid, validator=kind(Grid))
    books: Books = field(factory=Books, validator=kind(Books))

    def __attrs_post_init__(self) -> None:
        # As decimals: 10 is a multiple of 0.1, but not of the float nearest to it.
        if Decimal(self.quantity) % Decimal(repr(self.lot_size)):
            raise ConfigError(f"SorStudy.quantity: got {self.quantity}, wanted a multiple of lot_size {self.lot_size}")
        if self.half_spread + self.fee + min(self.impact, *self.grid.impact) <= 0:
            wanted = "a sum with fee and every theta above 0, the price of a market order"
            raise ConfigError(f"SorStudy.half_spread: got {self.half_spread}, wanted {wanted}")
        if self.rebate < -self.half_spread:
            raise ConfigError(
                f"SorStudy.rebate: got {self.rebate}, wanted at least -{self.half_spread}, minus half_spread"
            )
        window = max(1, round(self.horizon / self.interval)) * self.interval
        if self.data == SYNTHETIC and self.books.lookback < window:
            wanted = f"at least {window}, a horizon of whole intervals"
            raise ConfigError(f"SorStudy.books.lookback: got {self.books.lookback}, wanted {wanted}")

    @property
    def lots(self) -> int:
        """Of the parent order."""
        return int(Decimal(self.quantity) / Decimal(repr(self.lot_size)))

    @property
    def step_ns(self) -> int:
        """Nanoseconds a time step."""
        return self.step_ms * 10**6

    def costs(
        self, venues: int, *, under: float | None = None, over: float | None = None, impact: float | None = None
    ) -> Costs:
        """The prices of the model in ticks a lot; those not given are the study's."""
        unit = 1 / self.tick_size
        return Costs(
            half_spread=self.half_spread * unit,
            fee=self.fee * unit,
            rebates=(self.rebate * unit,) * venues,
            impact=(self.impact if impact is None else impact) * unit,
            under=(self.under if under is None else under) * unit,
            over=(self.over if over is None else over) * unit,
        )


_form = TomlForm(SorStudy)
to_dict, dumps, loads, load = _form.to_dict, _form.dumps, _form.loads, _form.load
