"""Hypothesis strategies: orders, streams of messages, books, and a state machine that drives any venue."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from marketsim.testing.claims import rules_for
from marketsim.testing.desk import Desk
from marketsim.testing.failures import Broken, CheckFailure
from marketsim.testing.generate import OWNERS, bad_messages, random_program
from marketsim.testing.judges import drained
from marketsim.testing.profile import FORMS, Profile, order_of, probe
from marketsim.testing.program import Cancel, Program, Step, replay_text
from marketsim.types import Burn, Mint, Order, Reduce, Replace, Side


def orders(
    markets: tuple[str, ...],
    *,
    anchor: int = 100,
    price_step: int = 1,
    quantity_step: int = 1,
    quantity_max: int = 12,
    forms: tuple[str, ...] = tuple(FORMS),
    order_ids: st.SearchStrategy[int] | None = None,
) -> st.SearchStrategy[Order]:
    """Well-formed orders around a price.

    Args:
        markets: names to choose from.
        anchor: ticks; prices lie within eight steps of it.
        price_step: ticks between prices.
        quantity_step: lots between quantities.
        quantity_max: largest quantity, in steps.
        forms: of `marketsim.testing.profile.FORMS`.
        order_ids: ids to choose from; by default 1 to 2**31.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=20, database=None, derandomize=True)
    ... @given(orders(("A",), anchor=100, forms=("limit",)))
    ... def prices_lie_near_the_anchor(order):
    ...     assert 92 <= order.price <= 108
    >>> prices_lie_near_the_anchor()
    """
    return st.builds(
        order_of,
        st.sampled_from(forms),
        st.sampled_from(markets),
        st.sampled_from(list(Side)),
        st.integers(1, quantity_max).map(lambda lots: lots * quantity_step),
        st.integers(-8, 8).map(lambda steps: anchor + steps * price_step),
        order_ids or st.integers(1, 2**31),
        st.sampled_from(OWNERS),
    )


def message_streams(profile: Profile, *, steps_max: int = 60) -> st.SearchStrategy[Program]:
    """Programs of every message that a venue takes, for `replay_venue` or a `Desk`; a seed and a length shrink well.

    >>> from hypothesis import given, settings
    >>> from marketsim.testing import ReferenceBook, probe, replay_venue
    >>> @settings(max_examples=5, database=None, derandomize=True)
    ... @given(message_streams(probe(lambda: ReferenceBook(("A",))), steps_max=20))
    ... def the_book_keeps_to_limits(program):
    ...     replay_venue(lambda: ReferenceBook(("A",)), "limits", program)
    >>> the_book_keeps_to_limits()
    """
    return st.builds(
        lambda seed, steps: random_program(profile, Random(seed), steps),  # noqa: S311 reproducible draws
        st.integers(0, 2**32),
        st.integers(1, steps_max),
    )


def books(
    market: str, *, anchor: int = 100, orders_max: int = 12, quantity_max: int = 12, crossed: bool | None = None
) -> st.SearchStrategy[list[Order]]:
    """Lists of limit orders of one market with ids 1, 2, ...

    Args:
        market: its name.
        anchor: ticks; prices lie within eight of it.
        orders_max: most orders.
        quantity_max: largest quantity in lots.
        crossed: False for bids below and asks from the anchor, True for some crossing pair, None for any.

    >>> from hypothesis import given, settings
    >>> from marketsim.testing import ReferenceBook
    >>> @settings(max_examples=20, database=None, derandomize=True)
    ... @given(books("A", crossed=False))
    ... def orders_that_do_not_cross_all_rest(orders):
    ...     book = ReferenceBook(("A",))
    ...     assert all(type(report) is Accepted for order in orders for report in book.submit(order, 0))
    >>> orders_that_do_not_cross_all_rest()
    """
    row = st.tuples(st.sampled_from(list(Side)), st.integers(1, quantity_max), st.integers(-8, 8))

    def build(rows: list[tuple[Side, int, int]]) -> list[Order]:
        made = []
        for place, (side, lots, away) in enumerate(rows, start=1):
            apart = anchor - side * (abs(away) + (side is Side.BUY)) if crossed is False else anchor + away
            made.append(order_of("limit", market, side, lots, apart, place, OWNERS[place % len(OWNERS)]))
        return made

    lists = st.lists(row, max_size=orders_max, min_size=2 if crossed else 0).map(build)
    return lists.filter(_crosses) if crossed else lists


def _crosses(book: list[Order]) -> bool:
    bids = [order.price for order in book if order.side is Side.BUY and order.price is not None]
    asks = [order.price for order in book if order.side is Side.SELL and order.price is not None]
    return bool(bids) and bool(asks) and max(bids) >= min(asks)


def venue_machine(factory: Callable[[], Any], *, claims: tuple[str, ...] | None = None) -> type[RuleBasedStateMachine]:
    """A Hypothesis state machine over the venues of `factory`; its `TestCase` is a test.

    Rules submit orders of every form, cancel, reduce, replace, mint and burn, let time pass and send bad messages. All
    universal and claimed rules are judged after every call; at the end the venue is drained.

    Raises:
        CheckFailure: from within the machine, with the program so far.

    >>> from hypothesis import settings
    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> from marketsim.testing import ReferenceBook
    >>> machine = venue_machine(lambda: ReferenceBook(("A",)))
    >>> few = settings(max_examples=3, stateful_step_count=10, database=None, derandomize=True)
    >>> run_state_machine_as_test(machine, settings=few)
    """
    profile = probe(factory, claims=claims)

    class VenueMachine(_Machine):
        made = staticmethod(factory)
        known = profile
        override = claims

    return VenueMachine


_new_form = st.sampled_from(("limit", "post-only"))
_side = st.sampled_from(list(Side))
_form = st.sampled_from(list(FORMS))
_lots = st.integers(1, 12)
_away = st.integers(-6, 6)
_owner = st.sampled_from(OWNERS)
_pick = st.integers(0, 10**6)


class _Machine(RuleBasedStateMachine):
    made: Callable[[], Any]
    known: Profile
    override: tuple[str, ...] | None = None

    @initialize()
    def begin(self) -> None:
        self.desk = Desk(self.made(), self.known, rules=rules_for(self.known.claims))
        self.program: list[Step] = []
        self.sent: list[Order] = []
        self.mints: list[Mint] = []
        self.time = 0
        self.broken = False

    @rule(form=_form, side=_side, lots=_lots, away=_away, owner=_owner, pick=_pick)
    def submit(self, form: str, side: Side, lots: int, away: int, owner: str, pick: int) -> None:
        self.send(self.order(form, side, lots, away, owner, pick))

    @rule(pick=_pick)
    def cancel(self, pick: int) -> None:
        if self.sent:
            old = self.sent[pick % len(self.sent)]
            self.send(Cancel(old.order_id, old.owner))

    @rule(pick=_pick, lots=_lots)
    def reduce(self, pick: int, lots: int) -> None:
        if self.sent and Reduce in self.known.messages:
            old = self.sent[pick % len(self.sent)]
            self.send(Reduce(old.order_id, lots * self.known.quantity_step, old.owner))

    @rule(pick=_pick, lots=_lots, away=_away, form=_new_form)
    def replace(self, pick: int, lots: int, away: int, form: str) -> None:
        if self.sent and Replace in self.known.messages:
            old = self.sent[pick % len(self.sent)]
            new = self.order(form, old.side, lots, away, old.owner, pick)
            self.sent[-1] = new = new._replace(market=old.market)
            self.send(Replace(old.order_id, new, old.owner))

    @rule(pick=_pick, lots=st.integers(1, 10**4), owner=_owner)
    def mint(self, pick: int, lots: int, owner: str) -> None:
        if Mint in self.known.messages:
            markets = self.known.markets
            self.mints.append(Mint(markets[pick % len(markets)], lots, owner=owner))
            self.send(self.mints[-1])

    @rule(pick=_pick)
    def burn(self, pick: int) -> None:
        if self.mints:
            mint = self.mints[pick % len(self.mints)]
            self.send(Burn(mint.market, mint.liquidity, owner=mint.owner))

    @rule(steps=st.integers(1, 12))
    def wait(self, steps: int) -> None:
        self.time += steps * self.known.stride
        self.send(None)

    @rule(side=_side, pick=_pick)
    def send_something_bad(self, side: Side, pick: int) -> None:
        messages = bad_messages(self.known, side)
        self.send(messages[pick % len(messages)])

    def order(self, form: str, side: Side, lots: int, away: int, owner: str, pick: int) -> Order:
        known = self.known
        market = known.markets[pick % len(known.markets)]
        price = known.anchor[market] + away * known.price_step
        # Far from the ids that bad messages use.
        order = order_of(form, market, side, lots * known.quantity_step, price, len(self.sent) + 1, owner)
        self.sent.append(order)
        return order

    def send(self, message: Any) -> None:
        step = Step(self.time, message)
        self.program.append(step)
        self.judged(lambda: self.desk.step(step))

    def teardown(self) -> None:
        if hasattr(self, "desk") and not self.broken:
            self.judged(lambda: drained(self.desk, self.made), check="drain")

    def judged(self, act: Callable[[], Any], *, check: str = "") -> None:
        try:
            act()
        except Broken as broken:
            self.broken = True
            program = tuple(self.program)
            # What breaks while the venue is drained breaks again only where it is drained again.
            name = check or broken.rule
            replay = replay_text("replay_venue", name, program, claims=self.override)
            raise CheckFailure(name, broken.expected, broken.came, replay=replay, program=program) from None
