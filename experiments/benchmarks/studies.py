"""How long the two large studies take, in how much memory, and how much faster exact inference is than sampling."""

from __future__ import annotations

import resource
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from attrs import evolve, frozen

from experiments.pi_curve import config
from experiments.pi_curve import run as pi_curve
from experiments.routing import sampling
from experiments.routing.config import RouteStudy
from experiments.routing.study import load_data, run_study

FACTORIAL_SECONDS_MAX, FACTORIAL_GIB_MAX = 120.0, 1.0
ROUTING_SECONDS_MAX, ROUTING_GIB_MAX = 60.0, 4.0
JOBS = 2
EXACT_RATIO_MIN = 100.0
"""The least ratio of the time of THRML sampling to that of exact inference, 200 seeds, five venues, in batches."""


@frozen
class Cost:
    """Wall seconds, and the most GiB held so far: by this process, plus its largest worker for each worker."""

    seconds: float
    gib: float


def factorial() -> Cost:
    """The full factorial of the pi-curve study with its report: 1800 runs of 40,000 steps."""
    start = perf_counter()
    with TemporaryDirectory() as folder:
        pi_curve.run(config.load("factorial.toml"), Path(folder), jobs=JOBS)
    took = perf_counter() - start
    return Cost(took, _held() + JOBS * _held(resource.RUSAGE_CHILDREN))


def routing() -> Cost:
    """Every router, 200 seeds, some 10,000 steps, five venues, exact inference, one context, compilation included."""
    said: dict[str, Any] = {"contexts": ("random",), "information": ("own",)}
    study = RouteStudy(**said, control_seeds=0, engine_steps=0, samples=0)
    data = load_data(study)
    start = perf_counter()
    run_study(study, data, jobs=JOBS, clock=perf_counter)
    return Cost(perf_counter() - start, _held())


def sampled_over_exact() -> dict[str, float]:
    """The ratio of the time of THRML sampling to that of exact inference, by learning rule."""
    said: dict[str, Any] = {"contexts": ("random",)}
    study = RouteStudy(**said, compare_seeds=200, compare_steps=60, engine_steps=0)
    table = sampling.compare(evolve(study, steps=study.compare_steps), load_data(study), clock=perf_counter)
    return dict(zip(table["rule"], table["ratio"], strict=True))


def _held(who: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(who).ru_maxrss / 2**20
