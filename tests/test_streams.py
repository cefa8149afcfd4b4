"""Named random streams and seeded ties: independent, and the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import permutations, product
from math import sqrt

import numpy as np
import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.streams import Streams, mix
from tests.small_market import MiniBook, PostedPrice, Scripted, buy, run

GOLDEN_KEY = 6103580549771877943
GOLDEN_INTEGERS = [4249137882348102599, 2050794543565197766, 8393309224132349755]
GOLDEN_FLOATS = [0.8218046754518109, 0.48610301222467667]
GOLDEN_MIX = 12338226103952737359


def test_the_first_draws_are_the_golden_ones():
    streams = Streams(7)
    assert streams.key("world") == GOLDEN_KEY
    assert streams.stream("world").integers(2**63, size=3).tolist() == GOLDEN_INTEGERS
    assert streams.stream("agent:lp").random(2).tolist() == GOLDEN_FLOATS
    assert mix(streams.key("ties:a"), 5) == GOLDEN_MIX


_CHILD = """
from marketsim.streams import Streams, mix
s = Streams(11)
print(s.key("world"), s.stream("signals").integers(2**63, size=5).tolist(), mix(s.key("ties:x"), 9))
"""


def test_draws_do_not_depend_on_the_process_or_the_hash_seed():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _CHILD],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    here = Streams(11)
    draws = here.stream("signals").integers(2**63, size=5).tolist()
    assert outputs == [f"{here.key('world')} {draws} {mix(here.key('ties:x'), 9)}\n"] * 2


def test_splitmix_is_the_published_sequence():
    # The generator of the paper, seeded with 0, yields these; `mix(0, n)` is its n-th output.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [mix(0, n) for n in (1, 2, 3)] == published


def test_a_stream_starts_afresh_each_time_it_is_asked_for():
    streams = Streams(3)
    first = streams.stream("world")
    first.random(100)
    assert streams.stream("world").random() == Streams(3).stream("world").random()


@given(st.text(max_size=8), st.text(max_size=8), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_another_name_or_another_seed_is_another_key(name, other, seed, other_seed):
    assert (Streams(seed).key(name) == Streams(other_seed).key(other)) == ((seed, name) == (other_seed, other))


def test_streams_are_uncorrelated_and_uniform():
    size = 20_000
    names = ["world", "signals", "anchor", "agent:a", "agent:b", "arrivals:a"]
    draws = np.array([Streams(1).stream(name).random(size) for name in names])
    draws = np.vstack([draws, Streams(2).stream("world").random(size)])
    off_diagonal = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(off_diagonal).max() < 4.5 / sqrt(size)
    assert np.abs(draws.mean(axis=1) - 0.5).max() < 4.5 / sqrt(12 * size)


def test_the_keys_of_ties_are_uniform_over_time_and_agents():
    streams = Streams(5)
    keys = [streams.key(f"ties:{name}") for name in "abc"]
    firsts = np.bincount([int(np.argmin([mix(key, time) for key in keys])) for time in range(9000)], minlength=3)
    assert ((firsts - 3000) ** 2 / 3000).sum() < 13.8  # chi-square, 2 degrees of freedom, 0.1 %


@pytest.mark.parametrize("seed", [-1, 2**64, 2**80, 1.0, True, None, "7", float("nan"), float("inf"), np.int64(3)])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ConfigError, match="seed"):
        Streams(seed)


def test_the_edges_of_the_seed_are_seeds():
    draws = [Streams(seed).stream("world").integers(2**63) for seed in (0, 1, 2**64 - 1)]
    assert len(dict.fromkeys(draws)) == 3


def test_the_global_generators_are_left_alone():
    import random

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    Streams(9).stream("world").random(10)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


# Ties


@define(eq=False)
class Racer:
    agent_id: str
    finish: list[tuple[int, str]]
    review_interval: int = 1

    def review(self, ctx):
        self.finish.append((ctx.now, self.agent_id))


def finishing_orders(horizon, **more):
    finish: list[tuple[int, str]] = []
    run(*(Racer(name, finish) for name in "abc"), horizon=horizon, **more)
    return ["".join(name for _, name in finish[3 * step : 3 * step + 3]) for step in range(horizon)]


def test_ties_over_many_instants_are_uniform_and_independent_from_one_to_the_next():
    horizon = 6000
    orders = finishing_orders(horizon, seed=11)
    counts = Counter(orders)
    everything = ["".join(order) for order in permutations("abc")]
    chi_square = sum((counts[order] - horizon / 6) ** 2 / (horizon / 6) for order in everything)
    assert chi_square < 20.5  # 5 degrees of freedom, 0.1 %
    firsts = Counter((one[0], two[0]) for one, two in zip(orders[::2], orders[1::2], strict=True))
    expected = horizon / 2 / 9
    assert sum((firsts[pair] - expected) ** 2 / expected for pair in product("abc", repeat=2)) < 26.2  # 8, 0.1 %


def test_ties_by_list_follow_the_list_and_seeded_ties_follow_the_seed():
    assert set(finishing_orders(50, ties="list")) == {"abc"}
    assert finishing_orders(50, seed=1) == finishing_orders(50, seed=1) != finishing_orders(50, seed=2)


@pytest.mark.parametrize("ties", ["seeded", "list"])
def test_the_messages_of_one_agent_keep_their_order(ties):
    def burst(ctx):
        for quantity in range(1, 6):
            ctx.submit(buy(quantity))

    book = MiniBook()
    run(*(Scripted(name, {5: burst}, order_latency=2) for name in "abcd"), venues={"book": book}, ties=ties)
    for name in "abcd":
        assert [order.quantity for order, _ in book.resting if order.owner == name] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("bad", ["", "random", None, True, 1])
def test_other_ties_are_refused(bad):
    with pytest.raises(ConfigError, match="ties"):
        Simulation(venues={"v": PostedPrice()}, ties=bad)
