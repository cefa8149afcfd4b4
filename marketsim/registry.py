"""Plugins by name, found through package entry points; the built-in ones are registered in the same way.

Groups: `marketsim.venues`, `marketsim.agents`, `marketsim.fair_values`, and `marketsim.capital`, rules that bound an
agent's orders. A plugin whose constructor needs arguments may register a function without any under the same name in
`marketsim.venues.examples` and so on, which builds one for the conformance kit. A plugin is trusted code: loading one
runs it.
Listing never imports anything. With MARKETSIM_NO_PLUGINS=1 only the built-ins are seen.
"""

from __future__ import annotations

import inspect
import os
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, packages_distributions
from typing import Any

from attrs import frozen

from marketsim.errors import ConfigError, PluginError, raised

KINDS = ("venues", "agents", "fair_values", "capital")
_BUILT_IN = "marketsim"


@frozen
class Plugin:
    """One registered plugin: its kind and name, where it is, and which distribution brought it."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str

    @property
    def built_in(self) -> bool:
        return self.distribution == _BUILT_IN


def plugins(kind: str) -> list[Plugin]:
    """Every plugin of a kind, sorted by name.

    Raises:
        ConfigError: an unknown kind, or two distributions that claim one name.
    """
    if kind not in KINDS:
        raise ConfigError(f"plugin kind: got {kind!r}, wanted one of {', '.join(KINDS)}")
    built_in_only = only_built_in()
    found: dict[str, Plugin] = {}
    for point in entry_points(group=f"marketsim.{kind}"):
        plugin = _describe(kind, point)
        if built_in_only and not plugin.built_in:
            continue
        other = found.setdefault(plugin.name, plugin)
        if (other.distribution, other.target) != (plugin.distribution, plugin.target):
            raise ConfigError(
                f"two plugins are named {plugin.name!r} in marketsim.{kind}: {other.target} of {other.distribution} "
                f"{other.version} and {plugin.target} of {plugin.distribution} {plugin.version}; uninstall one"
            )
    return [found[name] for name in sorted(found)]


def example(kind: str, name: str) -> Any:
    """What builds a ready-made plugin `name` when called: its registered example, else the plugin itself.

    Raises:
        ConfigError: there is no plugin of this name.
        PluginError: importing it failed, or it has no example and cannot be called without arguments.
    """
    plugin = load(kind, name)
    for point in entry_points(group=f"marketsim.{kind}.examples"):
        if point.name == name:
            return _import(_describe(kind, point))
    try:
        inspect.signature(plugin).bind()
    except TypeError as error:
        group = f"marketsim.{kind}.examples"
        raise PluginError(f"plugin {name!r} needs arguments ({error}); register an example in {group}") from error
    return plugin


def load(kind: str, name: str) -> Any:
    """Import the plugin `name`.

    Raises:
        ConfigError: there is none of this name.
        PluginError: importing it failed; the message names its distribution and version.
    """
    return _load(kind, name, only_built_in())


@cache  # reading the metadata of every installed distribution takes milliseconds, and studies load once per cell
def _load(kind: str, name: str, _built_in_only: bool) -> Any:
    known = plugins(kind)
    plugin = next((item for item in known if item.name == name), None)
    if plugin is None:
        names = ", ".join(item.name for item in known) or "none: is marketsim installed (pip install -e .)?"
        raise ConfigError(f"no {kind.removesuffix('s').replace('_', ' ')} plugin {name!r}; there are {names}")
    return _import(plugin)


def _import(plugin: Plugin) -> Any:
    module, _, attribute = plugin.target.partition(":")
    if plugin.built_in:
        _check_owner(module.partition(".")[0])
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:
        where = f"{plugin.target} of {plugin.distribution} {plugin.version}"
        raise PluginError(f"plugin {plugin.name!r} ({where}) cannot be loaded: {raised(error)}") from error


def only_built_in() -> bool:
    """Whether the environment asks for the built-in plugins alone."""
    return os.environ.get("MARKETSIM_NO_PLUGINS") == "1"


def _describe(kind: str, point: EntryPoint) -> Plugin:
    distribution = point.dist
    name = distribution.name if distribution else "unknown"
    version = distribution.version if distribution else "unknown"
    return Plugin(kind, point.name, point.value, name, version)


def _check_owner(package: str) -> None:
    # `venues`, `agents` and `experiments` are common names: another distribution may have put its own files over ours.
    if getattr(import_module(package), "__marketsim__", None) is None:
        owners = sorted(dict.fromkeys(packages_distributions().get(package, [])))
        others = ", ".join(owner for owner in owners if owner != _BUILT_IN) or "another project"
        raise PluginError(
            f"the package {package!r} here belongs to {others}, not to marketsim; use one environment each"
        )
