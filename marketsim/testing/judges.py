"""Judges: each plays a program against fresh venues and raises `Broken` where a rule does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from marketsim.testing.claims import rules_for
from marketsim.testing.desk import Desk, Entry
from marketsim.testing.failures import Broken
from marketsim.testing.profile import Profile
from marketsim.testing.program import Program, Step, code
from marketsim.testing.rules import UNIVERSAL, answers, liquidity, lives, settlement
from marketsim.types import Fill, Order, OrderKind, Rejected, Settle, Side, TimeInForce

_REPORTS_ONLY = (answers, lives, liquidity, settlement)


@frozen
class Trial:
    """A factory of venues and what is known of them."""

    factory: Callable[[], Any]
    profile: Profile

    def desk(self, **options: Any) -> Desk:
        """A desk with a fresh venue."""
        return Desk(self.factory(), self.profile, **options)

    def strict(self) -> Desk:
        """A desk that judges every universal and every claimed rule."""
        return self.desk(rules=rules_for(self.profile.claims))

    def plain(self, **options: Any) -> Desk:
        """A desk that reads the reports and asks nothing."""
        return self.desk(rules=_REPORTS_ONLY, **({"quiet": True} | options))


def every_rule(trial: Trial, program: Program) -> None:
    """Every universal and claimed rule, after every call."""
    desk = trial.strict()
    desk.play(program)


def drains(trial: Trial, program: Program) -> None:
    """All that anybody has at the venue can be withdrawn, and then it is as empty as a fresh one, or has the house."""
    desk = trial.strict()
    desk.play(program)
    drained(desk, trial.factory)


def drained(desk: Desk, factory: Callable[[], Any]) -> None:
    """Drain the venue of a desk, compare it with a fresh one, and try to trade.

    What a house still offers depends on what was traded. A fill with anybody else breaks the rule "after-the-end".
    """
    desk.drain()
    if desk.live:
        left = [code(life.order) for life in desk.live.values()]
        raise Broken("drain", "no order live after everything was cancelled", ", ".join(left))
    if any(desk.shares.values()):
        raise Broken("drain", "no share left after everything was burned", str(desk.shares))
    if desk.closed:
        return
    for place, market in enumerate(desk.profile.markets):
        state, fresh = desk.ask("state", market), factory().state(market)
        if state[:4] != fresh[:4] and not desk.profile.house:
            raise Broken("drain", f"a drained venue that shows what a fresh one shows: {fresh[:4]}", f"{state[:4]}")
        # The sale is the larger, so that it takes a pool's price below where the purchase found it.
        _trades_with_nobody(desk, market, Side.BUY, 10**6, 10**9 + 2 * place)
        _trades_with_nobody(desk, market, Side.SELL, 4 * 10**6, 10**9 + 2 * place + 1)


def _trades_with_nobody(desk: Desk, market: str, side: Side, steps: int, order_id: int) -> None:
    lots = steps * desk.profile.quantity_step
    order = Order(market, side, lots, None, OrderKind.MARKET, TimeInForce.IOC, order_id=order_id, owner="eve")
    place = len(desk.log)
    desk.step(Step(desk.now, order))
    desk.settle_down()
    fills = [report for entry in desk.log[place:] for report in entry.reports if type(report) is Fill]
    if fills and not desk.profile.house:
        raise Broken("drain", "nothing to trade with at a drained venue", code(fills[0]))


def refusals(trial: Trial, program: Program) -> None:
    """A refused message changes nothing: neither what is public, nor any later answer."""
    _refuses(trial, program, gateway=True)


def refusals_unaided(trial: Trial, program: Program) -> None:
    """The same where no gateway stands before the venue."""
    _refuses(trial, program, gateway=False)


def _refuses(trial: Trial, program: Program, *, gateway: bool) -> None:
    tried, spared = trial.plain(gateway=gateway), trial.plain(gateway=gateway)
    before: Any = None
    said = ""
    for step in program:
        if tried.due is not None and tried.due <= step.time:
            before = None
        spared.advance(step.time)
        tried.advance(step.time)
        why = "" if step.message is None else tried.why_refuse(step.message)
        if why and gateway and tried.gateway_refusal(step.message):
            tried.step(step)
            continue
        before = before if before is not None or not why else tried.look()
        reports = tried.step(step)
        if why:
            said = code(step.message)
            if (after := tried.look()) != before:
                raise Broken("refusals", f"the refused {said} to change nothing: {before}", str(after))
            continue
        before = None
        if (other := spared.step(step)) != reports:
            wanted = f"the answers of a venue that never saw the refused {said}: {_told(other)}"
            raise Broken("refusals", wanted, _told(reports))


def determinism(trial: Trial, program: Program) -> None:
    """Twins that are sent the same say the same, also when a third venue is busy in between."""
    first, second, noise = trial.plain(), trial.plain(), trial.plain()
    for place, step in enumerate(program):
        one = first.step(step)
        if place % 2:
            noise.step(program[place // 2])
        two = second.step(step)
        if one != two:
            raise Broken("determinism", f"the answer of a twin: {_told(one)}", _told(two))
    _same("determinism", first.log, second.log, "the log of a twin")
    if (one_seen := first.look()) != (two_seen := second.look()):
        raise Broken("determinism", f"the state of a twin: {one_seen}", str(two_seen))


def questions(trial: Trial, program: Program) -> None:
    """Asking changes nothing, and the same question gets the same answer."""
    quiet, curious = trial.plain(), trial.plain(curious=True)
    quiet.play(program)
    curious.play(program)
    _same("questions", quiet.log, curious.log, "the log of a venue that is asked nothing")


def clock_laws(trial: Trial, program: Program) -> None:
    """The clock called only when named, and called twice at every step of time, give the same log."""
    lazy, eager = trial.plain(), trial.plain(eager=True)
    lazy.play(program)
    eager.play(program)
    wanted = "the log of a venue whose clock is called only when due"
    _same("clock", [entry for entry in lazy.log if entry.reports], [e for e in eager.log if e.reports], wanted)


def _same(rule: str, wanted: list[Entry], came: list[Entry], what: str) -> None:
    if wanted == came:
        return
    for one, two in zip(wanted, came, strict=False):
        if one != two:
            raise Broken(rule, f"{what}, at step {one.step}, time {one.time}: {_told(one.reports)}", _entry(two))
    longer = (wanted if len(wanted) > len(came) else came)[min(len(wanted), len(came))]
    side = "is missing" if len(wanted) > len(came) else "is too much"
    raise Broken(rule, what, f"this {side}: {_entry(longer)}")


def _entry(entry: Entry) -> str:
    return f"at step {entry.step}, time {entry.time}: {_told(entry.reports)}"


def _told(reports: Any) -> str:
    return ", ".join(map(code, reports)) or "no report"


def estimates(trial: Trial, program: Program) -> None:
    """A market order that nothing comes before pays what was estimated for it."""
    desk = trial.plain()
    for step in program:
        order = step.message
        asked = type(order) is Order and order.kind is OrderKind.MARKET and order.tif is TimeInForce.IOC
        desk.advance(step.time)
        # An auction's answer is for a clear of the order alone with what is published, and nobody's is for trades
        # with oneself, which many venues prevent.
        orders = [life.order for life in desk.live.values()]
        quiet = desk.due is None and all(
            waiting.price is not None and waiting.owner != getattr(order, "owner", "") for waiting in orders
        )
        if not asked or not quiet or desk.why_refuse(order):
            desk.step(step)
            continue
        lots, money = _estimated(desk, order)
        place = len(desk.log)
        if trial.profile.waits:
            desk.step(step)
            desk.settle_down()
        else:
            desk.step(step)
        legs = [
            report
            for entry in desk.log[place:]
            for report in entry.reports
            if type(report) is Fill and report.order_id == order.order_id
        ]
        traded = sum(leg.quantity for leg in legs)
        paid = sum(leg.money - leg.side * leg.fee for leg in legs)
        if (traded, paid) != (lots, money):
            came = f"it traded {traded} lots for {paid}: {_told(legs)}"
            raise Broken("estimates", f"{lots} lots for {money} tick-lots, as estimated for {code(order)}", came)


def _estimated(desk: Desk, order: Order) -> tuple[int, int]:
    asked = (order.market, order.side, order.quantity)
    answer = desk.ask("estimate_impact", *asked)
    sound = type(answer) is tuple and len(answer) == 2 and all(type(item) is int for item in answer)
    if not sound or not 0 <= answer[0] <= order.quantity:
        raise Broken("estimates", f"(lots up to {order.quantity}, money) from estimate_impact{asked}", repr(answer))
    state = desk.ask("state", order.market)
    if state.impact is not None and (public := state.estimate(order.side, order.quantity)) != answer:
        raise Broken("estimates", f"{answer} from the published state as well", repr(public))
    return answer[0], answer[1]


def round_trips(trial: Trial, program: Program) -> None:
    """Nobody who trades alone with a pool, and ends with what it began with, has gained."""
    desk = trial.plain()
    desk.rules = UNIVERSAL
    desk.quiet = False
    desk.play(program)
    desk.drain()
    order_id = 10**9
    for market in trial.profile.markets:
        held = desk.ledger.inventory.get("ann", {}).get(market, 0)
        while held:
            order_id += 1
            side = Side.SELL if held > 0 else Side.BUY
            flat = Order(
                market, side, abs(held), None, OrderKind.MARKET, TimeInForce.IOC, order_id=order_id, owner="ann"
            )
            desk.step(Step(desk.now, flat))
            left = desk.ledger.inventory["ann"].get(market, 0)
            if left == held:
                return  # it cannot be brought back to nothing, and its worth is anybody's guess
            held = left
    gain = desk.ledger.cash.get("ann", 0)
    if gain > 0:
        raise Broken("round-trips", "no gain from trading alone with a pool and back", f"a gain of {gain} tick-lots")


def settles(trial: Trial, program: Program) -> None:
    """A consistent settlement is taken, a settled market is over, and a refused settlement changes nothing."""
    desk = trial.desk(rules=UNIVERSAL)
    desk.play(program)
    markets = trial.profile.markets
    unit = getattr(desk.venue, "unit", trial.profile.anchor[markets[0]])
    for place, market in enumerate(markets):
        settle = Settle(market, unit if place == len(markets) - 1 else 0)
        desk.step(Step(desk.now, settle))
        if market in desk.closed:
            _is_over(desk, settle, 10**9 + place)
    if not desk.closed:
        told = f"0 for every market but the last, {unit} for {markets[-1]}"
        raise Broken("settles", f"some settlement to be taken of {told}", "every one was refused")
    desk.ledger.check()


def _is_over(desk: Desk, settle: Settle, order_id: int) -> None:
    market, lots = settle.market, desk.profile.quantity_step
    state = desk.ask("state", market)
    if any(state[:4]):
        raise Broken("settles", f"no price and no level of the settled {market}", f"{state[:4]}")
    for side in Side:
        late = Order(market, side, lots, None, OrderKind.MARKET, TimeInForce.IOC, order_id=order_id, owner="eve")
        desk.step(Step(desk.now, late))
        if (answer := desk.ask("estimate_impact", market, side, lots)) != (0, 0):
            raise Broken("settles", f"an estimate of (0, 0) in the settled {market}", repr(answer))
    again = desk.step(Step(desk.now, settle))
    if [type(report) for report in again] != [Rejected]:
        raise Broken("settles", f"one Rejected for a second settlement of {market}", _told(again))
