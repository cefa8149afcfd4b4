"""Every registered agent has an example of its own class, fresh at each call."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from marketsim.registration import agent_slot

OURS = sorted(
    (point for point in entry_points(group="marketsim.agents") if point.value.startswith("agents.")),
    key=lambda point: point.name,
)


def test_all_families_are_registered():
    names = [point.name for point in OURS]
    assert {"aggregated-evidence", "joint-factor", "momentum-trader", "zero-intelligence"} <= set(names)
    assert len(names) == len(set(names)) == 19


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_an_example_is_a_fresh_agent_of_the_registered_class(point):
    (example,) = entry_points(group="marketsim.agents.examples", name=point.name)
    one, two = example.load()(), example.load()()
    assert type(one) is point.load()
    assert one is not two
    assert one == two
    agent_slot(one, 0)
