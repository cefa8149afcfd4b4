"""Judges that change a program in a way whose effect is known, and compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketsim.testing.desk import Desk
from marketsim.testing.failures import Broken
from marketsim.testing.generate import draws
from marketsim.testing.judges import Trial
from marketsim.testing.program import Program, Step, code
from marketsim.types import Accepted, Cancelled, Expired, Fill, Order, Rejected, Replace, Side

_OWNERS = {"ann": "zoe", "bob": "abe", "cat": "moe", "dan": "lea"}


def _changed(program: Program, change: Callable[[Any], Any]) -> Program:
    return tuple(step._replace(message=change(step.message)) for step in program)


def _orders(change: Callable[[Order], Order]) -> Callable[[Any], Any]:
    def apply(message: Any) -> Any:
        if type(message) is Replace:
            return message._replace(order=change(message.order))
        return change(message) if type(message) is Order else message

    return apply


def _played(trial: Trial, program: Program) -> Desk:
    desk = trial.plain()
    desk.play(program)
    return desk


def _told(desk: Desk, tell: Callable[[Any], Any]) -> list[tuple[int, list[Any]]]:
    return [(entry.step, [tell(report) for report in entry.reports]) for entry in desk.log]


def _compare(rule: str, wanted: list[Any], came: list[Any], what: str) -> None:
    for one, two in zip(wanted, came, strict=False):
        if one != two:
            raise Broken(rule, f"{what}, at step {one[0]}: {one[1]}", f"at step {two[0]}: {two[1]}")
    if len(wanted) != len(came):
        raise Broken(rule, f"{what}: {len(wanted)} answers", f"{len(came)} answers")


def _essence(
    report: Any, *, side: int = 1, price: Callable[[int], int] = int, lots: int = 1, ids: Callable[[int], int] = int
) -> tuple[Any, ...]:
    # What of a report carries over: no match ids, no money (fees round), no mids, no words.
    kind = type(report).__name__
    if type(report) is Rejected:
        return kind, ids(report.order_id), report.reason.name
    order_id = ids(report.order_id)
    if type(report) is Fill:
        shown = (side * int(report.side), lots * report.quantity, price(report.price))
        return kind, order_id, report.market, *shown, report.liquidity.name
    if type(report) in {Accepted, Cancelled, Expired}:
        return kind, order_id, report.market, lots * report.quantity
    return (kind,)


def time_shift(trial: Trial, program: Program) -> None:
    """The same stream, later: the same answers, later."""
    later = 1000 * (trial.profile.period or 1)
    shifted = tuple(Step(step.time + later, step.message) for step in program)
    first, second = _played(trial, program), _played(trial, shifted)
    wanted = [(e.step, e.time + later, [_essence(report) for report in e.reports]) for e in first.log]
    came = [(e.step, e.time, [_essence(report) for report in e.reports]) for e in second.log]
    _compare("time-shift", wanted, came, f"the answers of {later} steps earlier")


def relabelled(trial: Trial, program: Program) -> None:
    """Other order ids, in the same sequence, and other names of accounts: the same answers in the new names."""

    def order_id(number: int) -> int:
        return 7 * number + 1000 if number else 0

    def renamed(message: Any) -> Any:
        if type(message) is Order:
            return message._replace(order_id=order_id(message.order_id), owner=_OWNERS[message.owner])
        if type(message) is Replace:
            message = message._replace(order=renamed(message.order))
        change: dict[str, Any] = {}
        fields = getattr(message, "_fields", ())
        if "order_id" in fields:
            change["order_id"] = order_id(message.order_id)
        if "owner" in fields:
            change["owner"] = _OWNERS[message.owner]
        return message._replace(**change) if change else message

    first, second = _played(trial, program), _played(trial, _changed(program, renamed))
    wanted = _told(first, lambda report: (_essence(report, ids=order_id), _OWNERS.get(report.owner, report.owner)))
    came = _told(second, lambda report: (_essence(report), report.owner))
    _compare("relabelled", wanted, came, "the answers in the old names, translated")


def price_shift(trial: Trial, program: Program) -> None:
    """All prices higher by a constant: the same trades, higher."""
    by = 70 * trial.profile.price_step
    moved = _orders(lambda order: order if order.price is None else order._replace(price=order.price + by))
    first, second = _played(trial, program), _played(trial, _changed(program, moved))
    wanted = _told(first, lambda report: _essence(report, price=lambda price: price + by))
    _compare("price-shift", wanted, _told(second, _essence), f"the answers {by} ticks lower, moved")


def size_scale(trial: Trial, program: Program) -> None:
    """All quantities three times as large: the same prices, three times the volume.

    Who shares the odd lots of a clear depends on the sizes, so that of an auction the total volumes are compared.
    """
    grown = _orders(lambda order: order._replace(quantity=3 * order.quantity))
    larger = _changed(program, lambda message: _grown(grown(message)))
    first, second = _played(trial, program), _played(trial, larger)
    if trial.profile.waits:
        _compare("size-scale", _volumes(first, 3), _volumes(second, 1), "three times the volumes at the same prices")
        return
    wanted = _told(first, lambda report: _essence(report, lots=3))
    _compare("size-scale", wanted, _told(second, _essence), "the answers with three times the lots")


def _grown(message: Any) -> Any:
    lots = type(message).__name__ == "Reduce"
    return message._replace(quantity=3 * message.quantity) if lots else message


def _volumes(desk: Desk, scale: int) -> list[tuple[int, list[Any]]]:
    told = []
    for entry in desk.log:
        lots: dict[tuple[str, int, int], int] = {}
        for report in entry.reports:
            if type(report) is Fill:
                key = (report.market, int(report.side), report.price)
                lots[key] = lots.get(key, 0) + scale * report.quantity
        told.append((entry.step, sorted(lots.items())))
    return told


def side_mirror(trial: Trial, program: Program) -> None:
    """Buys for sells, and prices mirrored at the anchor: the mirrored trades.

    Prices lie an even number of steps from the anchor, so that a midpoint of two of them needs no rounding.
    """
    anchor = trial.profile.anchor

    def flipped(order: Order) -> Order:
        price = None if order.price is None else 2 * anchor[order.market] - order.price
        return order._replace(side=order.side.opposite, price=price)

    def even(order: Order) -> Order:
        if order.price is None:
            return order
        away = (order.price - anchor[order.market]) // (2 * trial.profile.price_step)
        return order._replace(price=anchor[order.market] + 2 * away * trial.profile.price_step)

    program = _changed(program, _orders(even))
    first, second = _played(trial, program), _played(trial, _changed(program, _orders(flipped)))
    wanted = _told(
        first, lambda report: _essence(report, side=-1, price=lambda price: 2 * anchor[report.market] - price)
    )
    came = _told(second, _essence)
    _compare(
        "side-mirror", [_sorted(item) for item in wanted], [_sorted(item) for item in came], "the mirrored answers"
    )


def _sorted(told: tuple[int, list[Any]]) -> tuple[int, list[Any]]:
    # A clear lists buys and sells one after the other: which comes first is no part of the rule.
    return told[0], sorted(told[1], key=str)


def pro_rata(trial: Trial, program: Program) -> None:
    """One batch, in whatever sequence it comes: one price, one volume, shares by size to within a lot."""
    first = _played(trial, program)
    _shares_by_size(trial, first, program)
    batch = [step for step in program if step.message is not None]
    rest = [step for step in program if step.message is None]
    draws("pro-rata", len(batch)).shuffle(batch)
    second = _played(trial, (*batch, *rest))
    if (wanted := _volumes_of_clears(first)) != (came := _volumes_of_clears(second)):
        raise Broken("pro-rata", f"the same prices and volumes in another sequence: {wanted}", str(came))
    lots, others = _filled(first), _filled(second)
    for order_id in sorted({**lots, **others}):
        one, two = lots.get(order_id, 0), others.get(order_id, 0)
        if abs(one - two) > trial.profile.quantity_step:
            sequence = ", ".join(str(step.message.order_id) for step in batch)
            raise Broken("pro-rata", f"{one} lots (or one more or less) for order {order_id}, as in the given sequence",
                         f"{two} lots when the orders come as {sequence}")  # fmt: skip


def _volumes_of_clears(desk: Desk) -> list[Any]:
    return [item for _, item in _volumes(desk, 1) if item]


def _filled(desk: Desk) -> dict[int, int]:
    lots: dict[int, int] = {}
    for entry in desk.log:
        for report in entry.reports:
            if type(report) is Fill:
                lots[report.order_id] = lots.get(report.order_id, 0) + report.quantity
    return lots


def _shares_by_size(trial: Trial, desk: Desk, program: Program) -> None:
    clears = [entry for entry in desk.log if any(type(report) is Fill for report in entry.reports)]
    if len(clears) != 1:
        return
    fills = [report for report in clears[0].reports if type(report) is Fill]
    price, lots, unit = fills[0].price, _filled(desk), trial.profile.quantity_step
    orders = [step.message for step in program if type(step.message) is Order]
    for side in Side:
        margin = [order for order in orders if order.side is side and order.price == price]
        shared, asked = sum(lots.get(order.order_id, 0) for order in margin), sum(order.quantity for order in margin)
        for order in margin:
            got = lots.get(order.order_id, 0)
            if abs(got * asked - shared * order.quantity) >= unit * asked:
                wanted = f"{shared} lots at {price} shared by size: {order.quantity}/{asked} of them, to within a lot"
                raise Broken("pro-rata", f"{wanted}, for {code(order)}", f"{got} lots")
