"""What a cell of a study is made of: world, signals, population and venue rules, as configured.

Numbers here are in money, lots of size 1 and steps; the builders turn them into ticks and lots.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import Factory, field, frozen

from experiments.limits import AGENTS_MAX, LOTS_MAX, MARKETS_MAX, ORDERS_MAX, STEPS_MAX
from marketsim.checks import integer, name, number, one_of
from marketsim.table_files import STAMP_MAX

_COUNT = integer(0, AGENTS_MAX)
_DELAY = integer(0, STEPS_MAX)
_INTERVAL = integer(1, STEPS_MAX)


@frozen(kw_only=True)
class World:
    """The truth, and the grid it is traded on.

    kind "latent-factor": markets driven by common factors that walk at random (`walk_var` per factor and step; 0
    freezes it). "jumps": markets with Poisson jumps of fixed size. "event": contracts on "yes" and "no" that pay
    `level` or nothing at the end; public clues come at the rate of jumps. "constant". "ornstein-uhlenbeck".
    "historical": one market, recorded trades from a file; `walk_var` is then what the agents assume of it.
    """

    kind: str = field(
        default="latent-factor",
        validator=one_of("latent-factor", "jumps", "event", "constant", "ornstein-uhlenbeck", "historical"),
    )
    level: float = field(default=100.0, validator=number(above=0.0))
    tick_size: float = field(default=1e-3, validator=number(above=0.0))
    lot_size: float = field(default=1e-6, validator=number(above=0.0))
    time_unit: int = field(default=1000, validator=integer(1, STEPS_MAX))
    n_markets: int = field(default=3, validator=integer(1, MARKETS_MAX))
    n_factors: int = field(default=3, validator=integer(1, MARKETS_MAX))
    walk_var: float = field(default=1e-6, validator=number(0.0))
    displacement: float = field(default=0.01, validator=number(0.0, 0.5))
    """Standard deviation of the opening price of ladders and pools around the truth, as a fraction of it.

    A book without a ladder opens empty.
    """
    jump_rate: float = field(default=2.0, validator=number(0.0))
    """Jumps per time unit."""
    jump_size: float = field(default=1.0, validator=number(above=0.0))
    """Money."""
    accuracy: float = field(default=0.7, validator=number(0.0, 0.999999, above=0.5))
    """Chance that a clue about an event is right."""
    prior: float = field(default=0.5, validator=number(0.0, 0.999999, above=0.0))
    """Probability of "yes" at the opening."""
    reversion: float = field(default=1e-3, validator=number(above=0.0))
    """Rate of return to the level, per step."""
    log_sd: float = field(default=0.01, validator=number(0.0))
    """Stationary standard deviation of the log price under mean reversion."""
    path: str = ""
    """Trades file of a historical world."""
    price_column: str = "price"
    time_column: str = ""
    """Time stamps of a historical world; empty: the first column whose name contains "time"."""
    where: dict[str, str] = field(factory=dict)
    """Rows of the trades file to take, as column = value."""
    step: int = field(default=100, validator=integer(1, STAMP_MAX))
    """Time stamps per step of a historical world."""


@frozen(kw_only=True)
class Signals:
    """What can be learned about the truth; rates per market and time unit, sigmas in log price."""

    routine_rate: float = field(default=0.75, validator=number(0.0))
    tail_rate: float = field(default=0.035, validator=number(0.0))
    routine_sigma: float = field(default=0.012, validator=number(above=0.0))
    tail_sigma: float = field(default=0.005, validator=number(above=0.0))
    mode: str = field(default="marked", validator=one_of("marked", "separate"))


KIND_DEFAULTS: dict[str, dict[str, Any]] = {
    "lp_vs_informed": {},
    "diverse": {"lps": 0},
    "naive_dominated": {
        "naive": 5,
        "tail_aware": 0,
        "aggregated": 0,
        "joint_factor": 0,
        "lps": 0,
        "review_interval": 4500,
        "naive_prior_range": 0.4,
        "naive_assumed_precision": 0.5,
        "noise_rate": 1.3,
        "noise_size": 0.55,
        "noise_jitter": 0.5,
    },
}
"""What each kind of the population `Informed` changes of its defaults."""


def _by_kind(key: str, otherwise: float) -> Any:
    """The default of a field of `Informed`: what its kind has for it, or else `otherwise`."""
    return Factory(lambda population: KIND_DEFAULTS.get(population.kind, {}).get(key, otherwise), takes_self=True)


@frozen(kw_only=True)
class Informed:
    """Belief traders and noise, on a bootstrap ladder, with or without liquidity providers.

    kind "lp_vs_informed": one trader of each kind, noise, and a stale liquidity provider. "diverse": the same without
    the provider. "naive_dominated": five naive traders and noise. A kind is a set of defaults (`KIND_DEFAULTS`);
    whatever is given besides it holds.

    information "calibrated": every belief takes signals at their true precision and expects its market to move as it
    does. "as_published": the naive, the aggregated and the liquidity provider assume the precisions below, and all
    expect every log price to move with `walk_var` per step.
    """

    kind: Literal["lp_vs_informed", "diverse", "naive_dominated"] = field(
        default="lp_vs_informed", validator=one_of("lp_vs_informed", "diverse", "naive_dominated")
    )
    information: str = field(default="calibrated", validator=one_of("calibrated", "as_published"))
    capital: str = field(default="committed", validator=name)
    """Plugin of the group `marketsim.capital` that bounds the orders of the belief and noise traders."""
    budget: float = field(default=1000.0, validator=number(above=0.0))
    naive: int = field(default=_by_kind("naive", 1), validator=_COUNT)
    tail_aware: int = field(default=_by_kind("tail_aware", 1), validator=_COUNT)
    aggregated: int = field(default=_by_kind("aggregated", 1), validator=_COUNT)
    joint_factor: int = field(default=_by_kind("joint_factor", 1), validator=_COUNT)
    noise: int = field(default=1, validator=_COUNT)
    momentum: int = field(default=0, validator=_COUNT)
    zero_intelligence: int = field(default=0, validator=_COUNT)
    lps: int = field(default=_by_kind("lps", 1), validator=_COUNT)
    fast: int = field(default=1, validator=_DELAY)
    slow: int = field(default=6, validator=_DELAY)
    threshold: float = field(default=0.0035, validator=number(0.0))
    review_interval: int = field(default=_by_kind("review_interval", 5000), validator=_INTERVAL)
    naive_prior_precision: float = field(default=3.0, validator=number(above=0.0))
    naive_prior_range: float = field(default=_by_kind("naive_prior_range", 0.0), validator=number(0.0))
    """Several naive traders' prior precisions are spread evenly over this range, up to `naive_prior_precision`."""
    naive_assumed_precision: float = field(
        default=_by_kind("naive_assumed_precision", 0.55), validator=number(above=0.0)
    )
    tail_prior_precision: float = field(default=1.2, validator=number(above=0.0))
    tail_prior_sd: float = field(default=0.025, validator=number(0.0))
    aggregated_prior_precision: float = field(default=2.0, validator=number(above=0.0))
    aggregated_assumed_precision: float = field(default=0.85, validator=number(above=0.0))
    aggregated_drop: float = field(default=0.05, validator=number(0.0, 1.0))
    """Signals of markets whose loadings have a cosine below this are not read."""
    joint_prior_precision: float = field(default=1.0, validator=number(above=0.0))
    noise_rate: float = field(default=_by_kind("noise_rate", 1.2), validator=number(above=0.0))
    noise_size: float = field(default=_by_kind("noise_size", 0.6), validator=number(above=0.0))
    noise_jitter: float = field(default=_by_kind("noise_jitter", 0.45), validator=number(0.0, 1.0))
    maker: str = field(default="market-maker", validator=name)
    """Plugin of the group `marketsim.agents` that provides liquidity, built with the arguments of `MarketMaker`."""
    lp_budget: float = field(default=20_000.0, validator=number(0.0))
    lp_spread: str = field(default="fixed", validator=one_of("fixed", "endogenous"))
    lp_half_spread: float = field(default=0.0005, validator=number(0.0, 0.5))
    lp_requote: int = field(default=500, validator=_INTERVAL)
    lp_prior_precision: float = field(default=1.0, validator=number(above=0.0))
    lp_assumed_precision: float = field(default=0.7, validator=number(above=0.0))
    lp_delay: int = field(default=50, validator=_DELAY)
    ladder_levels: int = field(default=5, validator=integer(1, ORDERS_MAX))
    ladder_step: float = field(default=0.001, validator=number(above=0.0))
    ladder_size: float = field(default=40.0, validator=number(above=0.0))

    def trade_size(self, level: float) -> float:
        """Lots of size 1 in a full order: a 120th of what the budget buys at `level` in hundreds, from 0.4 to 12."""
        return min(max(self.budget * 100.0 / level / 120.0, 0.4), 12.0)


@frozen(kw_only=True)
class Snipers:
    """The population `lp_vs_snipers`: news makers with a reaction delay, snipers who are faster, and investors."""

    kind: Literal["lp_vs_snipers"] = "lp_vs_snipers"
    lps: int = field(default=1, validator=integer(1, AGENTS_MAX))
    snipers: int = field(default=3, validator=_COUNT)
    lp_delay: int = field(default=50, validator=_DELAY)
    sniper_delay: int = field(default=1, validator=_DELAY)
    half_spread: float = field(default=0.1, validator=number(0.0))
    """Money."""
    size: int = field(default=1, validator=integer(1, LOTS_MAX))
    """Lots that every quote shows and every sniper and investor wants."""
    investor_rate: float = field(default=10.0, validator=number(0.0))
    """Arrivals per time unit, buys and sells together."""
    beside: Informed | None = None
    """Belief and noise traders beside them; its liquidity providers and ladder are left out."""


Population = Informed | Snipers


@frozen(kw_only=True)
class VenueRules:
    """Rules of the venues where the study leaves a choice."""

    price_rule: str = field(default="midpoint", validator=one_of("midpoint", "reference", "volume_midpoint"))
    allocation: str = field(
        default="batch-pro-rata", validator=one_of("batch-pro-rata", "pro-rata", "time", "pro_rata_all")
    )
    published: str = field(default="open", validator=one_of("open", "sealed"))
    book: str = field(default="clob", validator=name)
    """Plugin of the group `marketsim.venues` that is the continuous book."""
    pool_reserve: float = field(default=8000.0, validator=number(above=0.0))
    """Opening base reserve of a constant-product pool, and of the one behind a hybrid's book."""
    layer: str = field(default="ladder", validator=one_of("ladder", "pool"))
    """What stands behind a hybrid's book; the ladder has its published sizes."""
    liquidity: float = field(default=100.0, validator=number(above=0.0))
    """Of a logarithmic market scoring rule: b, in lots."""
