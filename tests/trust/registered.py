"""The venues that are registered with the package itself, and how to build one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from marketsim import registry
from marketsim.testing import probe
from marketsim.testing.profile import Profile
from marketsim.types import Feed

VENUES = tuple(plugin.name for plugin in registry.plugins("venues") if plugin.built_in)


@cache
def _example(name: str) -> Callable[[], Any]:
    return registry.example("venues", name)


def fresh(name: str) -> Any:
    """A venue as its plugin's example builds it; one that replays a tape has heard of a trade in each market."""
    venue = _example(name)()
    for market in venue.markets if Feed in getattr(venue, "messages", ()) else ():
        venue.submit(Feed(market, 100, 50, "kit"), 0)
    return venue


@cache
def profile_of(name: str) -> Profile:
    """What the venue is like: its markets, messages, prices and sizes."""
    return probe(lambda: fresh(name))
