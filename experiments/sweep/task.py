"""What a sweep computes for each cell, and the version of everything that decides the answer."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attrs import field, frozen

from experiments.digests import file_digest, installed_version
from experiments.sweep.cells import canonical, digest
from marketsim.errors import ConfigError, refusal, shown
from marketsim.registry import KINDS, plugins

WHOLE_PACKAGES = ("marketsim", "venues", "agents")
"""Any of their files may matter to a cell, as plugins are loaded by name; of `experiments`, those that are loaded."""

LIBRARIES = ("numpy", "scipy", "pandas", "sortedcontainers", "scikit-learn", "jax", "thrml")
"""Installed libraries whose arithmetic or order a row may depend on."""

PARTS = ("target", "config", "code", "plugins", "libraries")


def _target(_: Any, _attribute: Any, value: Any) -> None:
    module, colon, name = value.partition(":") if type(value) is str else ("", "", "")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise ConfigError(refusal("function of a sweep", shown(value), "module:function"))


def _settings(_: Any, _attribute: Any, value: Any) -> None:
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError(refusal("settings of a sweep", shown(value), "a table, or none"))


@frozen
class Task:
    """A function of a cell, by name, so that nothing but text travels to the workers.

    Args:
        target: "module:function". Called with a cell, a dict, it answers a row: a flat dict of numbers, text, true,
            false and None, the same for the same cell. Where `config` is given it is called once with that instead,
            and answers the function.
        config: settings that all cells share, as TOML can hold them; part of every cell's id.
        path: folders to import the module from, before the interpreter's own.
    """

    target: str = field(validator=_target)
    config: Mapping[str, Any] | None = field(default=None, validator=_settings)
    path: tuple[str, ...] = ()

    def text(self) -> str:
        """The task as one line of JSON."""
        return canonical({"target": self.target, "config": self.config})


@frozen
class Version:
    """What decides the row of a cell, as canonical text by name: each part is JSON.

    Args:
        parts: `target` ("module:function"); `config` (the task's settings); `code` (SHA-256 of the source of each
            package of the engine, and of each module that importing the target loads from `experiments` or from
            outside the installed libraries); `plugins` (distribution, version and source of each, by kind and name);
            `libraries` (their versions, and that of Python).
    """

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of all parts."""
        return digest(canonical(dict(self.parts)))


def version_of(target: str, config: Mapping[str, Any] | None, modules: Mapping[str, str]) -> Version:
    """The version of a task on this machine; `modules` are the digests of the target's own modules."""
    own = {name: package_digest(name) for name in WHOLE_PACKAGES}
    libraries = {name: installed_version(name) for name in LIBRARIES} | {"python": platform.python_version()}
    whole = (target, config, own | dict(modules), _plugin_versions(own), libraries)
    return Version({key: canonical(value) for key, value in zip(PARTS, whole, strict=True)})


def package_digest(name: str) -> str:
    """SHA-256 over the Python files of an importable package or module, found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return "not found"
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.relative_to(origin.parent).as_posix()}\n{file_digest(file)}\n".encode())
    return found.hexdigest()


def _plugin_versions(known: dict[str, str]) -> dict[str, str]:
    # The source as well as the version: a plugin that is being written changes without a new version.
    sources: dict[str, str] = {}
    found = {}
    for kind in KINDS:
        for item in plugins(kind):
            module = item.target.partition(":")[0]
            package = module.partition(".")[0]
            if package in known:  # named under `code`: here it would blame every plugin in it
                source = "as its package"
            else:
                part = module if package == "experiments" else package
                source = sources.get(part) or sources.setdefault(part, package_digest(part))
            found[f"{kind}/{item.name}"] = f"{item.target} of {item.distribution} {item.version}, source {source}"
    return found
