"""The runner: the same table whatever the workers, the order and the interruptions; a fault costs its own cell."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest

from experiments.digests import installed_version
from experiments.sweep import runner
from experiments.sweep.export import export, table_hash
from experiments.sweep.pools import BACKENDS, Pool
from experiments.sweep.process import Outcome, WorkerProcess
from experiments.sweep.runner import run_sweep
from experiments.sweep.store import Store, StoreError
from experiments.sweep.task import Version
from experiments.sweep.verify import verify
from marketsim.errors import ConfigError

from .functions import FAULTS
from .kit import HERE, cells, counted, records_of, sweep, task, version

NUMBER = 200
KILLED = 1000
"""Cells of the sweeps that are killed: enough that they are not done before."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The store of an undisturbed sweep."""
    path = tmp_path_factory.mktemp("whole") / "store.sqlite"
    sweep(path, cells(NUMBER))
    return path


def same_table(one: Path, other: Path) -> bool:
    tables = [path.with_suffix(".parquet") for path in (one, other)]
    for path, table in zip((one, other), tables, strict=True):
        export(path, table)
    return tables[0].read_bytes() == tables[1].read_bytes() and table_hash(one) == table_hash(other)


@pytest.mark.parametrize("jobs", [2, 8, pytest.param(16, marks=pytest.mark.slow)])
def test_workers_and_order_do_not_matter(whole, tmp_path, jobs):
    shuffled = cells(NUMBER)
    random.Random(jobs).shuffle(shuffled)
    swept = sweep(tmp_path / "store.sqlite", shuffled, jobs=jobs)
    assert (swept.done, swept.failed) == (NUMBER, 0)
    assert same_table(tmp_path / "store.sqlite", whole)


def test_a_fault_is_put_down_to_its_cell_and_the_rest_goes_on(tmp_path):
    path, told = tmp_path / "store.sqlite", []
    asked = [{"fault": fault, "copy": copy} for copy in range(2) for fault in (*FAULTS, "none")]
    swept = sweep(path, asked, "faulty", jobs=2, tell=told.append)
    assert (swept.done, swept.failed) == (2, 2 * len(FAULTS))
    for record in records_of(path, "failed"):
        fault, said = json.loads(record.cell)["fault"], json.loads(record.row)
        assert FAULTS[fault] in said["error"]
        assert said["replay"] == f"marketsim sweep replay functions:faulty {path} {record.id}"
        assert ("functions.py" in said["traceback"]) == (fault in {"memory", "raise", "quit"})
    assert told[-1].startswith(f"{2 * len(FAULTS)} failed")
    assert verify(path).problems == ()


def test_failed_cells_are_tried_again_and_done_ones_are_not(tmp_path):
    path = tmp_path / "store.sqlite"
    asked = [{"fault": "raise"}, {"fault": "none"}]
    assert sweep(path, asked, "faulty").done == 1
    again = sweep(path, asked, "faulty")
    assert (again.done, again.failed) == (0, 1)
    assert counted(path) == {"done": 1, "failed": 1}


def test_what_a_cell_forks_neither_hides_its_death_nor_answers_for_it(tmp_path):
    path = tmp_path / "store.sqlite"
    asked = [{"number": number, "fork": fork} for number, fork in enumerate(["none", "holds", "returns", "none"])]
    assert sweep(path, asked, "forking").failed == 1
    found = {json.loads(record.cell)["number"]: json.loads(record.row) for record in records_of(path, "done")}
    assert found == {0: {"own": 0}, 2: {"own": 2}, 3: {"own": 3}}
    assert "exit code 3" in records_of(path, "failed")[0].row


def test_a_worker_closed_while_it_starts_computes_nothing(monkeypatch):
    worker = WorkerProcess(task())
    started_now = worker._popen
    monkeypatch.setattr(WorkerProcess, "_popen", lambda self: (self.close(), started_now())[1])
    for _ in range(2):
        with pytest.raises(ConfigError, match="was closed"):
            worker.run('{"x":1}')


def test_ctrl_c_twice_leaves_no_cell_running(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    pool = BACKENDS["local"](task("forking"), version("forking"), 1, "")
    endless = pool.__enter__().submit(['{"fork":"waits","number":1}'])
    with monkeypatch.context() as patched:
        patched.setattr(ThreadPoolExecutor, "shutdown", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.__exit__(None, None, None)
    assert wait([endless], 60).done


def test_what_a_cell_prints_disturbs_nothing(tmp_path):
    assert sweep(tmp_path / "store.sqlite", [{"x": x} for x in range(3)], "printing").done == 3


def test_rows_that_are_no_flat_table_are_failures_with_what_came(tmp_path):
    path = tmp_path / "store.sqlite"
    kinds = ("list", "object", "nested", "empty")
    assert sweep(path, [{"kind": kind} for kind in kinds], "odd").failed == len(kinds)
    assert all("row of a cell" in json.loads(record.row)["error"] for record in records_of(path, "failed"))


def test_a_task_with_settings_is_called_with_them_once(tmp_path):
    own = task("configured", {"scale": 3})
    path = tmp_path / "store.sqlite"
    with Store.open(path, runner.version_here(own), {}) as store:
        run_sweep(own, [{"x": 2}], store)
    assert [json.loads(record.row) for record in records_of(path, "done")] == [{"y": 6}]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere:run", "No module named 'nowhere'"),
        ("functions:nothing", "wanted something to call"),
        ("functions", "wanted module:function"),
        ("os.path;print(1):x", "wanted module:function"),
    ],
)
def test_a_function_that_is_not_there_is_refused(target, said):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        runner.version_here(runner.Task(target, None, (HERE,)))


def test_a_worker_with_other_code_is_refused():
    parts = version().parts
    code = json.loads(parts["code"]) | {"functions": "0" * 64}
    worker = WorkerProcess(task(), Version({**parts, "code": json.dumps(code)}))
    with pytest.raises(ConfigError, match='code of functions: was "000'):
        worker.run('{"x":1}')


def test_the_version_names_the_module_and_the_engine_and_not_the_libraries():
    code = json.loads(version().parts["code"])
    assert {"functions", "marketsim", "venues", "agents", "experiments.sweep.task"} <= set(code)
    assert not {"numpy", "json", "attrs"} & set(code)


def test_a_worker_imports_no_pandas():
    """It would take half a second of every process; the version of pandas is known without."""
    program = "import sys, experiments.sweep.worker; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert json.loads(version().parts["libraries"])["pandas"] == installed_version("pandas") == pd.__version__
    assert installed_version("no-such-library") == "not installed"


def test_a_bad_cell_backend_or_number_of_jobs_is_refused(tmp_path):
    with Store.open(tmp_path / "store.sqlite", version(), {}) as store:
        with pytest.raises(ConfigError, match="wanted one of local, ray, dask"):
            run_sweep(task(), cells(2), store, backend="cluster")
        with pytest.raises(ConfigError, match="jobs: got 0"):
            run_sweep(task(), cells(2), store, jobs=0)
        with pytest.raises(ConfigError, match="got nan"):
            run_sweep(task(), [{"x": float("nan")}], store)


def test_an_interruption_keeps_what_was_reported_and_the_rest_follows(whole, tmp_path):
    path, reported = tmp_path / "store.sqlite", []

    def advance(finished):
        reported.append(finished)
        if sum(reported) > NUMBER // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(path, cells(NUMBER), jobs=2, advance=advance)
    assert counted(path)["done"] == sum(reported) < NUMBER
    swept = sweep(path, cells(NUMBER), jobs=2)
    assert swept.done == NUMBER - sum(reported)
    assert same_table(path, whole)


@contextmanager
def at_once(*_):
    """Workers that answer in this process, so that the runner alone is measured."""

    def submit(asked):
        future = Future()
        future.set_result([Outcome("done", '{"y":1}') for _ in asked])
        return future

    yield Pool(submit, 2)


def test_the_parent_holds_no_more_for_more_cells(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "local", at_once)
    peaks = []
    for number in (1000, 10_000):  # of cells
        tracemalloc.start()
        sweep(tmp_path / f"{number}.sqlite", ({"x": x} for x in range(number)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 300_000  # ten thousand ids alone would be 800,000


def test_a_full_disk_ends_the_sweep_with_what_was_committed(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "local", at_once)
    path, reported = tmp_path / "store.sqlite", []
    with Store.open(path, version(), {}) as store:
        store._connection.execute("PRAGMA max_page_count = 20")
        with pytest.raises(StoreError, match="full"):
            run_sweep(task(), cells(10_000), store, advance=reported.append)
    assert 0 < sum(reported) == counted(path)["done"]
    assert verify(path).problems == ()


@contextmanager
def losing(*_):
    """Workers that are lost with every call that holds the cell 7."""

    def submit(asked):
        future = Future()
        if any(json.loads(cell)["x"] == 7 for cell in asked):
            future.set_exception(RuntimeError("node gone"))
        else:
            future.set_result([Outcome("done", '{"y":1}') for _ in asked])
        return future

    yield Pool(submit, 1, 32)


def test_a_lost_node_costs_the_cell_that_loses_it_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS, "local", losing)
    path = tmp_path / "store.sqlite"
    swept = sweep(path, [{"x": x} for x in range(100)])
    assert (swept.done, swept.failed) == (99, 1)
    [failed] = records_of(path, "failed")
    assert json.loads(failed.cell) == {"x": 7}
    assert "node gone" in json.loads(failed.row)["error"]


def started(path: Path, number: int, jobs: int = 1) -> subprocess.Popen[str]:
    parts = path.with_suffix(".version")
    parts.write_text(json.dumps(dict(version().parts)))
    program = [sys.executable, str(Path(HERE) / "killed.py"), str(path), str(parts), str(number), str(jobs)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(path: Path, lines: int, seconds: float) -> list[int]:
    """Start a sweep, kill it so long after it has reported so often; what it had reported, also what was unread."""
    process = started(path, KILLED)
    said = [process.stdout.readline() for _ in range(lines)]
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    left, complaint = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it ended before it was killed: {complaint}"
    return [int(line) for line in [*said, *left.splitlines()] if line.strip().isdigit()]


def kill_and_resume(path: Path, times: int, seed: int) -> None:
    """Kill a sweep at random moments, of its start too; after each, all that was reported is there and whole."""
    rng, done, at_work = random.Random(seed), 0, 0
    for _ in range(times):
        lines = rng.randint(1, KILLED // (3 * times)) if rng.random() < 0.7 else 0
        reported = killed(path, lines, rng.uniform(0, 0.005 if lines else 0.2))
        if reported:
            assert verify(path).problems == ()
            assert done + reported[-1] <= counted(path)["done"] < KILLED
            done, at_work = counted(path)["done"], at_work + 1
    assert at_work >= times // 2, f"{at_work} of {times} kills met a sweep that had reported and was not done"


@pytest.mark.parametrize(("times", "seed"), [(10, 1), pytest.param(100, 2, marks=pytest.mark.slow)])
def test_kill_9_loses_nothing(tmp_path, times, seed):
    whole, path = tmp_path / "whole.sqlite", tmp_path / "store.sqlite"
    kill_and_resume(path, times, seed)
    sweep(path, cells(KILLED))
    sweep(whole, cells(KILLED))
    assert same_table(path, whole)


@pytest.mark.slow
def test_a_hundred_thousand_cells_take_the_memory_of_a_thousand(tmp_path):
    peaks = []
    for number in (1000, 100_000):
        out, _ = started(tmp_path / f"{number}.sqlite", number, jobs=2).communicate()
        peaks.append(int(out.split()[-1]))
    assert peaks[1] < 1.15 * peaks[0]


def test_sigint_ends_a_sweep_cleanly(tmp_path):
    path = tmp_path / "store.sqlite"
    process = started(path, 100_000, jobs=2)
    reported = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    reported += process.communicate(timeout=60)[0]
    assert process.returncode == -signal.SIGINT
    assert verify(path).sealed
    assert counted(path)["done"] >= int(reported.split()[-1])
