"""Where cells are computed: processes of this machine, or the workers of a Ray or a Dask cluster.

Each is a function `submit(cells) -> future`. Wherever that runs, the cells themselves run in a process of their own
(`WorkerProcess`), so that one that kills its process takes nothing else with it.

joblib's backends are not used for this. Its Ray backend cannot give results before all are there, so that finished
cells could not be committed; its Dask backend waits for ever for a task whose worker died; and either reads ahead of
a parent that is busy writing.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from typing import Any

from attrs import frozen

from experiments.sweep.process import Outcome, WorkerProcess
from experiments.sweep.task import Task, Version
from marketsim.errors import ConfigError
from marketsim.extras import load

Answers = list[Outcome]

_CELLS_MAX = 32


@frozen
class Pool:
    """Workers that take cells: canonical texts in, one outcome for each in the future's list.

    Args:
        submit: send cells to a worker.
        workers: how many there are.
        cells_max: the most cells worth a call; the way to a cluster takes longer than a short cell.
    """

    submit: Callable[[list[str]], Future[Answers]]
    workers: int
    cells_max: int = 1


@contextmanager
def local_pool(task: Task, version: Version, jobs: int, _address: str = "") -> Iterator[Pool]:
    """`jobs` processes of this machine; leaving it ends them, also in the middle of a cell."""
    workers = [WorkerProcess(task, version) for _ in range(jobs)]
    idle: SimpleQueue[WorkerProcess] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def compute(cells: list[str]) -> Answers:
        worker = idle.get()
        try:
            return [worker.run(cell) for cell in cells]
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(jobs)
    try:
        yield Pool(lambda cells: threads.submit(compute, cells), jobs)
    finally:
        for worker in workers:  # at once: Ctrl-C again, in the lines below, must find nothing left to wait for
            worker.kill()
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()
        threads.shutdown()


@contextmanager
def ray_pool(task: Task, version: Version, jobs: int, address: str = "") -> Iterator[Pool]:
    """The workers of a Ray cluster, or `jobs` of one that is started here (needs the extra `ray`)."""
    ray = _library("ray")
    settings: dict[str, Any] = {"address": address} if address else {"num_cpus": jobs, "include_dashboard": False}
    ray.init(**settings, log_to_driver=False, logging_level="error")
    try:
        remote = ray.remote(num_cpus=1)(_compute_here)
        shared = ray.put((task, version))
        token = _token(version)

        def submit(cells: list[str]) -> Future[Answers]:
            future: Future[Answers] = remote.remote(token, shared, cells).future()
            return future

        yield Pool(submit, max(1, int(ray.cluster_resources().get("CPU", 1))), _CELLS_MAX)
    finally:
        ray.shutdown()


@contextmanager
def dask_pool(task: Task, version: Version, jobs: int, address: str = "") -> Iterator[Pool]:
    """The workers of a Dask cluster, or `jobs` of one that is started here (needs the extra `dask`)."""
    distributed = _library("dask")
    started: dict[str, Any] = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(**({"address": address} if address else started)) as client:
        executor = client.get_executor(pure=False)
        shared, token = (task, version), _token(version)
        try:
            client.wait_for_workers(1)
            workers = sum(client.ncores().values())
            yield Pool(lambda cells: executor.submit(_compute_here, token, shared, cells), workers, _CELLS_MAX)
        finally:
            executor.shutdown(wait=False)
            client.run(_close_here, token)


PoolMaker = Callable[[Task, Version, int, str], AbstractContextManager[Pool]]
BACKENDS: dict[str, PoolMaker] = {"local": local_pool, "ray": ray_pool, "dask": dask_pool}

_NEEDED = {"ray": "ray", "dask": "distributed"}


def check_backend(name: str) -> None:
    """Refuse what cannot run, before anything is begun or thrown away.

    Raises:
        ConfigError: an unknown backend, or one whose library cannot be imported.
    """
    if name not in BACKENDS:
        raise ConfigError(f"backend: got {name!r}, wanted one of {', '.join(BACKENDS)}")
    if name in _NEEDED:
        _library(name)


_here: dict[tuple[str, int], WorkerProcess] = {}
"""On a worker of a cluster: the process of each sweep and thread, kept between its calls."""


def _compute_here(token: str, shared: tuple[Task, Version], cells: list[str]) -> Answers:
    key = (token, threading.get_ident())
    if key not in _here:
        _here[key] = WorkerProcess(*shared)
    return [_here[key].run(cell) for cell in cells]


def _close_here(token: str) -> None:
    for key in [key for key in _here if key[0] == token]:
        _here.pop(key).close()


def _token(version: Version) -> str:
    # With the version: in a container that is started again the process has the same number.
    return f"{platform.node()}-{os.getpid()}-{version.digest}"


def _library(backend: str) -> Any:
    return load(_NEEDED[backend], f"backend {backend!r}", backend)
