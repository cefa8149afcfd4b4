"""TOML into attrs classes and back, where a configuration means exactly what it says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Generic, TypeVar

import cattrs
import tomli_w
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from marketsim.errors import ConfigError

T = TypeVar("T")

_LINE_MAX = 10_000
"""Characters of a line of settings: tomllib takes seconds over a key of a hundred thousand parts."""
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
    except RecursionError as error:
        raise ConfigError(f"{where}: tables are nested too deeply") from error
    except (BaseValidationError, ForbiddenExtraKeysError, ConfigError) as error:
        problems = cattrs.transform_error(error, path=where, format_exception=_problem)
        raise ConfigError("; ".join(problems)) from error


class TomlForm(Generic[T]):
    """How one class of settings is written as TOML and read back."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._converter = strict_converter()

    def to_dict(self, study: T) -> dict[str, Any]:
        """The study as nested tables that TOML can hold."""
        tables: dict[str, Any] = self._converter.unstructure(study)
        return tables

    def dumps(self, study: T) -> str:
        """The study as TOML text that `loads` reads back to an equal study."""
        return tomli_w.dumps(self.to_dict(study))

    def loads(self, text: str, where: str) -> T:
        """A study from TOML text.

        Raises:
            ConfigError: naming `where` and what is wrong.
        """
        return structured(self._converter, toml_tables(text, where), self._kind, where)

    def load(self, path: str) -> T:
        """Read a configuration file; an empty path gives the defaults.

        Raises:
            ConfigError: there is no such file, or naming it and what is wrong.
        """
        if not path:
            return self._kind()
        if not Path(path).is_file():
            raise ConfigError(f"no configuration file {path!r}")
        return structured(self._converter, read_toml(Path(path)), self._kind, path)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        OSError: the file cannot be read.
        ConfigError: it is not TOML, naming the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: wanted text in utf-8: {error}") from error
    return toml_tables(text, str(path))


def toml_tables(text: str, where: str) -> dict[str, Any]:
    """The tables of TOML text; `where` names it in errors.

    Raises:
        ConfigError: it is not TOML, or is made to exhaust its reader: a very long line, values nested without end.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > _LINE_MAX:
            raise ConfigError(f"{where}, line {number}: got {len(line)} characters, wanted at most {_LINE_MAX}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{where}: values are nested too deeply") from error
    except ValueError as error:  # a TOMLDecodeError, or an integer with more digits than Python reads
        raise ConfigError(f"{where}: {error}") from error


def _exactly(kind: Any, said: str) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is kind or (kind is float and type(value) is int):
            return kind(value)
        raise ValueError(f"got {value!r}, wanted {said}")

    return structure


def _problem(error: BaseException, _: type | None) -> str:
    return str(error) or type(error).__name__
