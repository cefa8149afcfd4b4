"""The public price record: best prices over time, and the states that delayed observers still see."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from marketsim.columns import QUOTE_COLUMNS, Table
from marketsim.registration import VenueSlot
from marketsim.types import Rejected, Report, VenueState


class QuoteRecorder:
    """Asks venues for their public state after each call, and keeps what changed.

    A call may change every market of a venue: LMSR trades coupled outcomes, a sealed auction publishes without a
    report. A venue that says `separate_markets = True` promises that an order, a cancel, a `Reduce` or a `Replace`
    changes the public state of no market but those its reports name; then only these are asked, as to ask a thousand
    markets about one order costs more than the order.

    Args:
        slots: the venues.
        history: steps of past states to keep, by venue: the longest market data delay of any agent there.
    """

    def __init__(self, slots: Iterable[VenueSlot], history: Mapping[str, int]) -> None:
        slots = list(slots)
        self.table = Table(QUOTE_COLUMNS)
        self._history = history
        self._separate = {
            slot.name: len(slot.markets) > 1 and getattr(slot.venue, "separate_markets", False) is True
            for slot in slots
        }
        self._last: dict[tuple[str, str], VenueState] = {}
        self._past: dict[tuple[str, str], tuple[list[int], list[VenueState]]] = {
            (slot.name, market): ([], []) for slot in slots if history.get(slot.name) for market in slot.markets
        }

    def observe(
        self,
        slot: VenueSlot,
        now: int,
        ask: Callable[[VenueSlot, str, int], VenueState],
        reports: Sequence[Report] | None = None,
    ) -> None:
        """Record what changed at `slot` since the last call.

        Args:
            slot: the venue.
            now: steps.
            ask: the state of one market of it.
            reports: the answer to an order, cancel, reduce or replace; None after anything else.
        """
        name, markets = slot.name, slot.markets
        if reports is not None and self._separate[name]:
            markets = tuple(dict.fromkeys([each.market for each in reports if type(each) is not Rejected]))
        for market in markets:
            key = (name, market)
            state = ask(slot, market, now)
            last = self._last.get(key)
            if state is last:
                continue
            self._last[key] = state
            if last is None or state[:2] != last[:2] or state.last_price != last.last_price:
                self.table.append((now, name, market, state.best_bid, state.best_ask, state.last_price))
            if key in self._past:
                self._remember(key, now, state)

    def state_at(self, venue: str, market: str, time: int) -> VenueState:
        """The state at the end of `time`; the empty state before the run."""
        times, states = self._past[venue, market]
        place = bisect_right(times, time)
        return states[place - 1] if place else VenueState()

    def _remember(self, key: tuple[str, str], now: int, state: VenueState) -> None:
        times, states = self._past[key]
        if times and times[-1] == now:
            states[-1] = state
            return
        times.append(now)
        states.append(state)
        oldest = bisect_right(times, now - self._history[key[0]]) - 1
        if oldest > 1024:  # drop in long strides: trimming at each step would cost as much as it saves
            del times[:oldest], states[:oldest]
