"""Variants of a study, and factors whose levels are crossed into variants."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from attrs import field, frozen

from experiments.strict import toml_tables
from marketsim.checks import name
from marketsim.errors import ConfigError, refusal, shown

VARIANTS_MAX = 10_000
"""Of a study: each is held in memory with all its settings."""


@frozen(kw_only=True)
class Variant:
    """A named set of changes to the base, as nested tables of the same keys."""

    name: str = field(validator=name)
    change: dict[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Factor:
    """One thing that a study varies, at several levels.

    Either `levels`, each a variant, or `key` with `values`: one dotted key of the configuration, such as
    "population.lp_requote", and what to set it to.
    """

    name: str = field(validator=name)
    levels: tuple[Variant, ...] = ()
    key: str = ""
    values: tuple[Any, ...] = ()

    def __attrs_post_init__(self) -> None:
        if bool(self.levels) == bool(self.key) or bool(self.key) != bool(self.values):
            got = ", ".join(each for each in ("levels", "key", "values") if getattr(self, each)) or "none of them"
            raise ConfigError(refusal(f"factor {self.name!r}", got, "either levels, or a key and values"))

    def variants(self) -> tuple[Variant, ...]:
        """The levels, each by its name; a level of a key is named like "re-quote interval = 500"."""
        if self.levels:
            return self.levels
        return tuple(Variant(name=f"{self.name} = {value}", change=_nested(self.key, value)) for value in self.values)


def swept(text: str) -> Factor:
    """The factor that "population.lp_delay=1,50,200" asks for; values are written as in TOML.

    Raises:
        ConfigError: it does not read so.
    """
    key, _, values = text.partition("=")
    try:
        return Factor(name=key, key=key, values=tuple(toml_tables(f"values = [{values}]", key)["values"]))
    except ConfigError as error:
        raise ConfigError(f"sweep {text!r}: {error}; wanted KEY=VALUE,VALUE with values as in TOML") from error


def crossed(variants: tuple[Variant, ...], factors: tuple[Factor, ...]) -> list[Variant]:
    """Every combination of a variant and a level of each factor; later ones change what earlier ones left.

    Raises:
        ConfigError: two of them have one name; there are more than `VARIANTS_MAX`.
    """
    axes = [*([variants] if variants else []), *(factor.variants() for factor in factors)]
    if (size := prod(len(axis) for axis in axes)) > VARIANTS_MAX:
        raise ConfigError(refusal("factors", f"{shown(size)} combinations", f"at most {VARIANTS_MAX}"))
    combined: dict[str, Variant] = {}
    for choice in product(*axes) if axes else ():
        change: dict[str, Any] = {}
        for part in choice:
            change = _joined(change, part.change)
        label = ", ".join(part.name for part in choice)
        if label in combined:
            raise ConfigError(f"two variants are named {label!r}")
        combined[label] = Variant(name=label, change=change)
    return list(combined.values())


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`base` with the nested tables of `change` over it; a table of another kind replaces the whole table."""
    if "kind" in change and change["kind"] != base.get("kind"):
        return change  # with its own defaults
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def _joined(change: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    # Both are changes still to be made, so a kind that the later one names does not undo what the earlier one set.
    result = dict(change)
    for key, value in later.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            known = below.get("kind")
            renamed = known is not None and value.get("kind", known) != known
            result[key] = value if renamed else _joined(below, value)
        else:
            result[key] = value
    return result


def _nested(key: str, value: Any) -> dict[str, Any]:
    first, _, rest = key.partition(".")
    return {first: _nested(rest, value) if rest else value}
