"""A slip of the finger in a count is refused at once: the study of a million million seeds would never end."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.limits import BUCKET_MS_MAX, BUCKETS_MAX, SEEDS_MAX, STEPS_MAX
from experiments.ofi import config as ofi
from experiments.pi_curve import config as pi_curve
from experiments.position import config as position
from experiments.routing import config as routing
from experiments.sor import config as sor
from experiments.sweep.cells import grid_from_dict
from marketsim.errors import ConfigError

LIMITS = [
    (pi_curve, "seeds", SEEDS_MAX),
    (pi_curve, "horizon", STEPS_MAX),
    (routing, "seeds", SEEDS_MAX),
    (routing, "control_seeds", SEEDS_MAX),
    (routing, "compare_seeds", SEEDS_MAX),
    (sor, "seeds", SEEDS_MAX),
    (ofi, "horizon", BUCKETS_MAX),
    (ofi, "bucket_ms", BUCKET_MS_MAX),
    (ofi, "market.buckets", BUCKETS_MAX),
    (ofi, "market.bucket_steps", BUCKETS_MAX),
    (ofi, "market.money_runs", SEEDS_MAX),
    (ofi, "market.money_buckets", BUCKETS_MAX),
    (position, "horizon", BUCKETS_MAX),
    (position, "bucket_ms", BUCKET_MS_MAX),
    (position, "market.buckets", BUCKETS_MAX),
    (position, "market.bucket_steps", BUCKETS_MAX),
]


@pytest.mark.parametrize(("config", "key", "most"), LIMITS)
def test_a_count_beyond_its_limit_is_refused_with_the_limit(config: Any, key: str, most: int):
    config.loads(f"{key} = {most}\n", "study.toml")
    for value in (most + 1, 10**12, 10**300):
        with pytest.raises(ConfigError, match=rf"{key.rpartition('.')[2]}: got {value}, wanted an int .*up to {most}"):
            config.loads(f"{key} = {value}\n", "study.toml")


def test_an_order_works_within_the_longest_simulated_market():
    sor.loads(f"horizon = {STEPS_MAX}\nbooks.lookback = {STEPS_MAX}\n", "study.toml")
    for key in ("horizon", "books.lookback"):
        with pytest.raises(ConfigError, match=f"got {10**12}, wanted an int .*up to {STEPS_MAX}"):
            sor.loads(f"{key} = {10**12}\n", "study.toml")


def test_a_sweep_has_a_million_seeds_a_point_at_most():
    assert len(grid_from_dict({"axes": {"pi": [1, 10]}, "seeds": SEEDS_MAX}, "grid.toml")) == 2 * SEEDS_MAX
    with pytest.raises(ConfigError, match=rf"Grid.seeds: got .*up to {SEEDS_MAX}"):
        grid_from_dict({"axes": {"pi": [1, 10]}, "seeds": SEEDS_MAX + 1}, "grid.toml")


def test_all_times_of_a_simulated_recording_are_exact_as_floats():
    assert BUCKETS_MAX * BUCKETS_MAX < 2**53
    assert BUCKETS_MAX * BUCKET_MS_MAX < 2**53
    assert STEPS_MAX < 2**53
