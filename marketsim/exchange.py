"""The venues of a run and everything their reports move: ledger, orders, fills, public quotes.

Each venue call is checked first and applied then: all of its reports, or none and an error that names the call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from marketsim.columns import FILL_COLUMNS, Table
from marketsim.errors import FAULTS, ConfigError, MarketsimError, PluginError, RegistrationError, raised, written
from marketsim.gateway import PRICE_MAX, check_order, check_quantity
from marketsim.kernel import TIME_MAX
from marketsim.ledger import Ledger
from marketsim.orders import OrderBookkeeping
from marketsim.protocols import Venue
from marketsim.quotes import QuoteRecorder
from marketsim.registration import VenueSlot, venue_slot
from marketsim.types import (
    Fill,
    Liquidity,
    Order,
    Reason,
    Reduce,
    Rejected,
    Replace,
    Report,
    Settle,
    Side,
    VenueState,
    rejected,
)

_LOWEST, _HIGHEST = -(2**200), 2**200
"""Ticks that a venue may show: no pool goes beyond 2**128, and the floats of the quote log hold them."""


class Delivery(NamedTuple):
    """The reports of one venue call for one owner, and which of its orders were refused on arrival."""

    owner: str
    venue: str
    reports: list[Report]
    refused: list[int]


class Exchange:
    """Every venue of a run.

    Args:
        venues: venue by name; at least one.
        history: by venue, for how many steps past public states are kept for delayed observers.
        seed: named in error messages, so that a fault can be replayed.
    """

    def __init__(
        self, venues: Mapping[str, Venue], history: Mapping[str, int], *, seed: int, agents: Collection[str] = ()
    ) -> None:
        if not venues:
            raise RegistrationError("a simulation needs at least one venue")
        self._slots = {name: venue_slot(name, venue) for name, venue in venues.items()}
        self._traded: dict[str, dict[str, VenueSlot]] = {}
        for slot in self._slots.values():
            for market in slot.markets:
                self._traded.setdefault(market, {})[slot.name] = slot
        self._seed = seed
        self._agents = agents
        self.ledger = Ledger()
        self.fills = Table(FILL_COLUMNS)
        self.orders = OrderBookkeeping()
        self.quotes = QuoteRecorder(self._slots.values(), history)

    @property
    def slots(self) -> Mapping[str, VenueSlot]:
        return self._slots

    def venue_of(self, market: Any, venue: str | None) -> str | None:
        """The name of the venue meant: the one given, or the only one that has `market`; None where there is none.

        A message without a market (`market` is None) goes to the only venue there is.

        Raises:
            ConfigError: no venue of the given name, or several venues have the market and none was named.
        """
        if venue is not None:
            if venue not in self._slots:
                raise ConfigError(f"no venue {venue!r}; there are {', '.join(self._slots)}")
            return venue
        if market is None:
            slots: Mapping[str, VenueSlot] = self._slots
        else:
            slots = self._traded.get(market, {}) if type(market) is str else {}
        if len(slots) > 1:
            raise ConfigError(f"market {market!r} trades at {', '.join(slots)}: say which venue is meant")
        return next(iter(slots), None)

    def slot_of(self, market: str, venue: str | None) -> VenueSlot:
        """The venue meant by a question about `market`; raises `ConfigError` where it is not traded there."""
        name = self.venue_of(market, venue)
        traded = self._traded.get(market, {}) if type(market) is str else {}
        if name not in traded:
            raise ConfigError(f"no market {market!r} at {'any venue' if venue is None else venue}")
        return traded[name]

    def submit(self, name: str, message: Any, now: int) -> list[Delivery]:
        """Give `message` to the venue `name`, unless the gateway refuses it."""
        slot = self._slots[name]
        order = message if type(message) is Order else message.order if type(message) is Replace else None
        if order is not None:
            self.orders.arrived(order.order_id, now)
        reports = _refusal(slot, message, order, now)
        if reports is None:
            reports = self._ask(slot, "submit", slot.venue.submit, message, now)
            if type(message) is Settle and type(reports) is list:
                reports = [*reports, *self._payments(slot, message, reports, now)]
        sender = order.owner if order is not None else getattr(message, "owner", "")
        named = order is not None or type(message) is Reduce
        return self._absorb(slot, "submit", _addressed(reports, sender, name, now), now, order, named=named)

    def cancel(self, name: str, order_id: int, owner: str, now: int) -> list[Delivery]:
        slot = self._slots[name]
        reports = self._ask(slot, "cancel", slot.venue.cancel, order_id, owner, now)
        return self._absorb(slot, "cancel", _addressed(reports, owner, name, now), now, named=True)

    def clock(self, name: str, now: int) -> list[Delivery]:
        slot = self._slots[name]
        return self._absorb(slot, "clock", self._ask(slot, "clock", slot.venue.clock, now), now)

    def next_clock(self, name: str, now: int) -> int | None:
        slot = self._slots[name]
        time: int | None = self._ask(slot, "next_clock", slot.venue.next_clock, now)
        if time is not None and (type(time) is not int or not now < time <= TIME_MAX):
            what = f"answered {written(time)}, wanted a later time or None"
            raise PluginError(self._where(slot, "next_clock", now, what))
        return time

    def state(self, slot: VenueSlot, market: str, now: int) -> VenueState:
        """What the venue shows now."""
        try:
            state = slot.venue.state(market)
        except FAULTS as error:
            message = f"{raised(error)} (called with {market!r})"
            raise PluginError(self._where(slot, "state", now, message)) from error
        if type(state) is not VenueState or not is_well_formed(state):
            wanted = "a VenueState with best and last prices in whole ticks or None, and tuples of levels"
            raise PluginError(self._where(slot, "state", now, f"wanted {wanted}, got {written(state)}"))
        return state

    def estimate(
        self, slot: VenueSlot, market: str, side: Side, quantity: int, now: int, *, delay: int = 0
    ) -> tuple[int, int]:
        """What a market order would cost: the venue's own answer, or that of its state `delay` steps ago."""
        call = "state" if delay else "estimate_impact"
        try:
            if delay:
                answer = self.quotes.state_at(slot.name, market, now - delay).estimate(side, quantity)
            else:
                answer = slot.venue.estimate_impact(market, side, quantity)
        except FAULTS as error:
            message = f"{raised(error)} (called with {written((market, side, quantity))})"
            raise PluginError(self._where(slot, call, now, message)) from error
        if type(answer) is not tuple or [type(part) for part in answer] != [int, int]:
            what = f"wanted (lots, money), got {written(answer)}"
            raise PluginError(self._where(slot, call, now, what))
        return answer

    def observe(self, slot: VenueSlot, now: int) -> None:
        """Record the state of every market of `slot`."""
        self.quotes.observe(slot, now, self.state)

    def _absorb(
        self,
        slot: VenueSlot,
        call: str,
        reports: list[Report],
        now: int,
        order: Order | None = None,
        *,
        named: bool = False,  # the reports name what they changed, at a venue with separate markets
    ) -> list[Delivery]:
        try:
            self.orders.check(slot, reports, now, order, self._agents)
            fills = [report for report in reports if type(report) is Fill]
            if fills:
                self.ledger.post(fills)
                self.fills.extend(fills)
        except MarketsimError as error:
            raise type(error)(self._where(slot, call, now, str(error))) from error
        except FAULTS as error:  # reports so odd that what is wrong with them cannot even be written
            raise PluginError(self._where(slot, call, now, raised(error))) from error
        refused = self.orders.apply(reports, now, order)
        self.quotes.observe(slot, now, self.state, reports if named else None)
        by_owner: dict[str, list[Report]] = {}
        for report in reports:
            by_owner.setdefault(report.owner, []).append(report)
        return [
            Delivery(owner, slot.name, own, refused if order is not None and owner == order.owner else [])
            for owner, own in by_owner.items()
        ]

    def _payments(self, slot: VenueSlot, message: Settle, reports: list[Report], now: int) -> list[Report]:
        """What a settlement that the venue took pays to every holder."""
        if any(type(report) is Rejected for report in reports):
            return []
        others = [other for other in self._slots.values() if other is not slot]
        elsewhere = [other.name for other in others if message.market in other.markets]
        if elsewhere:
            where = ", ".join(elsewhere)
            what = f"cannot settle {message.market!r}, which trades at {where} too: holdings have no venue"
            raise PluginError(self._where(slot, "submit", now, what))
        if type(message.price) is not int or abs(message.price) > PRICE_MAX:
            raise PluginError(self._where(slot, "submit", now, f"cannot settle at {written(message.price)}"))
        return _settlement(self.ledger, message, now)

    def _ask(self, slot: VenueSlot, call: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except FAULTS as error:
            message = f"{raised(error)} (called with {written(arguments)})"
            raise PluginError(self._where(slot, call, arguments[-1], message)) from error

    def _where(self, slot: VenueSlot, call: str, now: int, what: str) -> str:
        return f"venue {slot.name!r} ({type(slot.venue).__name__}.{call}) at time {now}, seed {self._seed}: {what}"


def _refusal(slot: VenueSlot, message: Any, order: Order | None, now: int) -> list[Report] | None:
    if type(message) not in slot.messages:
        wanted = ", ".join(kind.__name__ for kind in slot.messages)
        detail = f"got {type(message).__name__}, this venue takes {wanted}"
        return rejected(order or message, Reason.UNSUPPORTED, now=now, detail=detail)
    refusal = check_order(order, slot.markets) if order is not None else None
    if refusal is None and type(message) is Reduce:
        refusal = check_quantity(message.quantity)
    if refusal is None:
        return None
    return rejected(order or message, refusal[0], now=now, detail=refusal[1])


def is_well_formed(state: VenueState) -> bool:
    """Whether best and last prices are ticks or None, and both sides tuples.

    Every state of a run passes here, so the levels themselves, and whether the best prices cross, are left to
    `marketsim.testing`.

    >>> is_well_formed(VenueState(99, 101)), is_well_formed(VenueState(99.0, 101)), is_well_formed(VenueState(bids=[]))
    (True, False, False)
    """
    bid, ask, bids, asks, last, _ = state
    return (
        (bid is None or (type(bid) is int and _LOWEST <= bid <= _HIGHEST))
        and (ask is None or (type(ask) is int and _LOWEST <= ask <= _HIGHEST))
        and (last is None or (type(last) is int and _LOWEST <= last <= _HIGHEST))
        and type(bids) is tuple
        and type(asks) is tuple
    )


def _settlement(ledger: Ledger, message: Settle, now: int) -> list[Report]:
    """One leg per holder: the long sell what they hold, and the short buy it back, at the settlement price.

    Inventory sums to zero over all accounts, so the legs balance. They share match id 0, which no trade has.
    """
    legs: list[Report] = []
    for account, held in ledger.inventory.items():
        lots = held.get(message.market, 0)
        if lots:
            side, quantity = (Side.SELL, lots) if lots > 0 else (Side.BUY, -lots)
            money = quantity * message.price
            leg = Fill(
                0, 0, account, message.market, message.venue, now, side, quantity, message.price,
                money, 0, Liquidity.TRANSFER, None, None,
            )  # fmt: skip
            legs.append(leg)
    return legs


def _addressed(reports: list[Report], sender: str, venue: str, now: int) -> list[Report]:
    if type(reports) is not list:
        return reports  # the check names it
    # A refusal may leave out whom it concerns; every other report names it.
    return [
        report._replace(owner=report.owner or sender, venue=venue, time=now) if type(report) is Rejected else report
        for report in reports
    ]
