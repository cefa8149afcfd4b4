"""Hypothesis profiles: dev by default, ci where CI=true, nightly and mutants by HYPOTHESIS_PROFILE."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# The helpers' assertions are to show both sides too when they fail.
pytest.register_assert_rewrite(*(f"tests.{path.stem}" for path in Path(__file__).parent.glob("*_orders.py")))

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("dev", max_examples=50, stateful_step_count=50, deadline=None, suppress_health_check=_SLOW)
settings.register_profile(
    "ci",
    max_examples=200,
    stateful_step_count=200,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=_SLOW,
)
settings.register_profile(
    "nightly", max_examples=1000, stateful_step_count=1000, deadline=None, suppress_health_check=_SLOW
)
# The same few examples for every mutant, and no time spent on making a failure smaller.
settings.register_profile(
    "mutants",
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=_SLOW,
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") == "true" else "dev")
settings.load_profile(PROFILE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """For each failure the command that runs it alone, with as many examples."""
    for report in [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]:
        command = f"HYPOTHESIS_PROFILE={PROFILE} python -m pytest {shlex.quote(report.nodeid)}"
        terminalreporter.write_line(f"replay: {command}")
