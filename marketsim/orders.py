"""The life of every order, and the checks that a venue's reports add up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import define

from marketsim.columns import ORDER_COLUMNS, Table
from marketsim.errors import ConservationError, PluginError, written
from marketsim.gateway import PRICE_MAX, check_quantity
from marketsim.registration import VenueSlot
from marketsim.types import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    Order,
    OrderKind,
    Rejected,
    Report,
    Side,
    TimeInForce,
)

_REPORTS = (Accepted, Rejected, Fill, Cancelled, Expired)
_MIDS = (float, int, type(None))


@define(eq=False)
class _Life:
    order: Order
    submitted: int
    left: int
    arrived: int = -1
    filled: int = 0
    cancelled: int = 0
    expired: int = 0


class OrderBookkeeping:
    """Live orders by id, and a table with one row per order, written when it ends."""

    def __init__(self) -> None:
        self.table = Table(ORDER_COLUMNS)
        self._live: dict[int, _Life] = {}
        self._last_id = 0

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def live_order(self, order_id: int) -> Order | None:
        life = self._live.get(order_id)
        return life.order if life else None

    def submitted(self, order: Order, now: int) -> None:
        self._live[order.order_id] = _Life(order, now, order.quantity)

    def arrived(self, order_id: int, now: int) -> None:
        self._live[order_id].arrived = now

    def check(
        self, slot: VenueSlot, reports: Sequence[Report], now: int, order: Order | None, accounts: Collection[str]
    ) -> None:
        """Refuse reports that could not be true, before anything moves.

        Raises:
            PluginError: an answer that is not a list of reports, a wrong time, venue or market, an unknown order.
            ConservationError: an order over-filled, filled beyond its limit, or not accounted for in full.
        """
        if type(reports) is not list:
            raise PluginError(f"wanted a list of reports, got {type(reports).__name__}")
        gone: dict[int, int] = {}
        accounted, refused = 0, False
        for report in reports:
            _check_fields(report)
            if report.time != now or report.venue != slot.name:
                raise PluginError(f"wanted a report of venue {slot.name!r} at time {now}, got {report}")
            if type(report) is Rejected:
                refused = refused or _refuses(report, order, reports)
                continue
            quantity, order_id = report.quantity, report.order_id
            if order_id == 0 and type(report) is Fill:
                if report.owner in accounts and report.liquidity is not Liquidity.TRANSFER:
                    raise PluginError(f"an agent's account traded without an order: {report}")
                continue
            left = self._lots_left(report, slot)
            if type(report) is not Accepted:
                gone[order_id] = gone.get(order_id, 0) + quantity
                if gone[order_id] > left:
                    raise ConservationError(f"order {order_id} had {left} lots left and loses {gone[order_id]}")
            if order is not None and order_id == order.order_id:
                accounted += quantity
        if order is not None and not refused and accounted != order.quantity:
            raise ConservationError(
                f"order {order.order_id} of {order.quantity} lots came back as {accounted} lots filled, expired, "
                f"cancelled or accepted: {reports}"
            )

    def _lots_left(self, report: Accepted | Fill | Cancelled | Expired, slot: VenueSlot) -> int:
        life = self._live.get(report.order_id)
        if (
            life is None
            or life.arrived < 0
            or (order := life.order).owner != report.owner
            or order.market != report.market
            or order.venue != slot.name
        ):
            raise PluginError(f"no live order with this id, owner and market: {report}")
        if type(report) is Fill:
            _check_fill(order, report)
        return life.left

    def apply(self, reports: Sequence[Report], now: int, order: Order | None) -> list[int]:
        """Bring the orders up to date; returns the ids of orders refused on arrival."""
        refused: list[int] = []
        for report in reports:
            kind = type(report)
            if kind is Accepted:
                continue
            if kind is Rejected:
                if order is not None and report.order_id == order.order_id:
                    refused.append(report.order_id)
                    self._end(report.order_id, now, "rejected")
                continue
            life = self._live.get(report.order_id)
            if life is None:
                continue
            quantity = report.quantity  # type: ignore[union-attr]
            life.left -= quantity
            if kind is Fill:
                life.filled += quantity
            elif kind is Cancelled:
                life.cancelled += quantity
            else:
                life.expired += quantity
            if life.left == 0:
                outcome = "filled" if kind is Fill else "cancelled" if kind is Cancelled else "expired"
                self._end(report.order_id, now, outcome)
        return refused

    def close(self) -> Table:
        """Write the orders that are still live, in the order of their ids, and return the table."""
        for order_id in sorted(self._live):
            self._end(order_id, -1, "live")
        return self.table

    def _end(self, order_id: int, now: int, outcome: str) -> None:
        life = self._live.pop(order_id)
        # An order on its way at the end of the run has not been looked at by anybody.
        order = _presentable(life.order) if outcome == "rejected" or life.arrived < 0 else life.order
        self.table.append(
            (
                order_id,
                order.owner,
                order.market,
                order.venue,
                order.kind,
                order.tif,
                order.side,
                order.quantity,
                order.price,
                life.submitted,
                life.arrived,
                now,
                life.filled,
                life.cancelled,
                life.expired,
                outcome,
            )
        )


def _presentable(order: Order) -> Order:
    # A refused order may hold anything at all; the table takes names and integers only.
    quantity = order.quantity if check_quantity(order.quantity) is None else 0
    price = order.price if type(order.price) is int and abs(order.price) <= PRICE_MAX else None
    side = order.side if type(order.side) is Side else 0
    kind = order.kind if type(order.kind) is OrderKind else written(order.kind, str)
    tif = order.tif if type(order.tif) is TimeInForce else written(order.tif, str)
    changes = {
        "market": written(order.market, str),
        "quantity": quantity,
        "price": price,
        "side": side,
        "kind": kind,
        "tif": tif,
    }
    return order._replace(**changes)  # type: ignore[arg-type]


def _refuses(report: Rejected, order: Order | None, reports: Sequence[Report]) -> bool:
    # Whether it is the arriving order that was refused; then nothing else may have happened.
    if order is None or report.order_id != order.order_id:
        return False
    if len(reports) != 1 or report.owner != order.owner:
        raise PluginError(f"wanted one refusal of its owner's order and nothing else, got {reports}")
    return True


def _check_fields(report: Report) -> None:
    if type(report) not in _REPORTS:
        raise PluginError(f"wanted {', '.join(item.__name__ for item in _REPORTS)}, got {report!r}")
    if type(report.owner) is not str:
        raise PluginError(f"wanted a str for an owner: {report}")
    if isinstance(report, Rejected):
        return
    if type(report.order_id) is not int:
        raise PluginError(f"wanted an int for an order id: {report}")
    if type(report.quantity) is not int or report.quantity < 1:
        raise ConservationError(f"wanted a positive int for the lots: {report}")
    if type(report) is Fill and (
        type(report.match_id) is not int
        or type(report.side) is not Side
        or type(report.mid_before) not in _MIDS
        or type(report.mid_after) not in _MIDS
    ):
        raise PluginError(f"wanted an int match_id, a Side and mids that are numbers or None: {report}")


def _check_fill(order: Order, fill: Fill) -> None:
    if fill.side is not order.side:
        raise PluginError(f"the fill is on the wrong side of {order}: {fill}")
    if not order.accepts(fill.price):
        raise ConservationError(f"filled at {fill.price}, beyond the limit of {order}")
