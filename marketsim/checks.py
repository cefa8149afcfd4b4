"""attrs validators for constructor arguments: what came, what was wanted, where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from sys import float_info
from typing import Any

from marketsim.errors import ConfigError, refusal, shown

FLOAT_MAX = int(float_info.max)
"""The largest integer that a float64 comes near."""

Validator = Callable[[Any, Any, Any], None]


def _refuse(instance: Any, attribute: Any, value: Any, wanted: str) -> None:
    raise ConfigError(refusal(f"{type(instance).__name__}.{attribute.name}", shown(value), wanted))


def finite(value: object) -> bool:
    """Whether `value` is a finite float (NumPy's float64 is one) or an int, not a bool, that a float can hold.

    >>> finite(1.5), finite(2), finite(float("nan")), finite(True), finite(10**400), finite("1")
    (True, True, False, False, False, False)
    """
    return (isinstance(value, float) and isfinite(value)) or (type(value) is int and abs(value) <= FLOAT_MAX)


def integer(low: int | None = None, high: int | None = None) -> Validator:
    """An `int` (not a bool) from `low` to `high`, both included."""
    wanted = (
        "an int" + (f" of at least {low}" if low is not None else "") + (f" up to {high}" if high is not None else "")
    )

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if type(value) is not int or (low is not None and value < low) or (high is not None and value > high):
            _refuse(instance, attribute, value, wanted)

    return check


def number(low: float | None = None, high: float | None = None, *, above: float | None = None) -> Validator:
    """A finite `float` or `int` (not a bool) from `low` to `high`, or strictly above `above`."""
    wanted = "a finite number"
    wanted += f" of at least {low}" if low is not None else ""
    wanted += f" above {above}" if above is not None else ""
    wanted += f" up to {high}" if high is not None else ""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        fits = (type(value) is int and abs(value) <= FLOAT_MAX) or (type(value) is float and isfinite(value))
        if (
            not fits
            or (low is not None and value < low)
            or (high is not None and value > high)
            or (above is not None and value <= above)
        ):
            _refuse(instance, attribute, value, wanted)

    return check


def name(instance: Any, attribute: Any, value: Any) -> None:
    """A non-empty `str`."""
    if type(value) is not str or not value:
        _refuse(instance, attribute, value, "a non-empty str")


def names(instance: Any, attribute: Any, value: Any) -> None:
    """A non-empty tuple of distinct non-empty `str`."""
    if (
        type(value) is not tuple
        or not value
        or any(type(item) is not str or not item for item in value)
        or len(dict.fromkeys(value)) != len(value)
    ):
        _refuse(instance, attribute, value, "a non-empty tuple of distinct names")


def flag(instance: Any, attribute: Any, value: Any) -> None:
    """A `bool`."""
    if type(value) is not bool:
        _refuse(instance, attribute, value, "a bool")


def one_of(*choices: Any) -> Validator:
    """One of `choices`."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            _refuse(instance, attribute, value, "one of " + ", ".join(map(repr, choices)))

    return check


def optional(validator: Validator) -> Validator:
    """None, or what `validator` takes."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if value is not None:
            validator(instance, attribute, value)

    return check


def mapping_of(validator: Validator) -> Validator:
    """A mapping from names to what `validator` takes; it may be empty."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if not isinstance(value, Mapping) or any(type(key) is not str or not key for key in value):
            _refuse(instance, attribute, value, "a mapping by name")
        for item in value.values():
            validator(instance, attribute, item)

    return check


def kind(wanted: type) -> Validator:
    """A value of the class `wanted`."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if type(value) is not wanted:
            _refuse(instance, attribute, value, f"a {wanted.__name__}")

    return check


def delay(instance: Any, attribute: Any, value: Any) -> None:
    """Steps: an `int` of at least 0, or a mapping from venue name to one."""
    by_venue = value if isinstance(value, Mapping) else {"every": value}
    if any(
        type(venue) is not str or not venue or type(step) is not int or step < 0 for venue, step in by_venue.items()
    ):
        _refuse(instance, attribute, value, "steps: an int of at least 0, or a mapping from venue name to one")
