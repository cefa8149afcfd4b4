"""Two venues fed the same random messages: the first difference between them, shrunk to a program to paste.

`run_differential` compares any two venues; `run_named` a built-in one with its oracle, under every option it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from fractions import Fraction
from functools import partial
from itertools import combinations
from random import Random
from typing import Any, NamedTuple, TypeAlias

from attrs import define, fields, frozen, has

from marketsim.errors import ConfigError
from marketsim.types import Order, Rejected, Report, Side, VenueState
from venues._traffic import Call, Cancel, traffic
from venues.clob import ContinuousBook
from venues.fba import BatchAuction
from venues.oracle import OracleAuction, OracleBook

Factory: TypeAlias = Callable[[], Any]

RUN = 1000
"""Messages that one pair of venues is fed before a new pair takes over."""

_EVERY = 32  # messages between two comparisons of everything that can be asked


class Answers(NamedTuple):
    """What a venue said to a call, and, by market, what it then showed."""

    clock: list[Report]
    reports: list[Report]
    states: list[Any]
    more: list[Any]


@frozen
class Difference:
    """The first difference: the calls that lead to it, as few as could be found, and what came.

    `str` gives a program that shows it.
    """

    seed: int
    calls: tuple[Call, ...]
    expected: Answers
    got: Answers
    venue: str
    oracle: str

    def __str__(self) -> str:
        return _program(self)


@define
class Driver:
    """Feeds calls to a venue and its clock in between, and collects what it says and shows.

    `listed`: whether the venue has a public `orders(market)`.
    """

    venue: Any
    listed: bool = True
    last: int = 0

    def answer(self, call: Call, *, fully: bool = True) -> Answers:
        now, message = call
        clock: list[Report] = []
        while (due := self.venue.next_clock(self.last)) is not None and due <= now:
            clock += self.venue.clock(due)
            self.last = due
        self.last = now
        if type(message) is Cancel:
            reports = self.venue.cancel(message.order_id, message.owner, now)
        else:
            reports = self.venue.submit(message, now)
        markets = self.venue.markets
        # In full, or the market that the message names, or in turn.
        market = message.market if type(message) is Order and message.market in markets else markets[now % len(markets)]
        states = [self.venue.state(each)[:5] for each in (markets if fully else (market,))]
        more = [self._more(each, now) for each in markets] if fully else []
        return Answers(clock, reports, states, more)

    def _more(self, market: str, now: int) -> list[Any]:
        quantities = 1 + now % 7, 10 + now % 50, 2**53
        asked = [(side, quantity) for side in Side for quantity in quantities]
        public: VenueState = self.venue.state(market)
        return [
            [self.venue.estimate_impact(market, *question) for question in asked],
            [public.estimate(*question) for question in asked] if public.impact else [],
            self.venue.orders(market) if self.listed else [],
        ]


def _guarded(driver: Driver, call: Call, *, fully: bool) -> Answers:
    try:
        return driver.answer(call, fully=fully)
    except Exception as error:  # noqa: BLE001 whatever a venue raises is a difference, not the end of the comparison
        return Answers([], [], [f"{type(error).__name__}: {error}"], [])


def _plain(reports: list[Report]) -> list[Report]:
    # What a refusal says in words is the venue's own.
    return [report._replace(detail="") if type(report) is Rejected else report for report in reports]


def same(one: Answers, other: Answers) -> bool:
    """Whether two answers are equal but for the free text of refusals."""
    return (
        one.states == other.states
        and (one.reports == other.reports or _plain(one.reports) == _plain(other.reports))
        and one.clock == other.clock
        and one.more == other.more
    )


def first_difference(
    venue: Any, oracle: Any, calls: Sequence[Call], *, every: int = 1
) -> tuple[int, Answers, Answers] | None:
    """(place of the call, what the oracle answered, what the venue answered), or None.

    Reports and the state of one market are compared after every call (of a named market, if the call is an order), all
    states, estimates and order lists after every `every`th call and the last.
    """
    listed = hasattr(venue, "orders") and hasattr(oracle, "orders")
    ours, theirs = Driver(oracle, listed), Driver(venue, listed)
    last = len(calls) - 1
    for place, call in enumerate(calls):
        fully = place % every == 0 or place == last
        expected, got = ours.answer(call, fully=fully), _guarded(theirs, call, fully=fully)
        if not same(expected, got):
            return place, expected, got
    return None


def run_differential(venue_factory: Factory, oracle_factory: Factory, messages: int, seed: int) -> Difference | None:
    """Feed `messages` random messages to pairs of new venues, `RUN` to a pair; the first difference, or None.

    The generator reads `markets` of the oracle, and `price_step`, `quantity_step` and `pi` where it has them.

    >>> make = lambda: ContinuousBook(("ACME",))
    >>> run_differential(make, lambda: OracleBook(("ACME",)), 500, 1) is None
    True
    """
    for number, start in enumerate(range(0, messages, RUN)):
        oracle = oracle_factory()
        rng = Random(f"{seed}/{number}")  # noqa: S311 no secrets here
        grid = getattr(oracle, "price_step", 1), getattr(oracle, "quantity_step", 1)
        length = min(RUN, messages - start)
        calls = list(traffic(rng, oracle.markets, length, grid=grid, span=getattr(oracle, "pi", 3)))
        found = first_difference(venue_factory(), oracle, calls, every=_EVERY)
        if found is not None:
            calls = shrunk(venue_factory, oracle_factory, calls)
            _, expected, got = first_difference(venue_factory(), oracle_factory(), calls) or found
            names = _source(venue_factory()), _source(oracle_factory())
            return Difference(seed, tuple(calls), expected, got, *names)
    return None


def shrunk(venue_factory: Factory, oracle_factory: Factory, calls: list[Call]) -> list[Call]:
    """The fewest calls found that still end in a difference: drop ever smaller stretches while one remains.

    References:
        Zeller and Hildebrandt, IEEE TSE 28(2), 2002 (delta debugging).
    """

    def cut(trial: list[Call]) -> list[Call] | None:
        found = first_difference(venue_factory(), oracle_factory(), trial)
        return None if found is None else trial[: found[0] + 1]

    calls = cut(calls) or calls
    size = len(calls) // 2
    while size:
        place, before = 0, len(calls)
        while place < len(calls):
            shorter = cut(calls[:place] + calls[place + size :])
            place, calls = (place, shorter) if shorter else (place + size, calls)
        if size > 1 or len(calls) == before:
            size //= 2
    # An order and the one that takes it away can go only together.
    couples = list(combinations(range(len(calls)), 2)) if len(calls) < 24 else []
    while couples:
        one, other = couples.pop()
        shorter = cut(calls[:one] + calls[one + 1 : other] + calls[other + 1 :])
        if shorter:
            calls, couples = shorter, list(combinations(range(len(shorter)), 2))
    return calls


def _source(value: Any) -> str:
    # What to write in a program to get `value` again.
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if has(type(value)):
        given = [each for each in fields(type(value)) if each.init and getattr(value, each.name) != each.default]
        return f"{type(value).__name__}({', '.join(f'{a.name}={_source(getattr(value, a.name))}' for a in given)})"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        defaults = getattr(value, "_field_defaults", {})
        named = zip(value._fields, value, strict=True)
        said = [f"{name}={_source(each)}" for name, each in named if name not in defaults or each != defaults[name]]
        return f"{type(value).__name__}({', '.join(said)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_source, value))}{',' * (len(value) == 1)})"
    return f"float({str(value)!r})" if isinstance(value, float) else repr(value)


def _program(found: Difference) -> str:
    calls = "".join(f"    Call({call.now}, {_source(call.message)}),\n" for call in found.calls)
    return f"""\
# seed {found.seed}: after {len(found.calls)} calls the oracle says
#   {found.expected}
# and the venue
#   {found.got}
from fractions import Fraction
from marketsim.types import *
from venues.clob import *
from venues.fba import *
from venues.differential import Call, Cancel, first_difference
from venues.oracle import OracleAuction, OracleBook

calls = [
{calls}]
venue = {found.venue}
oracle = {found.oracle}
for each in first_difference(venue, oracle, calls) or ["no difference"]:
    print(each)
"""


_MARKETS = {"markets": ("A", "B")}

BOOK_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"self_trade": "cancel-taker", "maker_fee_ppm": -150_000, "taker_fee_ppm": 330_000},
    {"self_trade": "cancel-maker", "min_price": None, "depth": 2},
    {"self_trade": "cancel-both", "price_step": 5, "quantity_step": 3, "min_price": 10},
    {"self_trade": "decrement", "maker_fee_ppm": 7, "taker_fee_ppm": 1},
)

AUCTION_OPTIONS: tuple[dict[str, Any], ...] = (
    {"pi": 1},
    {"pi": 3, "price_rule": "reference", "allocation": "pro-rata", "published": "sealed", "reference": {"A": 101}},
    {"pi": 10, "price_rule": "k", "k": Fraction(1, 3), "allocation": "time", "self_trade": "refuse-newest"},
    {"pi": 7, "price_rule": "volume_midpoint", "allocation": "pro_rata_all", "min_price": None, "fee_ppm": 330_000},
    {
        "pi": 5,
        "price_step": 5,
        "quantity_step": 3,
        "depth": 2,
        "reference": {"A": 500, "B": 505},
        "published": "sealed",
    },
)

_NAMED: dict[str, tuple[Any, Any, tuple[dict[str, Any], ...]]] = {
    "clob": (ContinuousBook, OracleBook, BOOK_OPTIONS),
    "fba": (BatchAuction, OracleAuction, AUCTION_OPTIONS),
}


def pairs(name: str) -> list[tuple[Factory, Factory]]:
    """Makers of the venue `name` ("clob" or "fba") and of its oracle, under each set of options.

    Raises:
        ConfigError: there is no oracle for this venue.
    """
    if name not in _NAMED:
        raise ConfigError(f"pairs: name: got {name!r}, wanted one of {', '.join(_NAMED)}")
    venue, oracle, options = _NAMED[name]
    setups = [_MARKETS | each for each in options]
    return [(partial(venue, **setup), partial(oracle, **setup)) for setup in setups]


def run_named(name: str, messages: int, seed: int) -> Difference | None:
    """Compare the venue `name` ("clob" or "fba") with its oracle, each set of options having its share of `messages`.

    Raises:
        ConfigError: there is no oracle for this venue.
    """
    makers = pairs(name)
    for venue_factory, oracle_factory in makers:
        found = run_differential(venue_factory, oracle_factory, -(-messages // len(makers)), seed)
        if found is not None:
            return found
    return None
