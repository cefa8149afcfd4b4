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
        short: it could not be made for want of rows.
    """

    head: str
    split: str
    measure: str
    before: float
    after: float
    reason: str
    short: bool = False

    @property
    def passed(self) -> bool:
        return not self.reason


@frozen
class Verdict:
    """READY, NOT_READY or TOO_FEW_ROWS.

    Args:
        checks: all that were made; none where there are too few rows for a model.
        reasons: why it is not ready, or what is missing.
    """

    said: str
    checks: tuple[Check, ...] = ()
    reasons: tuple[str, ...] = ()


def judged(checks: tuple[Check, ...]) -> Verdict:
    """Ready where every check passed, too few rows where nothing but rows is missing, else not ready."""
    failed = [check for check in checks if not check.passed]
    said = READY if not failed else TOO_FEW_ROWS if all(check.short for check in failed) else NOT_READY
    return Verdict(said, checks, tuple(f"{check.head}, {check.split}: {check.reason}" for check in failed))
