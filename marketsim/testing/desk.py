"""The desk: drives one venue by itself, keeps its own account of every order, and stops at the first broken rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from attrs import define, field

from marketsim.errors import raised
from marketsim.gateway import check_order, check_order_id, check_quantity
from marketsim.ledger import Ledger
from marketsim.testing.failures import Broken
from marketsim.testing.profile import NAME, Profile
from marketsim.testing.program import Cancel, Program, Step, code
from marketsim.types import (
    Burn,
    Mint,
    Order,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Side,
    VenueState,
    rejected,
)

CLOCKS_MAX = 1000
"""How many clock calls in a row, with no message between them, are taken for an endless clock."""


@define(eq=False)
class Life:
    """A live order as the desk knows it: lots left, its limit (which may come from a trade), its place in time."""

    order: Order
    left: int
    limit: int | None
    place: int
    lapses: bool = False


class Call(NamedTuple):
    """One call and its answer. `orders` are the lives with their lots and limits before it, by id.

    `states` are the public states before it, by market; none at a quiet desk.
    """

    kind: str
    message: Any
    now: int
    reports: list[Report]
    orders: dict[int, tuple[Life, int, int | None]]
    states: dict[str, VenueState]


class Entry(NamedTuple):
    """A line of the log: the step's number (-1: a clock call), the time and the reports."""

    step: int
    time: int
    reports: tuple[Any, ...]


Rule = Callable[["Desk", Call], None]


@define(eq=False)
class Desk:
    """One venue under test.

    Args:
        venue: a fresh one.
        profile: what is known of it.
        rules: judged after every call, in this order; each raises `Broken`.
        gateway: refuse what the kernel's gateway refuses, so that the venue never sees it.
        eager: call the clock at every step of time, twice, and not only when the venue named it.
        curious: ask every question between any two calls, several times.
        quiet: ask no question but the next clock.
    """

    venue: Any
    profile: Profile
    rules: tuple[Rule, ...] = ()
    gateway: bool = True
    eager: bool = False
    curious: bool = False
    quiet: bool = False
    now: int = 0
    due: int | None = None
    live: dict[int, Life] = field(factory=dict)
    ended: dict[int, str] = field(factory=dict)
    ledger: Ledger = field(factory=Ledger)
    log: list[Entry] = field(factory=list)
    matches: dict[tuple[str, int], int] = field(factory=dict)
    shares: dict[tuple[Any, ...], int] = field(factory=dict)
    closed: dict[str, int] = field(factory=dict)
    opening: dict[str, tuple[int, int]] = field(factory=dict)
    _place: int = 0
    _step: int = 0

    def __attrs_post_init__(self) -> None:
        if self.profile.reserves:
            self.opening = {market: self.ask("reserves", market) for market in self.profile.markets}
        self._arm()

    # Driving

    def play(self, program: Program) -> None:
        """Every step of `program`; raises `Broken` at the first broken rule."""
        for step in program:
            self.step(step)

    def step(self, step: Step) -> list[Report]:
        """Let time pass to the step's, with the clocks that fall due, and send its message."""
        self.advance(step.time)
        self._step += 1
        if step.message is None or self._reuses_id(step.message):
            return []
        return self._send(step.message)

    def advance(self, time: int) -> None:
        """Let time pass: the clock of a time runs before the messages of that time."""
        if self.eager:
            while self.now < time:
                self.now += 1
                due = self.due == self.now
                self._clock(logged=due)
                self._clock(logged=False)
            return
        self._run_clocks(time)
        self.now = max(self.now, time)

    def settle_down(self) -> None:
        """Run the clock until the venue names none, or as often as an endless clock may be asked."""
        for _ in range(20):
            if self.due is None:
                return
            self.advance(self.due)

    def drain(self) -> None:
        """Withdraw everything that anybody has at the venue."""
        for order_id, life in list(self.live.items()):
            if order_id in self.live:
                self._send(Cancel(order_id, life.order.owner))
        for (owner, market, lower, upper), liquidity in list(self.shares.items()):
            if liquidity:
                self._send(Burn(market, liquidity, lower, upper, owner=owner))
        self.settle_down()

    def ask(self, call: str, *arguments: Any) -> Any:
        """A call of the venue; whatever it raises is a broken rule "answers"."""
        try:
            return getattr(self.venue, call)(*arguments)
        except Exception as error:
            asked = f"{call}({', '.join(code(argument) for argument in arguments)})"
            came = f"{asked} raised {raised(error)}{_where(error)}"
            raise Broken("answers", f"an answer from {type(self.venue).__name__}.{call}", came) from error

    def look(self) -> tuple[Any, ...]:
        """Everything public: states, estimates, reserves, the next clock."""
        profile, seen = self.profile, []
        for market in profile.markets:
            state = self.ask("state", market)
            estimates = [self.ask("estimate_impact", market, side, profile.sample) for side in Side]
            reserves = self.ask("reserves", market) if profile.reserves else None
            # All but the impact, which may be a new function that answers the same.
            seen.append((tuple(state)[:5], tuple(estimates), reserves))
        # At a time at which the clock is due, and before it is called, there is no later time to name.
        waits = self.due is None or self.due > self.now
        return (*seen, self.ask("next_clock", self.now) if waits else self.due)

    # What the desk knows

    def _reuses_id(self, message: Any) -> bool:
        # The kernel gives an id once: such a step comes from shrinking, or from a bad message whose moment has passed.
        order = message.order if type(message) is Replace else message
        return type(order) is Order and type(order.order_id) is int and order.order_id in self.ended

    def why_refuse(self, message: Any) -> str:
        """Why the venue has to refuse `message` now; empty where it may take it."""
        if reason := self.gateway_refusal(message):
            return reason[1]
        if type(message) is Cancel:
            return self._why_not_own(message.order_id, message.owner)
        if type(message) is Order:
            return self._why_not_enter(message)
        if type(message) is Reduce:
            off_grid = message.quantity % self.profile.quantity_step
            return self._why_not_own(message.order_id, message.owner) or ("it is off the grid" if off_grid else "")
        if type(message) is Replace:
            wrong = self._why_not_own(message.order_id, message.owner) or self._why_not_enter(message.order)
            return wrong or ("the new order has another owner" if message.order.owner != message.owner else "")
        if type(message) is Mint or type(message) is Burn:
            return self._why_not_liquidity(message)
        return ""

    def gateway_refusal(self, message: Any) -> tuple[Reason, str] | None:
        """Why the kernel would not let `message` through to the venue."""
        if type(message) is Cancel:
            return None
        if type(message) not in self.profile.messages:
            return Reason.UNSUPPORTED, f"{type(message).__name__} is not among the venue's messages"
        if type(message) is Reduce:
            return check_quantity(message.quantity)
        order = message.order if type(message) is Replace else message
        if type(message) is Replace and type(order) is not Order:
            return Reason.UNSUPPORTED, "the new order is not an Order"
        return check_order(order, self.profile.markets) if type(order) is Order else None

    def _why_not_own(self, order_id: Any, owner: Any) -> str:
        if refusal := check_order_id(order_id):
            return refusal[1]
        if order_id not in self.live:
            return f"order {order_id} is not live"
        return "" if self.live[order_id].order.owner == owner else f"order {order_id} is not {owner!r}'s"

    def _why_not_enter(self, order: Order) -> str:
        profile = self.profile
        if order.order_id in self.live:
            return f"an order with id {order.order_id} is live"
        if order.market in self.closed:
            return f"market {order.market!r} is closed"
        off = order.quantity % profile.quantity_step or (order.price or 0) % profile.price_step
        return "it is off the grid" if off else ""

    def _why_not_liquidity(self, message: Mint | Burn) -> str:
        if refusal := check_quantity(message.liquidity):
            return refusal[1]
        if type(message.owner) is not str or not message.owner:
            return "it has no owner"
        if type(message.market) is not str or message.market not in self.profile.markets:
            return f"there is no market {message.market!r}"
        held = self.shares.get((message.owner, message.market, message.lower, message.upper), 0)
        over = type(message) is Burn and message.liquidity > held
        return f"{message.owner} holds {held} shares" if over else ""

    # Calls

    def _send(self, message: Any) -> list[Report]:
        message = _addressed(message)
        why = self.why_refuse(message)
        if self.curious:
            self._be_curious()
        refusal = self.gateway_refusal(message) if self.gateway else None
        if refusal is not None:
            about = message.order if type(message) is Replace and type(message.order) is Order else message
            reports = rejected(about, refusal[0], now=self.now, detail=refusal[1])
            self.log.append(Entry(self._step, self.now, tuple(reports)))
            return reports
        kind = "cancel" if type(message) is Cancel else "submit"
        arguments = (message.order_id, message.owner) if type(message) is Cancel else (message,)
        before = self._before()
        reports = self.ask(kind, *arguments, self.now)
        if why and not (type(reports) is list and len(reports) == 1 and type(reports[0]) is Rejected):
            raise Broken("refusals", f"one Rejected for {code(message)}: {why}", _said(reports))
        self._judge(Call(kind, message, self.now, reports, *before), logged=True)
        return reports  # type: ignore[no-any-return]

    def _clock(self, *, logged: bool = True) -> None:
        named = self.due == self.now
        if self.curious:
            self._be_curious()
        before = self._before()
        states = [] if named else self._states()
        reports = self.ask("clock", self.now)
        if not named:
            self._did_nothing(reports, states)
        self._judge(Call("clock" if named else "idle", None, self.now, reports, *before), logged=logged)

    def _did_nothing(self, reports: Any, states: list[tuple[Any, ...]]) -> None:
        wanted = f"no effect of a clock call that was not due (due: {self.due})"
        if reports != []:
            raise Broken("clock", wanted, f"clock({self.now}) gave {_said(reports)}")
        if (shown := self._states()) != states:
            raise Broken("clock", f"{wanted}: states {states}", f"clock({self.now}) made them {shown}")

    def _states(self) -> list[tuple[Any, ...]]:
        # All but the impact, which may be a new function that answers the same.
        return [tuple(self.ask("state", market))[:5] for market in self.profile.markets]

    def _run_clocks(self, until: int) -> None:
        calls = 0
        while self.due is not None and self.due <= until:
            calls += 1
            if calls > CLOCKS_MAX:
                return
            self.now = self.due
            self._clock()

    def _before(self) -> tuple[dict[int, tuple[Life, int, int | None]], dict[str, VenueState]]:
        orders = {order_id: (life, life.left, life.limit) for order_id, life in self.live.items()}
        markets = () if self.quiet else self.profile.markets
        return orders, {market: self.ask("state", market) for market in markets}

    def _judge(self, call: Call, *, logged: bool) -> None:
        for rule in self.rules:
            rule(self, call)
        if logged:
            self.log.append(Entry(-1 if call.kind == "clock" else self._step, call.now, tuple(call.reports)))
        self._arm()

    def _arm(self) -> None:
        due = self.ask("next_clock", self.now)
        if due is not None and (type(due) is not int or due <= self.now):
            raise Broken("clock-times", f"None or an int later than now from next_clock({self.now})", repr(due))
        self.due = due

    def _be_curious(self) -> None:
        first = self.look()
        for _ in range(2):
            if (again := self.look()) != first:
                raise Broken("questions", f"the same answers to the same questions: {first}", str(again))

    def next_place(self) -> int:
        """A place in time for an order, later than all so far."""
        self._place += 1
        return self._place


def _addressed(message: Any) -> Any:
    fields = getattr(message, "_fields", ())
    if type(message) is Replace and type(message.order) is Order:
        message = message._replace(order=_addressed(message.order))
    return message._replace(venue=NAME) if "venue" in fields and message.venue == "" else message


def _said(reports: Any) -> str:
    return ", ".join(code(report) for report in reports) or "no report" if type(reports) is list else repr(reports)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
