"""Which tests a mutant meets, in what order and for how long; loaded by `make mutants` alone."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Generator, Iterable, Mapping
from math import ceil

import pytest

# What a mutant may cost, as mutmut times the tests while it records what they reach, some three times as slow as they
# are. Most of the killed are killed within a second of it.
SECONDS = 30.0
# What a test may take in processor time beyond that, which covers what its fixtures make.
SPARE = 5
MEMORY = 6 << 30


def chosen(tests: Iterable[str], seconds: Mapping[str, float], limit: float = SECONDS) -> list[str]:
    """The tests of edges first, then the quickest, for as many seconds as `limit`; at least one."""
    ordered = sorted(tests, key=lambda test: ("_edges.py::" not in test, seconds[test]))
    spent = 0.0
    kept: list[str] = []
    for test in ordered:
        spent += seconds[test]
        if kept and spent > limit:
            break
        kept.append(test)
    return kept


class OneMutant:
    """Ends a test that a mutant keeps from ending: the process gets SIGXCPU, which mutmut counts as hung."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        end = ceil(time.process_time() + self._seconds[item.nodeid]) + SPARE
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Shorten the list of tests that mutmut asks for, before a single one is collected."""
    if "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", ""):
        from mutmut.state import state

        seconds = state().duration_by_test
        config.args = chosen(config.args, seconds)
        config.pluginmanager.register(OneMutant(seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
