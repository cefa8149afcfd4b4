"""Rules that hold of every answer of every venue, in the order in which they are judged."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import Any

from marketsim.errors import ConservationError, written
from marketsim.exchange import is_well_formed
from marketsim.testing.desk import Call, Desk, Life, Rule
from marketsim.testing.failures import Broken
from marketsim.testing.profile import NAME
from marketsim.testing.program import Cancel, code
from marketsim.types import (
    Accepted,
    Burn,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Mint,
    Order,
    OrderKind,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Settle,
    Side,
    TimeInForce,
    VenueState,
)

_REPORTS = (Accepted, Rejected, Fill, Cancelled, Expired)


def answers(desk: Desk, call: Call) -> None:
    """A list of reports, each of a known type, at the time and of the venue of the call."""
    reports = call.reports
    if type(reports) is not list:
        raise Broken("answers", "a list of reports", repr(reports))
    for report in reports:
        if type(report) not in _REPORTS:
            raise Broken("answers", "Accepted, Rejected, Fill, Cancelled or Expired", code(report))
        if type(report) is Rejected:
            if type(report.reason) is not Reason or len(reports) > 1 or call.kind in {"clock", "idle"}:
                raise Broken("answers", "a refusal alone, with a Reason, and of a message", str(reports))
        elif report.time != call.now or report.venue != NAME:
            raise Broken("answers", f"a report of venue {NAME!r} at time {call.now}", code(report))
        if type(report) is Fill:
            match = (report.market, report.match_id)
            if desk.matches.setdefault(match, len(desk.log)) != len(desk.log):
                raise Broken("answers", f"a match_id that no earlier trade has, got {report.match_id}", code(report))


def lives(desk: Desk, call: Call) -> None:
    """What befalls the orders, one report after the other; brings the desk's own account of them up to date."""
    order, message = _entering(call.message), call.message
    refused = any(type(report) is Rejected for report in call.reports)
    if refused:
        _refused_by_name(desk, call, order)
        return
    if order is not None:
        life = Life(order, order.quantity, order.price, desk.next_place())
        desk.ended.pop(order.order_id, None)
        desk.live[order.order_id] = life
    accepted = None
    for report in call.reports:
        if type(report) is Fill and report.order_id == 0:
            continue
        found = _addressee(desk, report)
        if type(report) is Accepted:
            accepted = report
            if order is None or report.order_id != order.order_id:
                raise Broken("accounting", "Accepted for the order that was sent, and no other", code(report))
        elif type(report) is Fill:
            _filled(found, report)
        elif type(report) is Cancelled:
            _cancelled(found, report, message)
        elif type(report) is Expired:
            _expired(found, report)
    _bind_to_the_clear(desk, call)
    _accounted(order, desk, call, accepted)
    _lifetimes(order, desk, call, accepted)
    if call.kind == "cancel" or type(message) is Reduce:
        _withdrawn(call)
    for order_id in [order_id for order_id, life in desk.live.items() if life.left <= 0]:
        del desk.live[order_id]
        desk.ended[order_id] = f"it ended at time {call.now}"


def _entering(message: Any) -> Order | None:
    order = message.order if type(message) is Replace else message
    return order if type(order) is Order else None


def _refused_by_name(desk: Desk, call: Call, order: Order | None) -> None:
    report = call.reports[0]
    known = order is not None and type(order.order_id) is int and type(call.message) in desk.profile.messages
    if known and order is not None and report.order_id != order.order_id:
        raise Broken("accounting", f"Rejected for order {order.order_id}, which never comes to life", code(report))


def _addressee(desk: Desk, report: Any) -> Life:
    life = desk.live.get(report.order_id)
    if life is None and report.order_id in desk.ended:
        ended = desk.ended[report.order_id]
        raise Broken("after-the-end", f"no report on order {report.order_id}: {ended}", code(report))
    if life is None:
        raise Broken("answers", "a report on an order that was sent", code(report))
    if life.order.owner != report.owner:
        raise Broken("owners", f"owner {life.order.owner!r} on a report of order {report.order_id}", code(report))
    if life.order.market != report.market:
        raise Broken("answers", f"market {life.order.market!r} on a report of order {report.order_id}", code(report))
    return life


def _filled(life: Life, fill: Fill) -> None:
    order = life.order
    if fill.side is not order.side:
        raise Broken("answers", f"a fill on side {order.side.name} of order {order.order_id}", code(fill))
    life.left -= fill.quantity
    if life.left < 0:
        had = life.left + fill.quantity
        raise Broken("over-fill", f"at most the {had} lots left of order {order.order_id}", code(fill))
    if order.kind is OrderKind.MARKET_TO_LIMIT and life.limit is None:
        life.limit = fill.price
    if life.limit is None:
        return
    # The fee comes on top of the limit; rounding a pool's price to a tick must not hide money beyond it.
    paid, allowed = fill.money - order.side * fill.fee, life.limit * fill.quantity
    rested = fill.liquidity is Liquidity.TAKER and order.kind is OrderKind.MARKET_TO_LIMIT
    if order.side * (fill.price - life.limit) > 0 or (order.side * (paid - allowed) > 0 and not rested):
        bound = "at most" if order.side is Side.BUY else "at least"
        raise Broken("limits", f"{bound} {life.limit} ticks a lot for order {order.order_id}", code(fill))


def _cancelled(life: Life, report: Cancelled, message: Any) -> None:
    order_id = life.order.order_id
    own = message is None or type(message) is Settle or getattr(message, "order_id", None) == order_id
    entering = _entering(message)
    prevented = entering is not None and entering.owner == report.owner
    if not own and not prevented:
        raise Broken("owners", f"nothing cancelled but what {code(message)} names", code(report))
    life.left -= report.quantity
    if report.quantity < 1 or life.left < 0 or (report.remaining != life.left and not prevented):
        had = life.left + report.quantity
        wanted = f"Cancelled lots and remaining lots that add up to the {had} left of order {order_id}"
        raise Broken("cancels", wanted, code(report))


def _expired(life: Life, report: Expired) -> None:
    if report.quantity != life.left:
        wanted = f"Expired for all {life.left} lots left of order {report.order_id}"
        raise Broken("accounting", wanted, code(report))
    life.left = 0


def _bind_to_the_clear(desk: Desk, call: Call) -> None:
    # The first clear with a price is the limit of the market-to-limit orders that waited for it.
    prices = {report.market: report.price for report in call.reports if type(report) is Fill and call.kind == "clock"}
    for life in desk.live.values() if prices else ():
        order = life.order
        if order.kind is OrderKind.MARKET_TO_LIMIT and life.limit is None and order.market in prices:
            life.limit = prices[order.market]


def _accounted(order: Order | None, desk: Desk, call: Call, accepted: Accepted | None) -> None:
    if order is None:
        return
    left = desk.live[order.order_id].left
    stands = accepted.quantity if accepted is not None else 0
    if left != stands:
        wanted = f"fills + expired + cancelled + accepted = {order.quantity} lots of order {order.order_id}"
        raise Broken("accounting", wanted, ", ".join(map(code, call.reports)) or "no report")


def _lifetimes(order: Order | None, desk: Desk, call: Call, accepted: Accepted | None) -> None:
    if call.kind == "clock":
        late = next((life for life in call.orders.values() if life[0].lapses and life[0].left), None)
        if late is not None:
            raise Broken(
                "lifetimes", "a market or IOC order that lives for one clear", f"{code(late[0].order)} lives on"
            )
    if order is None:
        return
    lots = sum(report.quantity for report in call.reports if type(report) is Fill and report.order_id == order.order_id)
    if order.tif is TimeInForce.FOK and (accepted is not None or lots not in {0, order.quantity}):
        raise Broken("lifetimes", "a FOK order filled in full or not at all", ", ".join(map(code, call.reports)))
    takes = any(
        type(report) is Fill and report.order_id == order.order_id and report.liquidity is Liquidity.TAKER
        for report in call.reports
    )
    # Where nothing rests, to ask not to take is to ask for nothing the venue knows of.
    if order.post_only and takes and desk.profile.rests:
        raise Broken("lifetimes", "a post-only order that is refused or rests", ", ".join(map(code, call.reports)))
    if order.tif is not TimeInForce.GTC and accepted is not None:
        if desk.ask("next_clock", call.now) is None:
            raise Broken("lifetimes", f"an {order.tif.name} order that waits for a clear or ends", code(accepted))
        desk.live[order.order_id].lapses = True


def _withdrawn(call: Call) -> None:
    message: Any = call.message
    left = call.orders[message.order_id][1]
    lots = left if type(message) is Cancel else min(left, message.quantity)
    got = [(type(report), report.order_id, getattr(report, "quantity", None)) for report in call.reports]
    if got != [(Cancelled, message.order_id, lots)]:
        wanted = f"Cancelled({message.order_id}) for {lots} of {left} lots"
        raise Broken("cancels", wanted, ", ".join(map(code, call.reports)) or "no report")


def legitimate(desk: Desk, call: Call) -> None:
    """Nothing that an owner may do with its own live order is refused."""
    message: Any = call.message
    own = call.kind == "cancel" or type(message) is Reduce
    if own and type(call.reports[0] if call.reports else None) is Rejected and not desk.why_refuse(message):
        raise Broken("cancels", f"Cancelled for {code(message)}: the order is live", code(call.reports[0]))


def conservation(desk: Desk, call: Call) -> None:
    """Lots and money of every match balance, and without a pool the money is price x quantity and the fee."""
    fills = [report for report in call.reports if type(report) is Fill]
    try:
        desk.ledger.post(fills)
        desk.ledger.check()
    except ConservationError as error:
        raise Broken("conservation", "legs that balance in lots and in money, fees included", str(error)) from None
    housed = {(fill.market, fill.match_id): True for fill in fills if fill.order_id == 0}
    for fill in fills:
        value = fill.money - fill.side * fill.fee
        if (fill.market, fill.match_id) not in housed and value != fill.price * fill.quantity:
            wanted = f"money of {fill.price * fill.quantity} before the fee, price x quantity"
            raise Broken("conservation", wanted, code(fill))


def liquidity(desk: Desk, call: Call) -> None:
    """A mint gives, and a burn takes, exactly the shares asked for."""
    message: Any = call.message
    if type(message) not in {Mint, Burn} or any(type(report) is Rejected for report in call.reports):
        return
    sign = 1 if type(message) is Mint else -1
    lots = sum(
        int(report.side) * report.quantity
        for report in call.reports
        if type(report) is Fill and report.owner == message.owner and report.market not in desk.profile.markets
    )
    if lots != sign * message.liquidity:
        came = ", ".join(map(code, call.reports)) or "no report"
        raise Broken("conservation", f"{sign * message.liquidity} shares for {code(message)}", came)
    key = (message.owner, message.market, message.lower, message.upper)
    desk.shares[key] = desk.shares.get(key, 0) + lots


def settlement(desk: Desk, call: Call) -> None:
    """After a settlement nothing rests in the market; every holder is paid out."""
    message = call.message
    if type(message) is not Settle or any(type(report) is Rejected for report in call.reports):
        return
    if left := [order_id for order_id, life in desk.live.items() if life.order.market == message.market]:
        raise Broken("lifetimes", "no live order in a settled market", f"orders {left} have not lapsed")
    desk.closed[message.market] = message.price
    for account, held in desk.ledger.inventory.items():
        desk.ledger.cash[account] += held.pop(message.market, 0) * message.price


def states(desk: Desk, call: Call) -> None:  # noqa: ARG001 every rule has this form
    """Public states are well formed: integer prices, levels best first, no empty level."""
    for market in desk.profile.markets:
        state = desk.ask("state", market)
        if type(state) is not VenueState:
            raise Broken("states", "a VenueState", repr(state))
        if not is_well_formed(state):
            raise Broken("states", "prices in whole ticks or None, and tuples of levels", f"{market}: {written(state)}")
        for sign, best, levels in ((-1, state.best_bid, state.bids), (1, state.best_ask, state.asks)):
            sound = all(type(level) is tuple and [type(part) for part in level] == [int, int] for level in levels)
            prices = [sign * price for price, _ in levels] if sound else []
            if not sound or any(lots < 1 for _, lots in levels) or any(a >= b for a, b in pairwise(prices)):
                wanted = "levels of positive whole lots, best price first"
                raise Broken("states", wanted, f"{market}: {written(levels)}")
            if levels and best != levels[0][0]:
                raise Broken("states", "a best price that is that of the first level", f"{market}: {state[:4]}")


def separate_markets(desk: Desk, call: Call) -> None:
    """Where a venue says so, an order or a change to one changes the state of no market that its reports do not name.

    What is compared is what a recorder keeps of a state, the answers of its impact included.
    """
    bound = call.kind == "cancel" or type(call.message) is Reduce or _entering(call.message) is not None
    if not (bound and desk.profile.separate):
        return
    named = [report.market for report in call.reports if type(report) is not Rejected]
    for market, before in call.states.items():
        after = desk.ask("state", market)
        if market in named or after is before:
            continue
        if (came := _shown(desk, after)) != (was := _shown(desk, before)):
            wanted = f"{market}, which no report on {code(call.message)} names, to stay as it was: {was}"
            raise Broken("separate-markets", wanted, str(came))


def _shown(desk: Desk, state: VenueState) -> tuple[Any, ...]:
    return (*state[:5], *(state.estimate(side, desk.profile.sample) for side in Side))


def mids(desk: Desk, call: Call) -> None:
    """Mids on fills are finite; those of a trade at once are the public mids before and after the call."""
    after: dict[str, float | None] = {}
    for fill in call.reports:
        if type(fill) is not Fill:
            continue
        for mid in (fill.mid_before, fill.mid_after):
            if mid is not None and not (type(mid) in {float, int} and isfinite(mid)):
                raise Broken("mids", "finite mids, or None", code(fill))
        if call.kind != "submit" or fill.liquidity not in {Liquidity.TAKER, Liquidity.MAKER}:
            continue
        if fill.market not in after:
            after[fill.market] = desk.ask("state", fill.market).mid
        wanted = (call.states[fill.market].mid, after[fill.market])
        for mid, public in zip((fill.mid_before, fill.mid_after), wanted, strict=True):
            if mid != public and (mid is not None or not desk.profile.house):
                raise Broken("mids", f"mids {wanted} before and after, as published", code(fill))


def reserves(desk: Desk, call: Call) -> None:  # noqa: ARG001 every rule has this form
    """What a pool says it holds is what it opened with and what its account has gained since."""
    profile = desk.profile
    if not (profile.reserves and profile.pool):
        return
    account = f"pool:{NAME}"
    held = desk.ledger.inventory.get(account, {})
    money = 0
    for market in profile.markets:
        base, quote = desk.ask("reserves", market)
        wanted = desk.opening[market][0] + held.get(market, 0)
        money += quote - desk.opening[market][1]
        if base != wanted and market not in desk.closed:
            raise Broken("reserves", f"{wanted} lots of {market} by the ledger", f"reserves({market!r}) says {base}")
    if money != (cash := desk.ledger.cash.get(account, 0)):
        raise Broken("reserves", f"a gain of {cash} tick-lots by the ledger", f"reserves say {money}")


UNIVERSAL: tuple[Rule, ...] = (
    answers, legitimate, lives, conservation, liquidity, settlement, states, separate_markets, mids, reserves,
)  # fmt: skip
"""Rules for every venue."""
