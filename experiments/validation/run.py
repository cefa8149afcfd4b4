"""Runs checks, side by side where asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from joblib import Parallel, delayed

from experiments.validation import catalogue
from experiments.validation.check import Check, Finding, Scale

Advance = Callable[[int], None]


def run_check(check: Check, scale: Scale) -> Finding:
    """Run one check. An error in it is a finding: the others go on."""
    try:
        lines = tuple(check.run(scale))
    except Exception as error:  # noqa: BLE001  (whatever a broken engine raises is what the check is there to tell)
        return Finding(check.name, check.title, (), scale, failure=f"{type(error).__name__}: {error}")
    return Finding(check.name, check.title, lines, scale)


def run_checks(names: Sequence[str], scale: Scale, *, jobs: int = 1, advance: Advance | None = None) -> list[Finding]:
    """Run checks by name; the findings come in the order of `names`, whatever the number of jobs.

    Args:
        names: as `catalogue.NAMES` has them.
        scale: of every check.
        jobs: processes; 1 runs in this one.
        advance: called with 1 after every check.

    Raises:
        ConfigError: a name that is no check's.
    """
    checks = [catalogue.check(name) for name in names]
    findings = []
    for finding in _findings(checks, scale, jobs):
        findings.append(finding)
        if advance is not None:
            advance(1)
    return findings


def _findings(checks: Sequence[Check], scale: Scale, jobs: int) -> Iterator[Finding]:
    if jobs == 1:
        return (run_check(check, scale) for check in checks)
    found: Iterator[Finding] = Parallel(n_jobs=jobs, return_as="generator", batch_size=1)(
        delayed(_by_name)(check.name, scale) for check in checks
    )
    return found


def _by_name(name: str, scale: Scale) -> Finding:
    return run_check(catalogue.check(name), scale)
