"""Runs the cells of a sweep that its store lacks, and commits each as it comes in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from attrs import define, field, frozen

from experiments.progress import Advance, Tell, console
from experiments.sweep.cells import canonical, cell_id, checked_cell
from experiments.sweep.pools import BACKENDS, Answers, Pool, check_backend
from experiments.sweep.process import DONE, FAILED, Outcome, WorkerProcess, failure
from experiments.sweep.records import Record
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version
from marketsim.errors import ConfigError

_AHEAD = 4
"""Calls in flight for each worker: enough that none waits while the parent writes, few enough that memory is flat."""

_SHORT, _LONG = 0.5, 2.0
"""Seconds from sending a call to having its answer, below and above which the next ones hold more or fewer cells."""

_LOOK_UP = 500
"""Cells looked up in the store at a time."""


@frozen
class Swept:
    """What one call of `run_sweep` did: cells done, cells failed."""

    done: int
    failed: int


def version_here(task: Task) -> Version:
    """The version of what a task computes, from a process of its own, so that this one imports nothing of it.

    Raises:
        ConfigError: the task cannot be imported.
    """
    worker = WorkerProcess(task)
    try:
        return worker.ready()
    finally:
        worker.close()


def run_sweep(
    task: Task,
    cells: Iterable[Mapping[str, Any]],
    store: Store,
    *,
    jobs: int = 1,
    backend: str = "local",
    address: str = "",
    clock: Callable[[], float] = console.get_time,
    advance: Advance | None = None,
    tell: Tell | None = None,
) -> Swept:
    """Compute the cells that the store has no row of; those that failed before are tried again.

    A cell is reported to `advance` once it is committed; it is then in the store whatever happens next. Interrupted
    (KeyboardInterrupt), it ends the workers and passes the interruption on.

    Args:
        task: the function of a cell.
        cells: read as they are needed, so that any number takes the same memory.
        store: open, and made for the version of this task.
        jobs: worker processes, where they are started here.
        backend: "local", "ray" or "dask".
        address: of a running cluster.
        clock: seconds, for how many short cells to send to a cluster's worker at once; no result depends on it.
        advance: called with the number of cells of every commit.
        tell: called with words on failures.

    Raises:
        ConfigError: an unknown backend; a bad cell; the task's code changed since the store was opened.
        StoreError: the store cannot be written.
    """
    check_backend(backend)
    if jobs < 1:
        raise ConfigError(f"jobs: got {jobs}, wanted at least 1")
    asked = _lacking(cells, store)
    some = list(islice(asked, 1))
    if not some:
        return Swept(0, 0)
    with BACKENDS[backend](task, store.version, jobs, address) as pool:
        run = _Run(pool, store, clock, advance or _ignore, tell or _ignore)
        while some:
            run.submit(some)
            if run.in_flight >= _AHEAD * pool.workers:
                run.collect()
            some = list(islice(asked, run.size))
        while run.in_flight:
            run.collect()
    return Swept(run.done, run.failed)


def replay_command(target: str, path: Path, cell: str) -> str:
    """The command that computes a cell of a store alone, by its id."""
    return shlex.join(["marketsim", "sweep", "replay", target, str(path), cell])


@frozen
class _Asked:
    id: str
    cell: str


@frozen
class _Call:
    asked: list[_Asked]
    sent: float


@define
class _Run:
    pool: Pool
    store: Store
    clock: Callable[[], float]
    advance: Advance
    tell: Tell
    size: int = 1
    done: int = 0
    failed: int = 0
    _waiting: dict[Future[Answers], _Call] = field(factory=dict)
    _finished: SimpleQueue[Future[Answers]] = field(factory=SimpleQueue)

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    def submit(self, asked: list[_Asked]) -> None:
        future = self.pool.submit([item.cell for item in asked])
        self._waiting[future] = _Call(asked, self.clock())
        future.add_done_callback(self._finished.put)

    def collect(self) -> None:
        """Wait for an answer, take all that have come, and commit them together."""
        futures = [self._finished.get()]
        while not self._finished.empty():
            futures.append(self._finished.get())
        records = [record for future in futures for record in self._records(future)]
        if not records:
            return
        self.store.write(records)
        failed = [record for record in records if record.state == FAILED]
        self.done += len(records) - len(failed)
        self.failed += len(failed)
        self.advance(len(records))
        if failed:
            self.tell(f"{self.failed} failed, last {json.loads(failed[-1].row)['error']}")

    def _records(self, future: Future[Answers]) -> Iterator[Record]:
        call = self._waiting.pop(future)
        self._fit(self.clock() - call.sent)
        error = future.exception()
        if isinstance(error, ConfigError):
            raise getattr(error, "cause", error)  # Ray wraps it together with a traceback of its own
        if error is not None and len(call.asked) > 1:
            # The worker was lost with several cells, one of which may be to blame: each alone tells.
            for item in call.asked:
                self.submit([item])
            return
        lost = Outcome(FAILED, failure(f"the worker was lost: {type(error).__name__}: {error}"))
        for item, outcome in zip(call.asked, [lost] if error else future.result(), strict=True):
            yield self._record(item, outcome)

    def _fit(self, seconds: float) -> None:
        if seconds < _SHORT:
            self.size = min(2 * self.size, self.pool.cells_max)
        elif seconds > _LONG:
            self.size = max(self.size // 2, 1)

    def _record(self, item: _Asked, outcome: Outcome) -> Record:
        if outcome.state == DONE:
            return Record(item.id, DONE, item.cell, outcome.text)
        target = json.loads(self.store.version.parts["target"])
        told = json.loads(outcome.text) | {"replay": replay_command(target, self.store.path, item.id)}
        return Record(item.id, FAILED, item.cell, canonical(told))


def _lacking(cells: Iterable[Mapping[str, Any]], store: Store) -> Iterator[_Asked]:
    version, left = store.version.digest, iter(cells)
    while some := list(islice(left, _LOOK_UP)):
        checked = [checked_cell(cell, "cell") for cell in some]
        asked = [_Asked(cell_id(cell, version), canonical(cell)) for cell in checked]
        done = dict.fromkeys(store.done(item.id for item in asked))
        yield from (item for item in asked if item.id not in done)


def _ignore(_: Any) -> None:
    pass
