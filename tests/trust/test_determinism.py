"""The same seed gives the same logs: in any process, with any hash seed and thread count, once more, beside anybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import product
from typing import Any

import pytest

from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Study
from tests.trust.registered import VENUES
from tests.trust.worlds import digests, run

SEED = 11
THREADS = ("1", "2", "8")
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
STUDIED = (("clob", 0), ("fba", 10))
"""Mechanisms of a study with agents whose beliefs are floats and matrices."""


def all_logs() -> dict[str, list[str]]:
    """Digests of the logs of every venue, and of a cell of a study for each of `STUDIED`."""
    found = {name: list(digests(run(name, SEED))) for name in VENUES}
    for mechanism, pi in STUDIED:
        found[f"study {mechanism}"] = list(digests(simulate(Study(horizon=3000), Cell("base", mechanism, pi, SEED))))
    return found


@cache
def here() -> dict[str, list[str]]:
    return all_logs()


def processes(hash_seeds: range, **options: Any) -> list[Any]:
    return [pytest.param(str(seed), threads, **options) for seed, threads in product(hash_seeds, THREADS)]


@pytest.mark.parametrize(
    ("hash_seed", "threads"), processes(range(1, 3)) + processes(range(100, 120), marks=pytest.mark.slow)
)
def test_a_process_with_another_hash_seed_and_thread_count(hash_seed: str, threads: str):
    """Each a test of its own, so that its name replays the process that differs."""
    program = "import json; from tests.trust.test_determinism import *; print(json.dumps(all_logs()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, **dict.fromkeys(VARIABLES, threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == here()


@pytest.mark.parametrize("name", VENUES)
def test_the_second_run_in_one_process_equals_the_first(name: str):
    assert list(digests(run(name, SEED))) == here()[name]
    assert list(digests(run(name, SEED + 1))) != here()[name]


def beside_nobody(name: str, seeds: range) -> None:
    """An agent that looks, draws and wakes but never trades changes no order, no fill and no quote."""
    for seed in seeds:
        alone, beside = run(name, seed), run(name, seed, idle_at=seed % 5)
        assert len(alone.fills) > 0
        assert digests(alone) == digests(beside), f"{name}, seed {seed}"


@pytest.mark.parametrize("name", VENUES)
def test_an_idle_agent_disturbs_nobody_in_twenty_runs(name: str):
    beside_nobody(name, range(2))


@pytest.mark.slow
@pytest.mark.parametrize("name", VENUES)
def test_an_idle_agent_disturbs_nobody_in_a_thousand_runs(name: str):
    beside_nobody(name, range(100, 100 + -(-1000 // len(VENUES))))
