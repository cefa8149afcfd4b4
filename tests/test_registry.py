"""Plugins by name: listing, loading, clashes, and failures that name their owner."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from marketsim import ConfigError, PluginError, registry


class Distribution:
    def __init__(self, name: str, version: str = "1.0") -> None:
        self.name, self.version = name, version


class Point:
    """An entry point as `importlib.metadata` gives it."""

    def __init__(self, name: str, value: str, distribution: str) -> None:
        self.name, self.value, self.dist = name, value, Distribution(distribution)


@pytest.fixture
def points(monkeypatch):
    found: list[Point] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: found if group == "marketsim.venues" else [])
    registry._load.cache_clear()
    yield found
    registry._load.cache_clear()


def test_built_ins_are_registered_like_any_plugin():
    names = {kind: [plugin.name for plugin in registry.plugins(kind)] for kind in registry.KINDS}
    assert {"clob", "fba"} <= set(names["venues"])
    assert {"sniper", "market-maker"} <= set(names["agents"])
    assert {"constant", "historical"} <= set(names["fair_values"])
    for kind, listed in names.items():
        assert listed == sorted(listed)
        assert all(callable(registry.load(kind, name)) for name in listed)


def test_listing_does_not_import(points):
    points.append(Point("odd", "no_such_module:Venue", "odd-dist"))
    assert [plugin.name for plugin in registry.plugins("venues")] == ["odd"]


def test_a_failing_import_names_the_distribution(points):
    points.append(Point("odd", "no_such_module:Venue", "odd-dist"))
    with pytest.raises(PluginError, match=r"'odd' \(no_such_module:Venue of odd-dist 1\.0\)"):
        registry.load("venues", "odd")


def test_two_owners_of_one_name_are_an_error_that_names_both(points):
    points += [Point("odd", "a:V", "first"), Point("odd", "b:V", "second")]
    with pytest.raises(ConfigError, match=r"first.*second"):
        registry.plugins("venues")


def test_unknown_names_list_what_there_is():
    with pytest.raises(ConfigError, match="clob"):
        registry.load("venues", "no-such-venue")
    with pytest.raises(ConfigError, match="venues, agents, fair_values"):
        registry.plugins("exchanges")


def test_plugins_can_be_left_out(points, monkeypatch):
    points += [
        Point("odd", "no_such_module:Venue", "odd-dist"),
        Point("clob", "venues.clob:ContinuousBook", "marketsim"),
    ]
    monkeypatch.setenv("MARKETSIM_NO_PLUGINS", "1")
    assert [plugin.name for plugin in registry.plugins("venues")] == ["clob"]
    with pytest.raises(ConfigError):
        registry.load("venues", "odd")


def test_a_package_of_the_same_name_from_elsewhere_is_named(points, monkeypatch):
    import venues

    points.append(Point("clob", "venues.clob:ContinuousBook", "marketsim"))
    monkeypatch.delattr(venues, "__marketsim__")
    monkeypatch.setattr(registry, "packages_distributions", lambda: {"venues": ["marketsim", "other-venues"]})
    with pytest.raises(PluginError, match="belongs to other-venues"):
        registry.load("venues", "clob")


def test_the_stand_in_has_the_shape_of_an_entry_point():
    real = EntryPoint("odd", "a:V", "marketsim.venues")
    assert (real.name, real.value) == ("odd", "a:V")
