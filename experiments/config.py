"""The configuration of a study: attrs classes, TOML in and out.

A study is a base (world, signals, population, venue) crossed with mechanisms, batch intervals, seeds and variants; a
variant is a named set of changes to the base. Numbers here are in money, lots of size 1 and steps; the builders turn
them into ticks and lots.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import cattrs
import tomli_w
from attrs import evolve, field, frozen
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from marketsim.checks import flag, integer, name, number, one_of
from marketsim.errors import ConfigError

MECHANISMS = ("clob", "fba")


@frozen(kw_only=True)
class World:
    """The truth, and the grid it is traded on.

    kind "latent-factor": markets driven by common factors that walk at random (`walk_var` per factor and step; 0
    freezes it). "jumps": markets with Poisson jumps of fixed size. "constant". "ornstein-uhlenbeck". "historical": one
    market, recorded trades from a file; `walk_var` is then what the agents assume of it.
    """

    kind: str = field(
        default="latent-factor",
        validator=one_of("latent-factor", "jumps", "constant", "ornstein-uhlenbeck", "historical"),
    )
    level: float = field(default=100.0, validator=number(above=0.0))
    tick_size: float = field(default=1e-3, validator=number(above=0.0))
    lot_size: float = field(default=1e-6, validator=number(above=0.0))
    time_unit: int = field(default=1000, validator=integer(1))
    n_markets: int = field(default=3, validator=integer(1))
    n_factors: int = field(default=3, validator=integer(1))
    walk_var: float = field(default=1e-6, validator=number(0.0))
    displacement: float = field(default=0.01, validator=number(0.0, 0.5))
    """Standard deviation of the venues' opening price around the truth, as a fraction of it."""
    jump_rate: float = field(default=2.0, validator=number(0.0))
    """Jumps per time unit."""
    jump_size: float = field(default=1.0, validator=number(above=0.0))
    """Money."""
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
    step: int = field(default=100, validator=integer(1))
    """Time stamps per step of a historical world."""


@frozen(kw_only=True)
class Signals:
    """What can be learned about the truth; rates per market and time unit, sigmas in log price."""

    routine_rate: float = field(default=0.75, validator=number(0.0))
    tail_rate: float = field(default=0.035, validator=number(0.0))
    routine_sigma: float = field(default=0.012, validator=number(above=0.0))
    tail_sigma: float = field(default=0.005, validator=number(above=0.0))
    mode: str = field(default="marked", validator=one_of("marked", "separate"))


@frozen(kw_only=True)
class Informed:
    """The population `lp_vs_informed`: belief traders, noise and a stale liquidity provider on a bootstrap ladder."""

    kind: Literal["lp_vs_informed"] = "lp_vs_informed"
    budget: float = field(default=1000.0, validator=number(above=0.0))
    lp_budget: float = field(default=20_000.0, validator=number(0.0))
    lp: bool = field(default=True, validator=flag)
    naive: int = field(default=1, validator=integer(0))
    tail_aware: int = field(default=1, validator=integer(0))
    noise: int = field(default=1, validator=integer(0))
    threshold: float = field(default=0.0035, validator=number(0.0))
    review_interval: int = field(default=5000, validator=integer(1))
    naive_prior_precision: float = field(default=3.0, validator=number(above=0.0))
    naive_assumed_precision: float = field(default=0.55, validator=number(above=0.0))
    tail_prior_precision: float = field(default=1.2, validator=number(above=0.0))
    tail_prior_sd: float = field(default=0.025, validator=number(0.0))
    noise_rate: float = field(default=1.2, validator=number(above=0.0))
    noise_size: float = field(default=0.6, validator=number(above=0.0))
    noise_jitter: float = field(default=0.45, validator=number(0.0, 1.0))
    lp_half_spread: float = field(default=0.0005, validator=number(0.0, 0.5))
    lp_requote: int = field(default=500, validator=integer(1))
    lp_prior_precision: float = field(default=1.0, validator=number(above=0.0))
    lp_assumed_precision: float = field(default=0.7, validator=number(above=0.0))
    fast: int = field(default=1, validator=integer(0))
    slow: int = field(default=6, validator=integer(0))
    lp_delay: int = field(default=50, validator=integer(0))
    ladder_levels: int = field(default=5, validator=integer(1))
    ladder_step: float = field(default=0.001, validator=number(above=0.0))
    ladder_size: float = field(default=40.0, validator=number(above=0.0))

    def trade_size(self, level: float) -> float:
        """Lots of size 1 in a full order: a 120th of what the budget buys at `level` in hundreds, from 0.4 to 12."""
        return min(max(self.budget * 100.0 / level / 120.0, 0.4), 12.0)


@frozen(kw_only=True)
class Snipers:
    """The population `lp_vs_snipers`: news makers with a reaction delay, snipers who are faster, and investors."""

    kind: Literal["lp_vs_snipers"] = "lp_vs_snipers"
    lps: int = field(default=1, validator=integer(1))
    snipers: int = field(default=3, validator=integer(0))
    lp_delay: int = field(default=50, validator=integer(0))
    sniper_delay: int = field(default=1, validator=integer(0))
    half_spread: float = field(default=0.1, validator=number(0.0))
    """Money."""
    size: int = field(default=1, validator=integer(1))
    """Lots that every quote shows and every sniper and investor wants."""
    investor_rate: float = field(default=10.0, validator=number(0.0))
    """Arrivals per time unit, buys and sells together."""


Population = Informed | Snipers


@frozen(kw_only=True)
class VenueRules:
    """Rules of the venues where the study leaves a choice."""

    price_rule: str = field(default="midpoint", validator=one_of("midpoint", "reference", "volume_midpoint"))
    allocation: str = field(
        default="batch-pro-rata", validator=one_of("batch-pro-rata", "pro-rata", "time", "pro_rata_all")
    )
    published: str = field(default="open", validator=one_of("open", "sealed"))


@frozen(kw_only=True)
class Variant:
    """A named set of changes to the base, as nested tables of the same keys."""

    name: str = field(validator=name)
    change: dict[str, Any] = field(factory=dict)


def _choices(instance: Any, attribute: Any, value: Any) -> None:
    unknown = [item for item in value if item not in MECHANISMS]
    if unknown or not value or len(dict.fromkeys(value)) != len(value):
        got, wanted = f"got {list(value)!r}", f"wanted different ones of {', '.join(MECHANISMS)}"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: {got}, {wanted}")


def _intervals(instance: Any, attribute: Any, value: Any) -> None:
    if not value or any(type(item) is not int or item < 1 for item in value) or len(dict.fromkeys(value)) != len(value):
        got, wanted = f"got {list(value)!r}", "wanted different ints of at least 1"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: {got}, {wanted}")


def _horizons(instance: Any, attribute: Any, value: Any) -> None:
    whole = all(type(item) is int and item >= 0 for item in value)
    if not whole or 0 not in value or len(dict.fromkeys(value)) != len(value):
        got, wanted = f"got {list(value)!r}", "wanted different ints of at least 0, among them 0"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: {got}, {wanted}")


@frozen(kw_only=True)
class Study:
    """A whole pi-curve study."""

    name: str = field(default="pi-curve", validator=name)
    title: str = ""
    horizon: int = field(default=8000, validator=integer(1))
    seeds: int = field(default=25, validator=integer(1))
    first_seed: int = field(default=1, validator=integer(0))
    mechanisms: tuple[str, ...] = field(default=("clob", "fba"), converter=tuple, validator=_choices)
    pi: tuple[int, ...] = field(default=(1, 10, 50, 200), converter=tuple, validator=_intervals)
    markout_horizons: tuple[int, ...] = field(default=(0, 1, 10, 100, 1000), converter=tuple, validator=_horizons)
    ties: str = field(default="seeded", validator=one_of("seeded", "list"))
    world: World = field(factory=World)
    signals: Signals = field(factory=Signals)
    population: Population = field(factory=Informed)
    venue: VenueRules = field(factory=VenueRules)
    variants: tuple[Variant, ...] = ()
    max_lag: int = field(default=200, validator=integer(0))
    realised_horizon: int = field(default=10, validator=integer(0))

    def resolved(self) -> dict[str, Study]:
        """The study of every variant by its name, without variants of its own; the base alone where there are none."""
        plain = evolve(self, variants=())
        if not self.variants:
            return {"base": plain}
        base = to_dict(plain)
        studies: dict[str, Study] = {}
        for variant in self.variants:
            if variant.name in studies:
                raise ConfigError(f"two variants are named {variant.name!r}")
            studies[variant.name] = from_dict(_merged(base, variant.change), f"variant {variant.name!r}")
        return studies


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    if "kind" in change and change["kind"] != base.get("kind"):
        return change  # another kind of table altogether, with its own defaults
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


_converter = cattrs.Converter(forbid_extra_keys=True)


def _exactly(kind: Any, said: str) -> None:
    # cattrs would turn "7" into 7 and 2.9 into 2; a configuration means what it says.
    def structure(value: Any, _: Any) -> Any:
        if type(value) is kind or (kind is float and type(value) is int):
            return kind(value)
        raise ValueError(f"got {value!r}, wanted {said}")

    _converter.register_structure_hook(kind, structure)


for _kind, _said in ((int, "an int"), (float, "a number"), (str, "a string"), (bool, "true or false")):
    _exactly(_kind, _said)


def _population(value: Any, _: Any) -> Population:
    kinds: dict[Any, type[Population]] = {"lp_vs_informed": Informed, "lp_vs_snipers": Snipers}
    kind = value.get("kind", "lp_vs_informed") if isinstance(value, dict) else None
    if kind not in kinds:
        raise ValueError(f"population kind: got {kind!r}, wanted one of {', '.join(kinds)}")
    return _converter.structure(value, kinds[kind])


_converter.register_structure_hook(Population, _population)


def from_dict(values: dict[str, Any], where: str) -> Study:
    """A study from nested tables; `where` names them in errors.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of bounds, with its place.
    """
    try:
        return _converter.structure(values, Study)
    except (BaseValidationError, ForbiddenExtraKeysError, ConfigError) as error:
        problems = cattrs.transform_error(error, path=where, format_exception=_problem)
        raise ConfigError("; ".join(problems)) from error


def _problem(error: BaseException, _: type | None) -> str:
    return str(error) or type(error).__name__


def to_dict(study: Study) -> dict[str, Any]:
    """The study as nested tables that TOML can hold."""
    tables: dict[str, Any] = _converter.unstructure(study)
    return tables


def dumps(study: Study) -> str:
    """The study as TOML text that `loads` reads back to an equal study."""
    return tomli_w.dumps(to_dict(study))


def loads(text: str, where: str) -> Study:
    """Read TOML text; raises `ConfigError` naming `where` and what is wrong."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}") from error
    return from_dict(values, where)


def shipped() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = files("experiments") / "configs"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))


def load(path_or_name: str) -> Study:
    """Read a configuration file, or one that is shipped, by its name."""
    path = Path(path_or_name)
    if path.is_file():
        return loads(path.read_text(encoding="utf-8"), str(path))
    if path_or_name in shipped():
        text = (files("experiments") / "configs" / path_or_name).read_text(encoding="utf-8")
        return loads(text, path_or_name)
    raise ConfigError(f"no configuration file {path_or_name!r}; shipped ones are {', '.join(shipped())}")
