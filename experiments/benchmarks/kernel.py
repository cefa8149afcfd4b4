"""The kernel against simpy and against a bare heap, under the hold model.

`pending` events wait at all times: each one that runs schedules one more, 1 to 2,000 steps ahead (Vaucher and Duval,
A comparison of simulation event list algorithms, CACM 18(4), 1975). All contestants run the same events at
the same times.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from heapq import heappop, heappush
from itertools import chain, repeat
from typing import Any

from experiments.benchmarks.rounds import OURS, Prepare, Rate, Run, peer, take_turns
from marketsim.kernel import DECISION, Kernel
from marketsim.streams import Streams

PENDING = (10, 1_000, 100_000)
EVENTS = 200_000
HEAP, SIMPY = "bare heap", "simpy"
_DELAY_MAX = 2_000
_MEAN = (_DELAY_MAX + 1) // 2
_TURNS = 40


@cache
def _draws() -> list[int]:
    # A prime number of them: no event ever meets the same few again.
    drawn: list[int] = Streams(1).stream("hold").integers(1, _DELAY_MAX + 1, 100_003).tolist()
    return drawn


def _delays() -> Iterator[int]:
    return iter(chain.from_iterable(repeat(_draws())))


def ours(pending: int) -> Run:
    """Our kernel with `pending` events that wait."""
    kernel, draw = Kernel(), _delays().__next__
    schedule = kernel.schedule

    def fire(place: int) -> None:
        schedule(kernel.now + draw(), DECISION, "agent", fire, place)

    for place in range(pending):
        fire(place)

    def run(_first: int, last: int) -> int:
        kernel.run(last)
        return kernel.events

    return run


def _simpy(pending: int) -> Run:
    """As simpy is meant to be used: every pending event is a process that waits for a timeout."""
    env, draw = peer("simpy").Environment(), _delays().__next__
    count = 0

    def process() -> Generator[Any, Any, None]:
        nonlocal count
        timeout = env.timeout
        while True:
            yield timeout(draw())
            count += 1

    for _ in range(pending):
        env.process(process())

    def run(_first: int, last: int) -> int:
        env.run(until=last + 1)  # which leaves out the events of that time
        return count

    return run


def _heap(pending: int) -> Run:
    """What no kernel in Python can go below: a heap of (time, rank, sequence number, callback, argument)."""
    heap: list[tuple[int, int, int, Callable[[int], None], int]] = []
    draw = _delays().__next__
    now = sequence = 0

    def fire(place: int) -> None:
        nonlocal sequence
        sequence += 1
        heappush(heap, (now + draw(), DECISION, sequence, fire, place))

    for place in range(pending):
        fire(place)

    def run(_first: int, last: int) -> int:
        nonlocal now
        while heap[0][0] <= last:
            now, _, _, handler, place = heappop(heap)
            handler(place)
        return sequence - pending

    return run


KERNELS: dict[str, Callable[[int], Run]] = {OURS: ours, SIMPY: _simpy, HEAP: _heap}


def horizon(pending: int, events: int) -> int:
    """Steps in which about `events` events run."""
    return max(1, events * _MEAN // pending)


def measure(pending: int, *, rounds: int = 7, events: int = EVENTS) -> list[Rate]:
    """Events per second.

    Raises:
        ConfigError: simpy is not installed.
    """
    steps = horizon(pending, events)
    done: Any = _heap(pending)(0, steps)  # the exact number of events up to there
    contestants: dict[str, Prepare] = {name: partial(prepare, pending) for name, prepare in KERNELS.items()}
    return take_turns(contestants, length=steps, turn=max(1, steps // _TURNS), rounds=rounds, work=done)
