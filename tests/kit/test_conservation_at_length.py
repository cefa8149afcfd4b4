"""Lots, money and fees stay exact over a hundred thousand messages per venue, a million on demand."""

from __future__ import annotations

import pytest

from marketsim import registry
from marketsim.testing import venue_checks

STEPS = 500
CHECK = next(check for check in venue_checks() if check.name == "conservation")
NAMES = [plugin.name for plugin in registry.plugins("venues") if plugin.built_in]


@pytest.mark.parametrize("name", NAMES)
def test_conservation_over_a_hundred_thousand_steps(name: str):
    assert CHECK(registry.example("venues", name), seed=7, examples=200, steps=STEPS).status == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_conservation_over_a_million_steps(name: str):
    assert CHECK(registry.example("venues", name), seed=8, examples=2000, steps=STEPS).status == "passed"
