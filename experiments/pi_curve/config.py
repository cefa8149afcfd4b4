"""The configuration of a study: attrs classes, TOML in and out.

A study is a base (world, signals, population, venue) crossed with mechanisms, batch intervals, seeds and variants; a
variant is a named set of changes to the base.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from attrs import evolve, field, frozen

from experiments.limits import SEED_MAX, SEEDS_MAX, STEPS_MAX
from experiments.pi_curve.contrasts import Contrast
from experiments.pi_curve.factors import Factor, Variant, crossed, merged
from experiments.pi_curve.mechanisms import MECHANISMS
from experiments.pi_curve.settings import KIND_DEFAULTS, Informed, Population, Signals, Snipers, VenueRules, World
from experiments.strict import read_toml, strict_converter, structured, toml_tables
from marketsim.checks import integer, name, one_of
from marketsim.errors import ConfigError, refusal, shown


def _choices(instance: Any, attribute: Any, value: Any) -> None:
    unknown = [item for item in value if item not in MECHANISMS]
    if unknown or not value or len(dict.fromkeys(value)) != len(value):
        got, wanted = f"got {list(value)!r}", f"wanted different ones of {', '.join(MECHANISMS)}"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: {got}, {wanted}")


def _intervals(instance: Any, attribute: Any, value: Any) -> None:
    if not value or not _different_steps(value, 1):
        wanted = f"different ints of at least 1 up to {STEPS_MAX}"
        raise ConfigError(refusal(f"{type(instance).__name__}.{attribute.name}", shown(list(value)), wanted))


def _horizons(instance: Any, attribute: Any, value: Any) -> None:
    if 0 not in value or not _different_steps(value, 0):
        wanted = f"different ints of at least 0 up to {STEPS_MAX}, among them 0"
        raise ConfigError(refusal(f"{type(instance).__name__}.{attribute.name}", shown(list(value)), wanted))


def _different_steps(values: tuple[Any, ...], low: int) -> bool:
    whole = all(type(item) is int and low <= item <= STEPS_MAX for item in values)
    return whole and len(dict.fromkeys(values)) == len(values)


@frozen(kw_only=True)
class Study:
    """A whole pi-curve study."""

    name: str = field(default="pi-curve", validator=name)
    title: str = ""
    horizon: int = field(default=8000, validator=integer(1, STEPS_MAX))
    seeds: int = field(default=25, validator=integer(1, SEEDS_MAX))
    first_seed: int = field(default=1, validator=integer(0, SEED_MAX))
    mechanisms: tuple[str, ...] = field(default=("clob", "fba"), converter=tuple, validator=_choices)
    pi: tuple[int, ...] = field(default=(1, 10, 50, 200), converter=tuple, validator=_intervals)
    markout_horizons: tuple[int, ...] = field(default=(0, 1, 10, 100, 1000), converter=tuple, validator=_horizons)
    ties: str = field(default="seeded", validator=one_of("seeded", "list"))
    world: World = field(factory=World)
    signals: Signals = field(factory=Signals)
    population: Population = field(factory=Informed)
    venue: VenueRules = field(factory=VenueRules)
    variants: tuple[Variant, ...] = ()
    factors: tuple[Factor, ...] = ()
    """Crossed with each other and with the variants."""
    contrasts: tuple[Contrast, ...] = ()
    """Questions that the report answers with a number."""
    max_lag: int = field(default=200, validator=integer(0, STEPS_MAX))
    realised_horizon: int = field(default=10, validator=integer(0, STEPS_MAX))

    def resolved(self) -> dict[str, Study]:
        """The study of every variant by its name, without variants of its own; the base alone where there are none.

        Raises:
            ConfigError: a variant that does not read, or whose parts do not go together.
        """
        plain = evolve(self, variants=(), factors=(), contrasts=())
        variants = crossed(self.variants, self.factors)
        base = to_dict(plain)
        found = {
            variant.name: from_dict(merged(base, variant.change), f"variant {variant.name!r}") for variant in variants
        } or {"base": plain}
        for label, own in found.items():
            _fits(own, label)
        return found


def _fits(study: Study, label: str) -> None:
    # A scoring rule's prices add up to one payout, which only contracts on one event are worth between them.
    if "lmsr" in study.mechanisms and study.world.kind != "event":
        raise ConfigError(f"variant {label!r}: got lmsr in a world of kind {study.world.kind!r}, wanted kind 'event'")


_converter = strict_converter()


def _population(value: Any, _: Any) -> Population:
    if type(value) is not dict:
        raise ConfigError(f"got {shown(value)}, wanted a table")
    kind = value.get("kind", "lp_vs_informed")
    if kind == "lp_vs_snipers":
        return _converter.structure(value, Snipers)
    if type(kind) is str and kind in KIND_DEFAULTS:
        return _converter.structure(value, Informed)
    raise ConfigError(refusal("kind", shown(kind), f"one of {', '.join((*KIND_DEFAULTS, 'lp_vs_snipers'))}"))


_converter.register_structure_hook(Population, _population)


def from_dict(values: dict[str, Any], where: str) -> Study:
    """A study from nested tables; `where` names them in errors.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of bounds, with its place.
    """
    return structured(_converter, values, Study, where)


def to_dict(study: Study) -> dict[str, Any]:
    """The study as nested tables that TOML can hold."""
    tables: dict[str, Any] = _without_none(_converter.unstructure(study))
    return tables


def _without_none(value: Any) -> Any:
    # TOML has no null: what is not set is left out, and read back as its default, None.
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value


def dumps(study: Study) -> str:
    """The study as TOML text that `loads` reads back to an equal study."""
    return tomli_w.dumps(to_dict(study))


def loads(text: str, where: str) -> Study:
    """Read TOML text; raises `ConfigError` naming `where` and what is wrong."""
    return from_dict(toml_tables(text, where), where)


def shipped() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = files("experiments") / "pi_curve" / "configs"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))


def load(path_or_name: str) -> Study:
    """Read a configuration file, or one that is shipped, by its name."""
    path = Path(path_or_name)
    if path.is_file():
        return from_dict(read_toml(path), str(path))
    if path_or_name in shipped():
        text = (files("experiments") / "pi_curve" / "configs" / path_or_name).read_text(encoding="utf-8")
        return loads(text, path_or_name)
    raise ConfigError(refusal(path_or_name, "no file", f"a file of settings, or one of {', '.join(shipped())}"))
