"""What the kit answers: outcomes, the report that lists them, and the exception for a plugin that breaks a rule."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from marketsim.errors import MarketsimError

PASSED, FAILED, NOT_APPLICABLE, NOT_CLAIMED = "passed", "failed", "not applicable", "not claimed"


class CheckFailure(MarketsimError, AssertionError):  # noqa: N818 a plugin fails, not the kit
    """A plugin broke a rule.

    Attributes:
        check: name of the check.
        expected: the rule, in words.
        came: what the plugin did instead.
        replay: Python that raises the same failure, given the plugin's `factory`.
        program: the messages of the replay (see `Step`), shrunk; empty for plugins that take none.
        seed: of the run that found it.
    """

    def __init__(
        self, check: str, expected: str, came: str, *, replay: str, program: tuple[Any, ...] = (), seed: int = 0
    ) -> None:
        self.check, self.expected, self.came = check, expected, came
        self.replay, self.program, self.seed = replay, program, seed
        lines = [f"check {check!r} failed", f"  expected: {expected}", f"  came:     {came}"]
        lines += [f"  replay (seed {seed}):", *(f"    {line}" for line in replay.splitlines())]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from their positional arguments, which would lose the others between processes.
        return _rebuilt, (self.check, self.expected, self.came, self.replay, self.program, self.seed)


def _rebuilt(check: str, expected: str, came: str, replay: str, program: tuple[Any, ...], seed: int) -> CheckFailure:
    return CheckFailure(check, expected, came, replay=replay, program=program, seed=seed)


class Broken(Exception):  # noqa: N818 it is turned into a CheckFailure before anybody sees it
    """A rule was broken, told from the place that saw it to the check that asked."""

    def __init__(self, rule: str, expected: str, came: str) -> None:
        super().__init__(rule, expected, came)
        self.rule, self.expected, self.came = rule, expected, came


@frozen
class Outcome:
    """What one check found: its name, one of the four statuses, why, and the failure if there was one."""

    check: str
    status: str
    reason: str = ""
    failure: CheckFailure | None = None


@frozen
class CheckReport:
    """All outcomes of one plugin. `str()` is a table; `raise_failures()` makes it a test."""

    plugin: str
    seed: int
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[CheckFailure, ...]:
        return tuple(outcome.failure for outcome in self.outcomes if outcome.failure is not None)

    def named(self, status: str) -> tuple[str, ...]:
        """Names of the checks with this status."""
        return tuple(outcome.check for outcome in self.outcomes if outcome.status == status)

    def raise_failures(self) -> None:
        """Raise the first `CheckFailure`, if there is one; the message of several names them all."""
        __tracebackhide__ = True
        if not self.failures:
            return
        first = self.failures[0]
        if len(self.failures) > 1:
            others = ", ".join(failure.check for failure in self.failures[1:])
            first.args = (f"{first.args[0]}\n  and {len(self.failures) - 1} more: {others}",)
        raise first from None

    def __str__(self) -> str:
        width = max((len(outcome.check) for outcome in self.outcomes), default=0)
        lines = [f"{self.plugin} (seed {self.seed})"]
        lines += [
            f"  {outcome.check:<{width}}  {outcome.status:<14}  {outcome.reason}".rstrip() for outcome in self.outcomes
        ]
        lines += [str(failure) for failure in self.failures]
        return "\n".join(lines)
