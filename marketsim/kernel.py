"""The heap and the only clock.

Events are run in the order of (time, rank, tie, sequence number), a total order: no two events compare equal, and
nothing is ever compared beyond the sequence number. The past means an earlier time. What is scheduled for the present
runs by its rank, also when that rank is lower than the current one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

from marketsim.errors import ConfigError, EndlessInstantError, PastError, written

VENUE_CLOCK: Final = -50
MARKET_DATA: Final = 0
DECISION: Final = 100
MESSAGE: Final = 200
REPORT: Final = 300
BOOKKEEPING: Final = 1000

TIME_MAX: Final = 2**62
"""No event is later: every time fits the columns of the logs."""


class Kernel:
    """A discrete-event queue over integer time.

    Args:
        events_per_instant_max: how many events may run at one time before the run stops with `EndlessInstantError`.

    >>> kernel, seen = Kernel(), []
    >>> kernel.schedule(5, DECISION, "someone", seen.append, "decision")
    >>> kernel.schedule(5, VENUE_CLOCK, "somewhere", seen.append, "clock")
    >>> kernel.run(10)
    >>> seen, kernel.now
    (['clock', 'decision'], 10)
    """

    __slots__ = ("_count", "_events_per_instant_max", "_heap", "_sequence", "now")

    def __init__(self, *, events_per_instant_max: int = 100_000) -> None:
        if type(events_per_instant_max) is not int or events_per_instant_max < 1:
            raise ConfigError(f"events_per_instant_max: got {events_per_instant_max!r}, wanted an int of at least 1")
        self.now = 0
        self._heap: list[tuple[int, int, int, int, str, Callable[[Any], object], Any]] = []
        self._sequence = 0
        self._count = 0
        self._events_per_instant_max = events_per_instant_max

    @property
    def events(self) -> int:
        """How many events have run."""
        return self._count

    @property
    def pending(self) -> int:
        """How many events wait."""
        return len(self._heap)

    def schedule(
        self, time: int, rank: int, origin: str, handler: Callable[[Any], object], argument: Any, *, tie: int = 0
    ) -> None:
        """Run `handler(argument)` at `time`; `origin` names who asked, for messages only.

        Raises:
            PastError: `time` is earlier than now, or not an int.
        """
        if type(time) is not int or not self.now <= time <= TIME_MAX:
            raise PastError(
                f"{origin} scheduled an event at {written(time)}; "
                f"wanted an int not before the present, {self.now}, and up to 2**62"
            )
        self._sequence = sequence = self._sequence + 1
        heappush(self._heap, (time, rank, tie, sequence, origin, handler, argument))

    def run(self, until: int) -> None:
        """Run every event up to and including time `until`, and leave the clock there.

        Raises:
            PastError: `until` is earlier than now, or not an int.
            EndlessInstantError: more than the allowed number of events at one time.
        """
        if type(until) is not int or not self.now <= until <= TIME_MAX:
            raise PastError(
                f"cannot run until {until!r}; wanted an int not before the present, {self.now}, and up to 2**62"
            )
        heap, allowed = self._heap, self._events_per_instant_max
        here = 0
        try:
            while heap and heap[0][0] <= until:
                time, _, _, _, origin, handler, argument = heappop(heap)
                if time != self.now:
                    self.now = time
                    self._count += here
                    here = 0
                here += 1
                if here > allowed:
                    self._stop_endless(origin, handler, argument)
                handler(argument)
        finally:
            self._count += here
        self.now = until

    def _stop_endless(self, origin: str, handler: Callable[[Any], object], argument: Any) -> None:
        # Whoever keeps an instant alive also fills what is left of it, so the next few events name the culprit: the
        # first of them has to run too, or a loop that hangs on this one event would end here and others be named.
        names = Counter({origin: 1})
        handler(argument)
        for _ in range(1000):
            if not self._heap or self._heap[0][0] != self.now:
                break
            _, _, _, _, origin, handler, argument = heappop(self._heap)
            names[origin] += 1
            handler(argument)
        (who, times), *_ = names.most_common(1)
        allowed = self._events_per_instant_max
        raise EndlessInstantError(
            f"more than {allowed} events at time {self.now}; {who!r} scheduled {times} of the last {names.total()}"
        )
