"""TOML into attrs classes and back, where a configuration means exactly what it says."""

from __future__ import annotations

from typing import Any, TypeVar

import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from marketsim.errors import ConfigError

T = TypeVar("T")

_SAID = {int: "an int", float: "a number", str: "a string", bool: "true or false"}


def strict_converter() -> cattrs.Converter:
    """A converter that refuses unknown keys and values of another type; cattrs alone makes 7 of "7" and 2 of 2.9."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, said in _SAID.items():
        converter.register_structure_hook(kind, _exactly(kind, said))
    return converter


def structured(converter: cattrs.Converter, values: Any, kind: type[T], where: str) -> T:
    """`values` as a `kind`; `where` names them in errors.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of bounds, with its place.
    """
    try:
        return converter.structure(values, kind)
    except (BaseValidationError, ForbiddenExtraKeysError, ConfigError) as error:
        problems = cattrs.transform_error(error, path=where, format_exception=_problem)
        raise ConfigError("; ".join(problems)) from error


def _exactly(kind: Any, said: str) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is kind or (kind is float and type(value) is int):
            return kind(value)
        raise ValueError(f"got {value!r}, wanted {said}")

    return structure


def _problem(error: BaseException, _: type | None) -> str:
    return str(error) or type(error).__name__
