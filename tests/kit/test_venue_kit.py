"""The kit on venues: every built-in venue passes, every planted bug is caught, and failures can be replayed."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from marketsim.errors import ConfigError
from marketsim.testing import (
    CLAIMS,
    Cancel,
    CheckFailure,
    PostedPrice,
    ReferenceBook,
    Step,
    check_venue,
    parametrize_venues,
    replay_venue,
    venue_checks,
)
from marketsim.testing.planted import BUGS
from marketsim.testing.program import code, shrink
from marketsim.types import Mint, Order, Reason, Side, rejected
from tests.kit.venues_under_test import VENUES
from venues.fba import BatchAuction


@pytest.mark.parametrize("name", VENUES)
def test_a_correct_venue_passes(name):
    report = check_venue(VENUES[name], examples=6, steps=50)
    report.raise_failures()
    assert len(report.named("passed")) >= 20


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught_by_a_fitting_check(name):
    bug = BUGS[name]
    wanted = [check for check in venue_checks() if check.name in bug.checks]
    assert len(wanted) == len(bug.checks), "a check that does not exist"
    failures = []
    for check in wanted:
        try:
            check(bug.factory)
        except CheckFailure as failure:
            failures.append(failure)
            break
    assert failures, bug.description
    (failure,) = failures
    # The message says it all, and its replay really fails in the same way.
    assert failure.expected in str(failure)
    assert failure.came in str(failure)
    assert failure.replay.splitlines()[0] in str(failure)
    with pytest.raises(CheckFailure) as again:
        exec(failure.replay, {"factory": bug.factory})  # noqa: S102 the text is what is tested
    assert again.value.check == failure.check
    assert again.value.expected == failure.expected or failure.check == "determinism"  # which never fails twice alike
    assert len(failure.program) <= 12


def test_there_are_bugs_enough_and_each_is_described():
    assert len(BUGS) >= 24
    assert all(bug.description and bug.checks for bug in BUGS.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", VENUES)
def test_a_correct_venue_is_never_accused(name):
    # A thousand runs over all venues.
    for seed in range(-(-1000 // len(VENUES))):
        report = check_venue(VENUES[name], seed=seed, examples=1, steps=60)
        assert report.ok, str(report)


@pytest.mark.parametrize(
    ("options", "claim"),
    [
        ({"price_rule": "volume_midpoint"}, "market-clearing"),
        ({"allocation": "pro_rata_all"}, "market-clearing"),
        ({"allocation": "time"}, "pro-rata"),
        ({"price_rule": "k", "k": 0.1}, "side-mirror"),
        ({"published": "sealed"}, "open-book"),
    ],
)
def test_the_options_that_break_a_rule_are_flagged(options, claim):
    report = check_venue(lambda: BatchAuction(("A",), 10, **options), claims=(claim,))
    assert [failure.check for failure in report.failures] == [claim]


def test_rules_are_claimed_applicable_or_say_why_not():
    outcomes = {outcome.check: outcome for outcome in check_venue(lambda: PostedPrice(("A",)), examples=1).outcomes}
    assert outcomes["price-time"].status == "not claimed"
    assert outcomes["round-trips"].status == "not applicable"
    assert outcomes["round-trips"].reason
    assert [check.name for check in venue_checks()] == list(outcomes)
    assert set(CLAIMS) <= {check.name for check in venue_checks()} | {"self-checking"}


class _MintsNothing(PostedPrice):
    messages = (Order, Mint)

    def submit(self, message, now):
        return rejected(message, Reason.QUANTITY, now=now) if type(message) is Mint else super().submit(message, now)


def test_a_message_that_was_never_accepted_is_named():
    def reason(factory):
        return next(o.reason for o in check_venue(factory, examples=2).outcomes if o.check == "answers")

    assert reason(lambda: _MintsNothing(("A",))) == "never accepted: messages of type Mint"
    assert not reason(VENUES["constant-product"])


class _NoCancel:
    markets = ("A",)


class _Divides(ReferenceBook):
    def submit(self, message, now):
        return 1 // 0


class _BadClaims(ReferenceBook):
    claims = ("best-venue",)


@pytest.mark.parametrize(("venue", "check"), [(_NoCancel, "shape"), (_Divides, "answers"), (_BadClaims, "shape")])
def test_what_is_no_venue_fails_without_a_traceback_of_the_kit(venue, check):
    report = check_venue(venue if venue is _NoCancel else lambda: venue(("A",)))
    assert [failure.check for failure in report.failures] == [check]
    assert "Traceback" not in str(report)
    with pytest.raises(CheckFailure) as caught:
        report.raise_failures()
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": True}, {"examples": 0}, {"steps": 1.5}, {"claims": ("x",)}])
def test_bad_arguments_are_refused(options):
    with pytest.raises(ConfigError):
        check_venue(lambda: PostedPrice(("A",)), **options)
    with pytest.raises(ConfigError):
        check_venue("not a factory")
    with pytest.raises(ConfigError):
        replay_venue(lambda: PostedPrice(("A",)), "no-such-check", [])


def test_the_same_seed_gives_the_same_report_and_another_seed_other_programs():
    factory = BUGS["loses-a-partial"].factory
    one, two, three = (str(check_venue(factory, seed=seed, examples=3)) for seed in (5, 5, 6))
    assert one == two
    assert one != three


def test_a_failure_survives_pickling():
    failure = check_venue(BUGS["ioc-rests"].factory, examples=2).failures[0]
    again = pickle.loads(pickle.dumps(failure))  # noqa: S301 our own bytes
    assert str(again) == str(failure)


def test_a_replay_that_holds_is_silent():
    program = [Step(0, Order("A", Side.BUY, 1, 100, order_id=1, owner="ann")), Step(3, Cancel(1, "ann"))]
    replay_venue(lambda: ReferenceBook(("A",)), "price-time", program)


def test_programs_are_written_as_python_and_shrunk():
    step = Step(4, Order("A", Side.BUY, 5, float("nan"), order_id=3))
    assert code(step) == "Step(4, Order('A', Side.BUY, 5, float('nan'), order_id=3))"
    program = tuple(Step(time, Cancel(time, "ann")) for time in range(40))
    shrunk = shrink(program, lambda steps: {7, 31} <= {item.time for item in steps})
    assert [item.time for item in shrunk] == [7, 31]


@parametrize_venues({"posted": lambda: PostedPrice(("A",))}, examples=2, steps=20)
def test_one_test_per_check(venue_check):
    venue_check()


def test_marketsim_does_not_load_hypothesis_and_the_kit_loads_no_venue():
    script = "import sys, marketsim; print('hypothesis' in sys.modules); import marketsim.testing.planted; "
    script += "print('venues' in sys.modules, 'agents' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]
