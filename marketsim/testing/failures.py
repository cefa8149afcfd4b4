"""What the kit answers: outcomes, the report that lists them, and the exception for a plugin that breaks a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from attrs import frozen

from marketsim.errors import ConfigError, MarketsimError

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

    >>> raise CheckFailure("limits", "a fill at 99 or below", "a fill at 100", replay="replay_venue(factory, ...)")
    Traceback (most recent call last):
        ...
    marketsim.testing.failures.CheckFailure: check 'limits' failed
      expected: a fill at 99 or below
      came:     a fill at 100
      replay (seed 0):
        replay_venue(factory, ...)
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
    """A rule was broken, told from the place that saw it to the check that asked.

    Args:
        rule: name of the rule, which is that of a check.
        expected: the rule, in words.
        came: what the plugin did instead.

    >>> from marketsim.testing import probe
    >>> probe(lambda: "no venue")
    Traceback (most recent call last):
        ...
    marketsim.testing.failures.Broken: ('shape', 'the six calls of a venue, a tuple of markets, ...)
    """

    def __init__(self, rule: str, expected: str, came: str) -> None:
        super().__init__(rule, expected, came)
        self.rule, self.expected, self.came = rule, expected, came


@frozen
class Outcome:
    """What one check found: its name, one of the four statuses, why, and the failure if there was one.

    >>> from marketsim.testing import PostedPrice, check_venue
    >>> report = check_venue(lambda: PostedPrice(("A",)), examples=1, steps=5)
    >>> found = {outcome.check: outcome for outcome in report.outcomes}
    >>> found["limits"].status, found["price-time"].status, found["settles"].reason
    ('passed', 'not claimed', 'the venue does not take Settle')
    """

    check: str
    status: str
    reason: str = ""
    failure: CheckFailure | None = None

    def raise_failure(self) -> None:
        """Raise the `CheckFailure`, if there is one."""
        __tracebackhide__ = True
        if self.failure is not None:
            raise self.failure from None


class Named(Protocol):
    """A check, as far as it is looked for.

    >>> from marketsim.testing import agent_checks
    >>> checks: list[Named] = list(agent_checks())
    >>> checks[0].name
    'registration'
    """

    @property
    def name(self) -> str:
        """What it is asked for by."""
        ...


N = TypeVar("N", bound=Named)


def check_named(name: str, checks: Iterable[N]) -> N:
    """The check of this name.

    Raises:
        ConfigError: there is none.

    >>> from marketsim.testing import venue_checks
    >>> check_named("limits", venue_checks()).rule
    'no order trades beyond its limit'
    """
    by_name = {check.name: check for check in checks}
    if name not in by_name:
        raise ConfigError(f"check: got {name!r}, wanted one of {', '.join(by_name)}")
    return by_name[name]


def outcome_of(check: str, judge: Callable[[], str | None], *, call: str, arguments: str, seed: int) -> Outcome:
    """What `judge` found of a plugin: it raises `Broken`, or answers why the check does not apply.

    Args:
        check: name of the check.
        judge: the check, of one plugin.
        call: name of the function of `marketsim.testing` that runs it again.
        arguments: of that call, behind the factory and the check.
        seed: of the run.

    >>> judge = lambda: "the agent has no markets"
    >>> outcome = outcome_of("busy", judge, call="replay_agent", arguments="seed=0", seed=0)
    >>> outcome.status, outcome.reason
    ('not applicable', 'the agent has no markets')
    """
    try:
        reason = judge()
    except Broken as broken:
        replay = f"from marketsim.testing import {call}\n{call}(factory, {check!r}, {arguments})"
        failure = CheckFailure(check, broken.expected, broken.came, replay=replay, seed=seed)
        return Outcome(check, FAILED, broken.came, failure)
    return Outcome(check, NOT_APPLICABLE if reason else PASSED, reason or "")


@frozen
class CheckReport:
    """All outcomes of one plugin. `str()` is a table; `raise_failures()` makes it a test.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> from marketsim.testing import check_fair_value
    >>> report: CheckReport = check_fair_value(lambda: ConstantFairValue({"A": 100.0}))
    >>> report.raise_failures()
    >>> report.ok, report.named("passed")[:2]
    (True, ('shape', 'prices'))
    >>> print(report)
    ConstantFairValue (seed 0)
      shape       passed
      prices      passed
      ...
    """

    plugin: str
    seed: int
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[CheckFailure, ...]:
        """Of the checks that failed, in their sequence."""
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
