"""The checks of a venue, by name: run them all with `check_venue`, or one by one under pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any

from attrs import frozen

from marketsim.errors import ConfigError
from marketsim.testing import judges, metamorphic
from marketsim.testing.failures import (
    FAILED,
    NOT_APPLICABLE,
    NOT_CLAIMED,
    PASSED,
    Broken,
    CheckFailure,
    CheckReport,
    Outcome,
    check_named,
)
from marketsim.testing.generate import draws, one_batch, one_trader, random_program, with_bad_messages
from marketsim.testing.in_simulation import in_simulation
from marketsim.testing.judges import Trial
from marketsim.testing.profile import CLAIMS, Profile, check_shape, probe
from marketsim.testing.program import Program, Step, replay_text, shrink
from marketsim.testing.rules import UNIVERSAL
from marketsim.types import Burn, Feed, Mint, Rejected, Settle

Factory = Callable[[], Any]
Judge = Callable[[Trial, Program], None]
Writer = Callable[[Profile, Random, int], Program]


def _nothing(profile: Profile, rng: Random, steps: int) -> Program:  # noqa: ARG001 every writer has this form
    return ()


def _batch(profile: Profile, rng: Random, steps: int) -> Program:
    return one_batch(profile, rng, max(3, min(steps // 4, rng.randint(2, 16))))


def _even_batch(profile: Profile, rng: Random, steps: int) -> Program:
    # Few orders: with many there is but one market-clearing price, and no choice that could lean to a side.
    return one_batch(profile, rng, max(2, min(steps // 4, rng.randint(2, 6))), even=True)


def _shiftable(profile: Profile, rng: Random, steps: int) -> Program:
    # Of an auction one batch at a time: odd lots fall otherwise, and what follows from them with it.
    return (_even_batch if profile.waits else random_program)(profile, rng, steps)


def _short(writer: Writer) -> Writer:
    return lambda profile, rng, steps: writer(profile, rng, max(4, steps // 2))


def _passes_shape(trial: Trial, program: Program) -> None:  # noqa: ARG001 every judge has this form
    check_shape(trial.factory())


@frozen
class VenueCheck:
    """One named check.

    Args:
        name: what `Broken.rule` must be for the check to be the one that fails.
        rule: what is checked, in one sentence.
        judge: plays a program and raises `Broken`.
        writer: writes a random program.
        claim: the claim without which the check is "not claimed".
        applies: why the check does not apply to a venue; empty where it does.
        share: of the examples asked for, how large a part is tried.

    >>> from marketsim.testing import ReferenceBook
    >>> limits: VenueCheck = next(check for check in venue_checks() if check.name == "limits")
    >>> limits.rule, limits(lambda: ReferenceBook(("A",)), examples=2).status
    ('no order trades beyond its limit', 'passed')
    """

    name: str
    rule: str
    judge: Judge
    writer: Writer = random_program
    claim: str = ""
    applies: Callable[[Profile], str] = lambda _profile: ""
    share: float = 1.0

    def __call__(
        self,
        factory: Factory,
        *,
        seed: int = 0,
        examples: int = 12,
        steps: int = 60,
        claims: tuple[str, ...] | None = None,
    ) -> Outcome:
        """Run this check alone.

        Raises:
            CheckFailure: the venue breaks the rule.
        """
        __tracebackhide__ = True
        outcome = _run(self, _Bench(factory, seed, examples, steps, claims))
        if outcome.failure is not None:
            raise outcome.failure from None
        return outcome


def _unless(test: Callable[[Profile], bool], reason: str) -> Callable[[Profile], str]:
    return lambda profile: "" if test(profile) else reason


def _listed() -> Iterator[VenueCheck]:
    every = judges.every_rule
    yield VenueCheck("shape", "the calls and attributes of a venue", _passes_shape, _nothing)
    yield VenueCheck("answers", "every call is answered by well-formed reports, and none raises", every)
    yield VenueCheck("accounting", "fills + expired + cancelled + accepted are the lots of every order", every)
    yield VenueCheck("conservation", "lots and money of every match balance, fees included", every)
    yield VenueCheck("limits", "no order trades beyond its limit", every)
    yield VenueCheck("over-fill", "no order trades more lots than it has left", every)
    yield VenueCheck("after-the-end", "no report on an order that was filled, cancelled or expired", every)
    yield VenueCheck("cancels", "a live order can be cancelled, and a cancel takes exactly what is left", every)
    yield VenueCheck("owners", "reports name the owner, and nobody's order is touched by another", every)
    yield VenueCheck("lifetimes", "IOC, FOK, market and post-only orders live as long as they should", every)
    yield VenueCheck("states", "public states are well formed", every)
    yield VenueCheck("mids", "the mids on fills are the public ones", every)
    yield VenueCheck("clock-times", "next_clock names a later time, or None", every)
    pool = _unless(lambda profile: profile.pool and profile.reserves, "no account pool:<venue> and no reserves()")
    yield VenueCheck("reserves", "what a pool says it holds is what the ledger says", every, applies=pool)
    separate = _unless(lambda profile: profile.separate, "one market, or no separate_markets = True")
    yield VenueCheck(
        "separate-markets", "orders change the state of no market that their reports do not name", every,
        applies=separate,
    )  # fmt: skip
    for claim in ("price-time", "never-crossed", "open-book", "uniform-price", "market-clearing"):
        yield VenueCheck(claim, CLAIMS[claim], every, claim=claim)
    yield VenueCheck(
        "refusals", "a message that must be refused is, and changes nothing", judges.refusals,
        _short(with_bad_messages), share=0.15,
    )  # fmt: skip
    yield VenueCheck(
        "refusals-unaided", "the same without the gateway's help", judges.refusals_unaided,
        _short(with_bad_messages), claim="self-checking", share=0.15,
    )  # fmt: skip
    yield VenueCheck("determinism", "twins that are sent the same say the same", judges.determinism)
    yield VenueCheck(
        "questions", "asking changes nothing, and the same question gets the same answer", judges.questions,
        share=0.25,
    )  # fmt: skip
    yield VenueCheck("clock", "a clock call that is not due changes nothing", judges.clock_laws, share=0.5)
    yield VenueCheck("estimates", "a market order pays what was estimated for it", judges.estimates)
    yield VenueCheck("drain", "everything can be withdrawn, and then nothing is left", judges.drains)
    yield VenueCheck(
        "round-trips", "trading alone with a pool and back never gains", judges.round_trips, one_trader, applies=pool
    )
    settled = _unless(lambda profile: Settle in profile.messages, "the venue does not take Settle")
    yield VenueCheck("settles", "a settled market is closed", judges.settles, applies=settled, share=0.25)
    yield from _metamorphic()
    yield VenueCheck("simulation", "a run with the venue, twice, gives the same log", in_simulation, _nothing)


def _metamorphic() -> Iterator[VenueCheck]:
    timed = _unless(lambda profile: profile.period is not None, "a clock of unknown period (no attribute pi)")
    share = 0.5
    yield VenueCheck(
        "time-shift", "the same stream later gives the same answers later", metamorphic.time_shift, applies=timed,
        share=share,
    )  # fmt: skip
    yield VenueCheck(
        "relabelled", "other ids and names give the same answers in the new names", metamorphic.relabelled, share=share
    )
    judged: tuple[tuple[str, Judge, Writer], ...] = (
        ("pro-rata", metamorphic.pro_rata, _batch),
        ("price-shift", metamorphic.price_shift, random_program),
        ("size-scale", metamorphic.size_scale, _shiftable),
        ("side-mirror", metamorphic.side_mirror, _shiftable),
    )
    for name, judge, writer in judged:
        part = share if writer is random_program else 4 * share
        yield VenueCheck(name, CLAIMS[name], judge, writer, claim=name, share=part)


def venue_checks() -> Iterator[VenueCheck]:
    """Every check of a venue, cheapest to read first.

    >>> [check.name for check in venue_checks()][:3]
    ['shape', 'answers', 'accounting']
    """
    return _listed()


_EVERY = VenueCheck("answers", "", judges.every_rule)


class _Bench:
    """A venue's profile and the programs already judged, shared by the checks of one report."""

    def __init__(self, factory: Factory, seed: int, examples: int, steps: int, claims: tuple[str, ...] | None) -> None:
        for name, value, low in (("seed", seed, 0), ("examples", examples, 1), ("steps", steps, 1)):
            if type(value) is not int or value < low:
                raise ConfigError(f"check_venue: {name}: got {value!r}, wanted an int of at least {low}")
        if not callable(factory):
            raise ConfigError(f"check_venue: factory: got {factory!r}, wanted a callable that makes a fresh venue")
        self.factory, self.seed, self.examples, self.steps, self.claims = factory, seed, examples, steps, claims
        self.trial: Trial | None = None
        self.broken: Broken | None = None
        self.found: dict[tuple[Judge, Writer], list[tuple[Program, Broken]]] = {}
        try:
            self.trial = Trial(factory, probe(factory, claims=claims))
        except Broken as broken:
            self.broken = broken

    def failures(self, check: VenueCheck, trial: Trial) -> list[tuple[Program, Broken]]:
        """Programs that break a rule of the check's judge, each with the first rule it breaks."""
        key = (check.judge, check.writer)
        if key not in self.found:
            found = self.found[key] = []
            count = 1 if check.writer is _nothing else max(1, round(self.examples * check.share))
            for example in range(count):
                program = check.writer(trial.profile, draws(self.seed, check.writer.__name__, example), self.steps)
                broken = _judged(check.judge, trial, program)
                if broken is not None:
                    found.append((program, broken))
        return self.found[key]


def _judged(judge: Judge, trial: Trial, program: Program) -> Broken | None:
    try:
        judge(trial, program)
    except Broken as broken:
        return broken
    return None


def _run(check: VenueCheck, bench: _Bench) -> Outcome:
    trial = bench.trial
    if trial is None:
        return _without_profile(check, bench)
    if check.claim and check.claim not in trial.profile.claims:
        return Outcome(check.name, NOT_CLAIMED, f"claims leaves out {check.claim!r}")
    if reason := check.applies(trial.profile):
        return Outcome(check.name, NOT_APPLICABLE, reason)
    for program, broken in bench.failures(check, trial):
        # A broken rule of another name counts where no ordinary stream breaks any: it came of what this check does.
        if broken.rule == check.name or (_adopts(check) and not bench.failures(_EVERY, trial)):
            failure = _failure(check, trial, program, broken, bench)
            return Outcome(check.name, FAILED, failure.came, failure)
    return Outcome(check.name, PASSED, _untried(bench, trial) if check.name == "answers" else "")


def _untried(bench: _Bench, trial: Trial) -> str:
    # What a passed report does not speak of: messages that the kit cannot write, and those that were never taken.
    wanted = [kind for kind in (Mint, Burn, Feed) if kind in trial.profile.messages]
    taken: dict[type, bool] = {}
    for example in range(bench.examples if wanted else 0):
        program = random_program(trial.profile, draws(bench.seed, "random_program", example), bench.steps)
        desk = trial.desk(rules=UNIVERSAL)
        for step in program:
            try:
                reports = desk.step(step)
            except Broken:
                break
            if step.message is not None and all(type(report) is not Rejected for report in reports):
                taken[type(step.message)] = True
        if all(kind in taken for kind in wanted):
            break
    refused = [kind.__name__ for kind in wanted if kind not in taken]
    notes = {"not tried": trial.profile.unknown, "never accepted": refused}
    return "; ".join(f"{note}: messages of type {', '.join(names)}" for note, names in notes.items() if names)


def _adopts(check: VenueCheck) -> bool:
    return check.judge is not judges.every_rule


def _without_profile(check: VenueCheck, bench: _Bench) -> Outcome:
    broken = bench.broken
    if broken is None or broken.rule != check.name:
        return Outcome(check.name, NOT_APPLICABLE, "the venue cannot be asked what it is like")
    replay = replay_text("replay_venue", check.name, ())
    failure = CheckFailure(check.name, broken.expected, broken.came, replay=replay, seed=bench.seed)
    return Outcome(check.name, FAILED, broken.came, failure)


def _failure(check: VenueCheck, trial: Trial, program: Program, broken: Broken, bench: _Bench) -> CheckFailure:
    def fails(shorter: Program) -> bool:
        found = _judged(check.judge, trial, shorter)
        return found is not None and (found.rule == check.name or _adopts(check))

    shrunk = shrink(program, fails)
    last = _judged(check.judge, trial, shrunk) or broken
    replay = replay_text("replay_venue", check.name, shrunk, claims=bench.claims)
    return CheckFailure(
        check.name, last.expected, last.came, replay=replay, program=shrunk, seed=bench.seed
    )  # fmt: skip


def check_venue(
    factory: Factory, *, seed: int = 0, examples: int = 12, steps: int = 60, claims: tuple[str, ...] | None = None
) -> CheckReport:
    """Run every check on the venues that `factory` makes.

    Args:
        factory: makes a fresh venue, the same each time.
        seed: of the random programs.
        examples: random programs for each check (some costly checks take a part of them).
        steps: messages in a program.
        claims: rules to hold the venue to (see `CLAIMS`), in place of its attribute `claims`.

    Returns:
        An outcome for each check: passed, failed, not applicable (with a reason) or not claimed.

    Raises:
        ConfigError: an argument is out of bounds.

    >>> from marketsim.testing import ReferenceBook, check_venue
    >>> check_venue(lambda: ReferenceBook(("A",)), examples=2, steps=20).ok
    True
    """
    bench = _Bench(factory, seed, examples, steps, claims)
    name = type(factory()).__name__ if bench.trial is not None else getattr(factory, "__name__", "venue")
    return CheckReport(name, seed, tuple(_run(check, bench) for check in venue_checks()))


def replay_venue(
    factory: Factory, check: str, program: Sequence[Step], *, claims: tuple[str, ...] | None = None
) -> None:
    """Run one check on one program, as the message of a `CheckFailure` says.

    Raises:
        CheckFailure: the venue breaks the rule.
        ConfigError: there is no check of this name.

    >>> from marketsim.testing import PostedPrice, Step
    >>> class Greedy(PostedPrice):
    ...     def submit(self, order, now, /):
    ...         return trade(order, against=self.house, price=self.price, quantity=order.quantity, now=now)
    >>> bid = limit_order("A", Side.BUY, quantity=1, price=99)._replace(order_id=1, owner="ann")
    >>> replay_venue(lambda: Greedy(("A",), price=100), "limits", [Step(0, bid)])
    Traceback (most recent call last):
        ...
    marketsim.testing.failures.CheckFailure: check 'limits' failed
      expected: at most 99 ticks a lot for order 1
      ...
    """
    __tracebackhide__ = True
    found = check_named(check, venue_checks())
    program = tuple(program)
    replay = replay_text("replay_venue", check, program, claims=claims)
    try:
        found.judge(Trial(factory, probe(factory, claims=claims)), program)
    except Broken as broken:
        if broken.rule == check or _adopts(found):
            raise CheckFailure(check, broken.expected, broken.came, replay=replay, program=program) from None


def parametrize_venues(factories: dict[str, Factory] | Iterable[Factory], **options: Any) -> Any:
    """A pytest decorator: one test per venue and check, for a test function with the argument `venue_check`.

        @parametrize_venues({"mine": MyVenue})
        def test_venue(venue_check):
            venue_check()

    Args:
        factories: by name, or factories that have a `__name__`.
        options: `seed`, `examples`, `steps`, `claims`, for every check.

    >>> from marketsim.testing import PostedPrice
    >>> mark = parametrize_venues({"shop": lambda: PostedPrice(("A",))}, examples=2)
    >>> [case.id for case in mark.args[1]][:3]
    ['shop-shape', 'shop-answers', 'shop-accounting']
    """
    import pytest

    named = factories if isinstance(factories, dict) else {factory.__name__: factory for factory in factories}
    cases = [
        pytest.param(_bound(check, factory, options), id=f"{name}-{check.name}")
        for name, factory in named.items()
        for check in venue_checks()
    ]
    return pytest.mark.parametrize("venue_check", cases)


def _bound(check: VenueCheck, factory: Factory, options: dict[str, Any]) -> Callable[[], None]:
    def run() -> None:
        __tracebackhide__ = True
        import pytest

        outcome = check(factory, **options)
        if outcome.status != PASSED:
            pytest.skip(f"{outcome.status}: {outcome.reason}")

    return run
