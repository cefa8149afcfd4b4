"""The validators of constructor arguments: what came, what was wanted, where."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from attrs import field, make_class

from marketsim import checks
from marketsim.errors import ConfigError, RegistrationError
from marketsim.simulation import Simulation
from tests.small_market import PostedPrice, run

NAN, INF = float("nan"), float("inf")
HUGE = 10**400  # an integer that no float can hold


def accepts(validator, value):
    made = make_class("Config", {"argument": field(validator=validator)})
    try:
        made(value)
    except ConfigError:
        return False
    return True


CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (checks.integer(), [0, -5, 10], [True, False, 1.0, NAN, INF, "1", None, [1]]),
    (checks.integer(1), [1, 2], [0, -1, True, 1.5, NAN, None]),
    (checks.integer(1, 9), [1, 9], [0, 10, 2**80, -(2**80), True]),
    (checks.integer(None, 9), [-(2**40), 9], [10]),
    (checks.number(), [0, -1.5, 2**53, 1e308], [True, NAN, INF, -INF, "1", None, 1j, HUGE, -HUGE]),
    (checks.number(0), [0, 0.0, -0.0, 3], [-1, -1e-300, NAN, INF]),
    (checks.number(0, 1), [0, 1, 0.5], [1.0000001, 2, -0.1, HUGE]),
    (checks.number(above=0), [1, 1e-300], [0, 0.0, -1, NAN]),
    (checks.number(above=0, high=1), [1, 0.5], [0, 1.1]),
    (checks.name, ["a", "x y"], ["", None, 3, b"a", ["a"], True]),
    (checks.names, [("a",), ("a", "b")], [(), ["a"], "ab", ("a", "a"), ("",), (1,), None, (["a"],)]),
    (checks.flag, [True, False], [0, 1, "yes", None, 1.0]),
    (checks.one_of("a", "b"), ["a", "b"], ["c", "", None, 1]),
    (checks.one_of(1, None), [1, None], [True, 1.0, 0, "1"]),
    (checks.optional(checks.integer(1)), [None, 1], [0, True, "1"]),
    (
        checks.delay,
        [0, 5, {}, {"book": 0}, {"a": 1, "b": 2}, MappingProxyType({"a": 1})],
        [-1, True, 1.0, NAN, None, "1", {"a": -1}, {"a": True}, {"a": 1.0}, {"a": None}, {3: 1}, {"": 1}, [1]],
    ),
]
FLAT = [
    (number, value, good)
    for number, (_, goods, bads) in enumerate(CASES)
    for good, values in ((True, goods), (False, bads))
    for value in values
]


@pytest.mark.parametrize(("number", "value", "good"), FLAT, ids=lambda item: repr(item)[:12])
def test_what_a_check_takes_and_what_it_refuses(number, value, good):
    assert accepts(CASES[number][0], value) is good


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_refusal_says_where_what_came_and_what_was_wanted(number):
    validator, _, bads = CASES[number]
    with pytest.raises(ConfigError, match=r"(?s)^Config.argument: got .*, wanted .+"):
        make_class("Config", {"argument": field(validator=validator)})(bads[0])


@pytest.mark.parametrize("value", [np.int64(3), np.float64(0.5), np.bool_(True)])
def test_numpy_scalars_are_refused_and_not_half_taken(value):
    assert not accepts(checks.integer(), value)
    assert not accepts(checks.number(), value)
    assert not accepts(checks.flag, value)


def test_the_message_says_what_came_and_what_was_wanted():
    made = make_class("Config", {"size": field(validator=checks.integer(1, 9))})
    with pytest.raises(ConfigError, match=r"^Config.size: got 0, wanted an int of at least 1 up to 9$"):
        made(0)


# What a simulation is built from


@pytest.mark.parametrize("name", ["time_unit", "events_per_instant_max"])
@pytest.mark.parametrize("bad", [0, -1, 1.0, True, None, "9", float("nan")])
def test_bad_settings_are_refused_by_name(name, bad):
    with pytest.raises(ConfigError, match=name):
        Simulation(venues={"v": PostedPrice()}, **{name: bad})


def test_information_without_a_truth_is_refused():
    with pytest.raises(ConfigError, match="fair value"):
        Simulation(venues={"v": PostedPrice()}, information=object())


@pytest.mark.parametrize("markets", [(), ["A"], "A", None, ("",), (1,), ("A", "A")])
def test_a_venue_with_bad_markets_is_refused(markets):
    with pytest.raises(RegistrationError, match="markets"):
        run(venues={"v": PostedPrice(markets=markets)})


@pytest.mark.parametrize("name", ["", None, 3, ("a",)])
def test_a_venue_under_a_bad_name_is_refused(name):
    with pytest.raises(RegistrationError):
        run(venues={name: PostedPrice()})


def test_no_venue_is_refused():
    with pytest.raises(RegistrationError):
        Simulation(venues={})
