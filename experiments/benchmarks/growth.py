"""How time and memory grow with the size of what is simulated, beside the bare floors where there is one.

Time is CPU time per unit of work, memory the most that Python's allocator held at once; each has runs of its own, for
tracing allocations slows a run several times.
"""

from __future__ import annotations

import tracemalloc
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import evolve, frozen

from experiments.benchmarks import clear, kernel, pams
from experiments.benchmarks.rounds import OURS, Prepare, Run, take_turns
from experiments.pages import picture_of
from experiments.pi_curve.cell import Cell, run_cell
from experiments.pi_curve.config import Study
from marketsim.streams import Streams
from marketsim.types import Side, limit_order
from venues.clob import ContinuousBook

FLOOR_LEVELS = "dict of dicts and bisect"
ORDERS = 2_000


@frozen
class Curve:
    """Growth along one axis.

    Args:
        axis: what grows.
        unit: of the work that time is given for.
        sizes: along the axis.
        seconds: by contestant, per unit of work at each size.
        held: what the memory is of.
        bytes: at each size, ours alone.
    """

    axis: str
    unit: str
    sizes: tuple[int, ...]
    seconds: dict[str, tuple[float, ...]]
    held: str
    bytes: tuple[int, ...]


def curves(*, largest: int = 100_000, orders: int = ORDERS, rounds: int = 3) -> list[Curve]:
    """Every curve.

    Args:
        largest: no axis goes beyond it, and the dear ones stop earlier.
        orders: of a run; the axes without orders scale with them.
    """
    sizes = [size for size in (10, 100, 1_000, 10_000, 100_000) if size <= largest]
    few = [size for size in (1, 10, 100) if size <= largest]
    agents = partial(_scenario, orders, markets=1)
    markets = partial(_scenario, orders, 100)
    curve = partial(_curve, rounds)
    return [
        curve("pending events", "event", sizes, partial(_kernels, 10 * orders), "the events that wait", kernel.ours),
        curve("price levels", "order placed and withdrawn", sizes, partial(_ladders, orders), "the book", _ladder),
        curve("orders in a batch", "order", sizes, partial(_clears, 5 * orders), "orders that wait", clear.auction),
        curve("agents", "order", sizes[:4], partial(_whole, orders, agents), "a run", lambda size: agents(size)(0, 1)),
        curve("markets", "order", few, partial(_whole, orders, markets), "a run", lambda size: markets(size)(0, 1)),
        curve("cells", "cell", few, _cells, "a study", lambda size: _table()(0, size)),
    ]


Contest = Callable[[int], tuple[dict[str, Prepare], int, int]]
"""From a size: the contestants, the length of the work, and its units."""


def _curve(
    rounds: int, axis: str, unit: str, sizes: list[int], contest: Contest, held: str, make: Callable[[int], object]
) -> Curve:
    seconds: dict[str, list[float]] = {}
    for size in sizes:
        contestants, length, work = contest(size)
        rates = take_turns(contestants, length=length, turn=max(1, length // 10), rounds=rounds, work=work)
        for rate in rates:
            seconds.setdefault(rate.name, []).append(1.0 / rate.median)
    memory = tuple(_peak(partial(make, size)) for size in sizes)
    return Curve(axis, unit, tuple(sizes), {name: tuple(each) for name, each in seconds.items()}, held, memory)


def _peak(make: Callable[[], object]) -> int:
    # The most held at once, what was there before not counted.
    tracemalloc.start()
    kept = make()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del kept
    return most


def _kernels(events: int, size: int) -> tuple[dict[str, Prepare], int, int]:
    steps = kernel.horizon(size, events)
    done: Any = kernel.KERNELS[kernel.HEAP](size)(0, steps)
    return {name: partial(prepare, size) for name, prepare in kernel.KERNELS.items()}, steps, done


def _ladder(levels: int) -> ContinuousBook:
    book = ContinuousBook(("X",))
    for place in range(levels):
        order = limit_order("X", Side.BUY, quantity=1, price=2 + 2 * place)
        book.submit(order._replace(order_id=place + 1, owner="agent", venue="book"), 0)
    return book


def _ladders(orders: int, size: int) -> tuple[dict[str, Prepare], int, int]:
    """An order at a price of its own between two random levels, placed and withdrawn again."""
    prices = (2 * Streams(1).stream("levels").integers(1, size + 1, orders) + 1).tolist()
    ours, floor = partial(_placing, size, prices), partial(_plain_placing, size, prices)
    return {OURS: ours, FLOOR_LEVELS: floor}, orders, orders


def _placing(levels: int, prices: list[int]) -> Run:
    book = _ladder(levels)
    orders = [
        limit_order("X", Side.BUY, quantity=1, price=price)._replace(
            order_id=levels + place + 1, owner="agent", venue="book"
        )
        for place, price in enumerate(prices)
    ]

    def run(first: int, last: int) -> int | None:
        for order in orders[first:last]:
            book.submit(order, 0)
            book.cancel(order.order_id, "agent", 0)
        return book.state("X").best_bid

    return run


def _plain_placing(levels: int, prices: list[int]) -> Run:
    book = {price: {price: 1} for price in range(2, 2 * levels + 2, 2)}
    ladder = list(book)

    def run(first: int, last: int) -> int:
        for order_id, price in enumerate(prices[first:last], levels + first + 1):
            if price not in book:
                book[price] = {}
                insort(ladder, price)
            book[price][order_id] = 1
            del book[price][order_id]
            if not book[price]:
                del book[price], ladder[bisect_left(ladder, price)]
        return ladder[-1]

    return run


def _clears(cleared: int, size: int) -> tuple[dict[str, Prepare], int, int]:
    clears = max(1, cleared // size)
    names = {clear.VENUE: OURS, clear.SORT: clear.SORT, clear.BUCKETS: clear.BUCKETS}
    prepared: dict[str, Prepare] = {label: partial(clear.CLEARS[name], size, clears) for name, label in names.items()}
    return prepared, clears, clears * size


def _scenario(orders: int, agents: int, markets: int) -> Run:
    """The scenario of the comparison with PAMS; a simulation runs once, so the first turn does it all."""
    shared = pams.plan(agents, orders)
    actors = tuple(Streams(1).stream("actors").integers(0, agents, orders).tolist())
    run = pams.ours(evolve(shared, actors=actors), markets=tuple(f"X{number}" for number in range(markets)))
    return lambda first, _last: run(0, orders) if first == 0 else None


def _whole(orders: int, make: Callable[[int], Run], size: int) -> tuple[dict[str, Prepare], int, int]:
    return {OURS: partial(make, size)}, orders, orders


def _table() -> Run:
    """Cells of a short pi-curve study, a row of each kept, nothing else."""
    study = Study(horizon=200)
    rows: list[Mapping[str, Any]] = []

    def run(first: int, last: int) -> int:
        rows.extend(run_cell(study, Cell("base", "fba", 10, seed + 1))[0] for seed in range(first, last))
        return len(rows)

    run(0, 1)  # what is loaded once belongs to no cell
    return run


def _cells(size: int) -> tuple[dict[str, Prepare], int, int]:
    return {OURS: _table}, size, size


def picture(found: list[Curve]) -> bytes:
    """An SVG: for each axis the time per unit of work, floors dashed, and below it the memory."""

    def draw(figure: Any) -> None:
        axes = figure.subplots(2, len(found))
        figure.subplots_adjust(left=0.05, right=0.99, top=0.93, bottom=0.09, wspace=0.38, hspace=0.32)
        for (above, below), curve in zip(axes.T, found, strict=True):
            for name, seconds in curve.seconds.items():
                ours = name == OURS
                micros = [1e6 * each for each in seconds]
                above.loglog(curve.sizes, micros, "o-" if ours else "--", lw=1.8 if ours else 1.0, ms=3, label=name)
            above.set_title(curve.axis, loc="left", fontsize=10)
            above.set_ylabel(f"µs per {curve.unit}", fontsize=8)
            above.legend(frameon=False, fontsize=7)
            below.loglog(curve.sizes, [each / 2**20 for each in curve.bytes], "o-", lw=1.8, ms=3)
            below.set_ylabel(f"MiB: {curve.held}", fontsize=8)
            below.set_xlabel(curve.axis)

    return picture_of((3.1 * len(found), 6.2), draw)
