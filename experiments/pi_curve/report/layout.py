"""How a study's variants lie: one by one, along the values of one factor, or too many for a picture each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import log10

from attrs import frozen

from experiments.pi_curve.config import Study
from experiments.pi_curve.factors import Factor

FEW = 6
"""Variants that still get a section and pictures of their own."""

# What the values of a swept key are counted in, where the configuration does not say it by its name.
_UNITS = {
    "population.lp_requote": "steps",
    "population.lp_delay": "steps",
    "population.sniper_delay": "steps",
    "world.walk_var": "per step",
}


@frozen
class Sweep:
    """A study along one numeric factor.

    Attributes:
        factor: the factor's name.
        unit: what its values are counted in, or "".
        values: its values, ascending.
        rows: what else the variants differ in, or "" where nothing, and for each the names of the study's variants in
            the order of `values`.
    """

    factor: str
    unit: str
    values: tuple[float, ...]
    rows: Mapping[str, tuple[str, ...]]

    @property
    def label(self) -> str:
        """The factor with its unit."""
        return f"{self.factor}, {self.unit}" if self.unit else self.factor


def sweep_of(study: Study) -> Sweep | None:
    """The sweep that a study is: along its numeric factor with the most values, the first of equals; None without one.

    A factor is numeric if it has a key and at least two values, all of them numbers.
    """
    numeric = [factor for factor in study.factors if _numeric(factor)]
    if not numeric:
        return None
    swept = max(numeric, key=lambda factor: len(factor.values))
    place = study.factors.index(swept)
    before = [[variant.name for variant in study.variants]] if study.variants else []
    before += [[level.name for level in factor.variants()] for factor in study.factors[:place]]
    after = [[level.name for level in factor.variants()] for factor in study.factors[place + 1 :]]
    pairs = zip(swept.values, swept.variants(), strict=True)
    levels = sorted(((float(value), level.name) for value, level in pairs), key=lambda pair: pair[0])
    rows = {}
    for names in product(*before, *after):
        first, last = names[: len(before)], names[len(before) :]
        rows[", ".join(names)] = tuple(", ".join((*first, level, *last)) for _, level in levels)
    return Sweep(swept.name, _UNITS.get(swept.key, ""), tuple(value for value, _ in levels), rows)


def _numeric(factor: Factor) -> bool:
    return len(factor.values) > 1 and all(type(value) in (int, float) for value in factor.values)


def many(study: Study) -> bool:
    """Whether the study has more variants than get a section each, and no numeric factor to put them along."""
    return sweep_of(study) is None and len(study.resolved()) > FEW


@frozen
class Axis:
    """Where the values of a factor stand on a picture's axis.

    Attributes:
        places: one for each value, ascending, about 1 apart or less.
        ticks: their labels.
        log: places are decades (log10 of the value).
        apart: the first value is 0, which has no logarithm; it stands at the left, with nothing to scale.
    """

    places: tuple[float, ...]
    ticks: tuple[str, ...]
    log: bool
    apart: bool

    @property
    def pieces(self) -> tuple[slice, ...]:
        """Runs of values between which a line may be drawn."""
        return (slice(0, 1), slice(1, None)) if self.apart else (slice(None),)


def axis(values: Sequence[float]) -> Axis:
    """A logarithmic axis where the positive values span a decade and none is negative, else an even scale from 0 to 1.

    Args:
        values: ascending.
    """
    ticks = tuple(tick(value) for value in values)
    positive = [value for value in values if value > 0]
    if values[0] >= 0 and len(positive) > 1 and positive[-1] >= 10 * positive[0]:
        decades = tuple(log10(value) for value in positive)
        apart = len(positive) < len(values)
        gap = max(0.5, (decades[-1] - decades[0]) / 4)
        return Axis((decades[0] - gap, *decades) if apart else decades, ticks, log=True, apart=apart)
    span = values[-1] - values[0]
    return Axis(tuple((value - values[0]) / span for value in values), ticks, log=False, apart=False)


def tick(value: float) -> str:
    """A value as an axis or a table says it: 50, 0.1, 1e-7."""
    mantissa, exponent, power = f"{value:g}".partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa
