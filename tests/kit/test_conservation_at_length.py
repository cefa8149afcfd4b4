"""Over a hundred thousand messages per venue no rule breaks and every program drains; a million on demand."""

from __future__ import annotations

from random import Random

import pytest

from marketsim import registry
from marketsim.testing import probe
from marketsim.testing.generate import random_program
from marketsim.testing.judges import Trial, drains

STEPS = 500
# Plugins of the experiments carry published faults on purpose.
NAMES = [
    plugin.name for plugin in registry.plugins("venues") if plugin.built_in and plugin.target.startswith("venues.")
]


def play(name: str, programs: int, seed: int) -> int:
    """Every step is judged by every rule, conservation among them; a broken one raises. Returns the steps played."""
    factory = registry.example("venues", name)
    profile = probe(factory)
    played = 0
    for number in range(programs):
        program = random_program(profile, Random(seed * 1_000_003 + number), STEPS)
        drains(Trial(factory, profile), program)
        played += len(program)
    return played


@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_thousand_steps(name: str):
    assert play(name, 200, seed=7) >= 100_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_million_steps(name: str):
    assert play(name, 2000, seed=8) >= 1_000_000
