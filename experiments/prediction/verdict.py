"""The verdict of a study on features: every check, passed or with its reason."""

from __future__ import annotations

from attrs import frozen

from experiments.features.splits import SPLITS

READY, NOT_READY, TOO_FEW_ROWS = "ready", "not ready", "too few rows"
LOCKED = SPLITS[2:]
"""The splits that a verdict looks at."""


@frozen
class Check:
    """One condition of a verdict.

    Args:
        head: what is predicted.
        split: where it was looked at.
        measure: what was compared.
        before, after: its values without and with the features; nan where one cannot be computed.
        reason: why it did not pass; "" where it did.
    """

    head: str
    split: str
    measure: str
    before: float
    after: float
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason


@frozen
class Verdict:
    """READY, NOT_READY or TOO_FEW_ROWS.

    Args:
        checks: all that were made; none where there are too few rows.
        reasons: why it is not ready, or what is missing.
    """

    said: str
    checks: tuple[Check, ...] = ()
    reasons: tuple[str, ...] = ()


def judged(checks: tuple[Check, ...]) -> Verdict:
    """Ready where every check passed."""
    failed = tuple(f"{check.head}, {check.split}: {check.reason}" for check in checks if not check.passed)
    return Verdict(NOT_READY if failed else READY, checks, failed)
