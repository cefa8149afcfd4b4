"""The checks of a fair value: the same question always has the same answer, and it is a price."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import nan
from typing import Any

import numpy as np
from attrs import frozen

from marketsim.checks import finite
from marketsim.errors import ConfigError, raised, written
from marketsim.testing.failures import Broken, CheckReport, Outcome, check_named, outcome_of
from marketsim.testing.generate import draws

Factory = Callable[[], Any]


@frozen
class Questions:
    """A factory of fair values, and the times at which they are asked.

    Args:
        factory: makes a fair value, the same each time.
        seed: of the times.
        horizon: last step to ask for.
        count: how many steps to draw between 0 and the horizon.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> questions = Questions(lambda: ConstantFairValue({"A": 100.0}), seed=0, horizon=50, count=3)
    >>> times = questions.times()
    >>> len(times), times[:2], questions.asked(questions.factory(), times[:2])
    (5, [0, 50], {('A', 0): 100.0, ('A', 50): 100.0})
    """

    factory: Factory
    seed: int
    horizon: int
    count: int

    def times(self) -> list[int]:
        """Times from 0 to the horizon, both included, in no order."""
        rng = draws("times", self.seed)
        return [0, self.horizon, *(rng.randint(0, self.horizon) for _ in range(self.count))]

    def asked(self, fair: Any, times: list[int]) -> dict[tuple[str, int], Any]:
        """The answers for every market, asked in the sequence of `times`."""
        return {(market, time): _ask(fair, market, time) for time in times for market in fair.markets}


@frozen
class FairValueCheck:
    """One named check: `judge(questions)` raises `Broken`, or answers why it does not apply.

    >>> check: FairValueCheck = next(fair_value_checks())
    >>> check.name, check.rule
    ('shape', 'markets, and an answer at every time')
    """

    name: str
    rule: str
    judge: Callable[[Questions], str | None]


def _ask(fair: Any, market: str, time: int) -> Any:
    try:
        return fair.at(market, time)
    except Exception as error:
        came = f"at({market!r}, {time}) raised {raised(error)}"
        raise Broken("shape", "a price at every time from 0 to the horizon", came) from error


def _shape(questions: Questions) -> None:
    fair = questions.factory()
    markets = getattr(fair, "markets", None)
    if type(markets) is not tuple or not markets or any(type(market) is not str for market in markets):
        raise Broken("shape", "markets as a non-empty tuple of names", repr(markets))
    if not callable(getattr(fair, "at", None)):
        raise Broken("shape", "a method at(market, time)", f"{type(fair).__name__} has none")
    questions.asked(fair, questions.times())


def _prices(questions: Questions) -> None:
    for (market, time), price in questions.asked(questions.factory(), questions.times()).items():
        if not (finite(price) and price >= 0):
            raise Broken("prices", "a finite price of at least 0", f"at({market!r}, {time}) is {written(price)}")


def _compare(rule: str, what: str, wanted: dict[tuple[str, int], Any], came: dict[tuple[str, int], Any]) -> None:
    for (market, time), price in wanted.items():
        if came[market, time] != price:
            raise Broken(rule, f"at({market!r}, {time}) of {written(price)}, as {what}", written(came[market, time]))


def _repeatable(questions: Questions) -> None:
    fair, times = questions.factory(), questions.times()
    first = questions.asked(fair, times)
    for _ in range(3):
        _compare("repeatable", "when first asked", first, questions.asked(fair, times))


def _sequence(questions: Questions) -> None:
    times = questions.times()
    wanted = questions.asked(questions.factory(), sorted(times))
    _compare("sequence", "when asked in the order of time", wanted, questions.asked(questions.factory(), times))


def _twins(questions: Questions) -> None:
    times = questions.times()
    one, two = questions.factory(), questions.factory()
    _compare("twins", "the twin says", questions.asked(one, times), questions.asked(two, times))


def _times(questions: Questions) -> None:
    fair = questions.factory()
    market = fair.markets[0]
    bad: list[tuple[Any, Any]] = [(market, time) for time in (1.5, 1.0, True, "1", None, nan, -1, -(2**80))]
    bad += [("nowhere", 0), (None, 0)]
    for asked in bad:
        try:
            price = fair.at(*asked)
        except (TypeError, ValueError, LookupError):
            continue
        except Exception as error:
            raise Broken("times", f"a ConfigError for at{asked!r}", raised(error)) from error
        raise Broken("times", f"a ConfigError for at{asked!r}", written(price))


def _values(questions: Questions) -> str | None:
    fair, times = questions.factory(), questions.times()
    if not callable(getattr(fair, "values", None)):
        return "the fair value has no values(market, times)"
    for market in fair.markets:
        prices = np.asarray(fair.values(market, np.array(times)))
        wanted = [fair.at(market, time) for time in times]
        if prices.shape != (len(times),):
            raise Broken("values", f"an array of shape ({len(times)},)", f"shape {prices.shape}")
        for time, one, many in zip(times, wanted, prices.tolist(), strict=True):
            if one != many:
                raise Broken("values", f"{written(one)} for {market!r} at {time}, as at() says", repr(many))
    return None


def _randomness(questions: Questions) -> None:
    before = random.getstate(), str(np.random.get_state())  # noqa: NPY002 it is what must not be used
    questions.asked(questions.factory(), questions.times())
    if (random.getstate(), str(np.random.get_state())) != before:  # noqa: NPY002
        raise Broken("randomness", "no use of a global generator", "its state has changed")


def fair_value_checks() -> Iterator[FairValueCheck]:
    """Every check of a fair value.

    >>> [check.name for check in fair_value_checks()]
    ['shape', 'prices', 'repeatable', 'sequence', 'twins', 'times', 'values', 'randomness']
    """
    yield FairValueCheck("shape", "markets, and an answer at every time", _shape)
    yield FairValueCheck("prices", "prices are finite and not negative", _prices)
    yield FairValueCheck("repeatable", "the same question has the same answer", _repeatable)
    yield FairValueCheck("sequence", "the sequence of questions does not matter", _sequence)
    yield FairValueCheck("twins", "two fair values of one factory agree", _twins)
    yield FairValueCheck("times", "times are ints from 0, markets are known; all else is refused", _times)
    yield FairValueCheck("values", "values() agrees with at()", _values)
    yield FairValueCheck("randomness", "no global generator is used", _randomness)


def _questions(factory: Factory, seed: int, horizon: int | None, count: int) -> Questions:
    if not callable(factory):
        raise ConfigError(f"check_fair_value: factory: got {factory!r}, wanted a callable that makes a fair value")
    if horizon is None:
        horizon = getattr(factory(), "horizon", 1000)
    if type(horizon) is not int or horizon < 1 or type(count) is not int or count < 1:
        raise ConfigError(f"check_fair_value: got horizon={horizon!r}, questions={count!r}, wanted ints of at least 1")
    return Questions(factory, seed, horizon, count)


def _outcome(check: FairValueCheck, questions: Questions) -> Outcome:
    options = f"seed={questions.seed}, horizon={questions.horizon}, questions={questions.count}"
    return outcome_of(
        check.name, lambda: check.judge(questions), call="replay_fair_value", arguments=options, seed=questions.seed
    )  # fmt: skip


def check_fair_value(
    factory: Factory, *, seed: int = 0, horizon: int | None = None, questions: int = 200
) -> CheckReport:
    """Run every check on the fair values that `factory` makes.

    Args:
        factory: makes a fair value, the same each time.
        seed: of the times asked for.
        horizon: last time to ask for; by default the fair value's `horizon`, or 1000.
        questions: how many times to ask for.

    Returns:
        An outcome for each check: passed, failed or not applicable (with a reason).

    Raises:
        ConfigError: an argument is out of bounds.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> check_fair_value(lambda: ConstantFairValue({"A": 100.0})).ok
    True
    """
    asked = _questions(factory, seed, horizon, questions)
    return CheckReport(
        type(factory()).__name__, seed, tuple(_outcome(check, asked) for check in fair_value_checks())
    )  # fmt: skip


def replay_fair_value(
    factory: Factory, check: str, *, seed: int = 0, horizon: int | None = None, questions: int = 200
) -> None:
    """Run one check of a fair value, as the message of a `CheckFailure` says; arguments as in `check_fair_value`.

    Raises:
        CheckFailure: the fair value breaks the rule.
        ConfigError: there is no check of this name, or an argument is out of bounds.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> class BelowZero(ConstantFairValue):
    ...     def at(self, market, time, /):
    ...         return super().at(market, time) - 200.0
    >>> replay_fair_value(lambda: BelowZero({"A": 100.0}), "prices")
    Traceback (most recent call last):
        ...
    marketsim.testing.failures.CheckFailure: check 'prices' failed
      expected: a finite price of at least 0
      came:     at('A', 0) is -100.0
      ...
    """
    __tracebackhide__ = True
    found = check_named(check, fair_value_checks())
    _outcome(found, _questions(factory, seed, horizon, questions)).raise_failure()
