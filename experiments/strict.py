"""TOML into attrs classes and back, where a configuration means exactly what it says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

import attrs
import cattrs
import tomli_w
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from marketsim.checks import FLOAT_MAX
from marketsim.errors import ConfigError, refusal, shown

T = TypeVar("T")

SIZE_MAX = 2**24
"""Bytes of a file of settings."""
_LINE_MAX = 10_000
"""Characters of a line of settings: tomllib takes seconds over a key of a hundred thousand parts."""
_DIGITS = re.compile(r"[0-9_]{641}")  # Python itself reads fewer than 641 digits under any setting
_TOLD_MAX = 10
_AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_QUOTES = re.compile(r"[(),']")
_NESTED = ("values that are nested too deeply", "fewer brackets within each other")
_SAID = {int: "an int", float: "a number", str: "a string", bool: "true or false"}


def strict_converter() -> cattrs.Converter:
    """A converter that refuses unknown keys and values of another type; cattrs alone makes 7 of "7" and 2 of 2.9."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, said in _SAID.items():
        converter.register_structure_hook(kind, _exactly(kind, said))

    def table(kind: Any) -> Callable[[Any, Any], Any]:
        return _only(dict, "a table", converter.gen_structure_attrs_fromdict(kind))

    def mapping(kind: Any) -> Callable[[Any, Any], Any]:
        return _only(dict, "a table", mapping_structure_factory(kind, converter))

    def sequence(kind: Any) -> Callable[[Any, Any], Any]:
        # Any iterable would do for cattrs: it takes a text apart, and the keys of a table.
        origin: Any = get_origin(kind)
        listed: Any = list.__class_getitem__(get_args(kind)[0])
        structure = list_structure_factory(listed, converter)
        return _only(list, "a list", lambda values, _: origin(structure(values, listed)))

    converter.register_structure_hook_factory(attrs.has, table)
    converter.register_structure_hook_factory(_has_origin(dict), mapping)
    converter.register_structure_hook_factory(_has_origin(list, tuple), sequence)
    return converter


def structured(converter: cattrs.Converter, values: Any, kind: type[T], where: str) -> T:
    """`values` as a `kind`; `where` names them in errors.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of bounds, with its place.
    """
    try:
        return converter.structure(values, kind)
    except RecursionError as error:
        raise ConfigError(refusal(where, *_NESTED)) from error
    except (BaseValidationError, ConfigError) as error:
        problems = [": ".join((", ".join((where, *keys)), said)) for keys, said in _problems(error, "")]
        more = [f"and {len(problems) - _TOLD_MAX} more"] if len(problems) > _TOLD_MAX else []
        raise ConfigError("; ".join([*problems[:_TOLD_MAX], *more])) from error


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
            raise ConfigError(refusal(path, "no file", "a file of settings"))
        return structured(self._converter, read_toml(Path(path)), self._kind, path)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        OSError: the file cannot be read.
        ConfigError: it is not TOML, naming the file and the line.
    """
    with path.open("rb") as file:
        content = file.read(SIZE_MAX + 1)
    if len(content) > SIZE_MAX:
        raise ConfigError(refusal(str(path), f"more than {SIZE_MAX} bytes", "at most as many"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{content[error.start]:x}"
        raise ConfigError(refusal(f"{path}, line {line}", got, "text in UTF-8")) from error
    return toml_tables(text, str(path))


def toml_tables(text: str, where: str) -> dict[str, Any]:
    """The tables of TOML text; `where` names it in errors.

    Raises:
        ConfigError: it is not TOML, or is made to exhaust its reader: a very long line, values nested without end.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{where}, line {number}"
        if len(line) > _LINE_MAX:
            raise ConfigError(refusal(place, f"{len(line)} characters", f"at most {_LINE_MAX}"))
        if _DIGITS.search(line):
            raise ConfigError(refusal(place, f"{shown(line)}, with more than 640 digits in a row", "at most as many"))
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(refusal(where, *_NESTED)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_not_toml(text, where, str(error))) from error


def _not_toml(text: str, where: str, said: str) -> str:
    lines = text.split("\n")
    found = _AT.fullmatch(said)
    why, line, column = found.groups() if found else (said, None, None)
    line, column = (line, column) if line else (str(len(lines)), str(len(lines[-1]) + 1))
    got = lines[int(line) - 1]
    return refusal(f"{where}, line {line}, column {column}", shown(got), f"TOML ({_QUOTES.sub('', why)})")


def _has_origin(*origins: type) -> Callable[[Any], bool]:
    return lambda kind: any(get_origin(kind) is each for each in origins)


def _exactly(kind: Any, said: str) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int and abs(value) <= FLOAT_MAX:
            return float(value)
        raise ConfigError(_unlike(value, said))

    return structure


def _only(kind: type, said: str, structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`structure`, for values of one kind alone; settings that were made in Python may have tuples as lists."""
    kinds = (list, tuple) if kind is list else (kind,)

    def checked(value: Any, wanted: Any) -> Any:
        if type(value) not in kinds:
            raise ConfigError(_unlike(value, said))
        return structure(value, wanted)

    return checked


def _unlike(value: Any, wanted: str) -> str:
    # A date of TOML is written as TOML writes it.
    return f"got {shown(value, str if hasattr(value, 'isoformat') else repr)}, wanted {wanted}"


def _problems(error: BaseException, place: str) -> Iterator[tuple[list[str], str]]:
    """What is wrong, each with the keys that lead to it and in words."""
    here = [place] if place else []
    if isinstance(error, ClassValidationError | IterableValidationError):
        below, own = error.group_exceptions()
        for each, note in below:
            yield from _problems(each, _below(place, getattr(note, "name", getattr(note, "index", ""))))
        for each in own:
            yield from _problems(each, place)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = ", ".join(each.name for each in attrs.fields(error.cl) if each.init)
        for key in sorted(error.extra_fields):
            yield [_below(place, shown(key, str))], f"got an unknown key, wanted one of {known}"
    elif isinstance(error, KeyError):
        yield here, "got no such key, wanted one"
    else:
        yield here, str(error)


def _below(place: str, key: str | int) -> str:
    if type(key) is int:
        return f"{place}[{key}]"
    return f"{place}.{key}" if place else str(key)
