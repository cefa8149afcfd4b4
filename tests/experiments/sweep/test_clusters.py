"""A real Ray and a real Dask scheduler, two workers each, give the table of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.sweep.export import table_hash
from experiments.sweep.verify import verify

from .functions import FAULTS
from .kit import HERE, cells, counted, records_of, sweep, version

NUMBER = 200

# In a process of its own: Dask starts its workers anew from the main module, and Ray leaves threads behind.
PROGRAM = """
import json, sys
from pathlib import Path
from experiments.sweep.runner import run_sweep
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version

if __name__ == "__main__":
    backend, path, function, parts, cells, here = sys.argv[1:]
    with Store.open(Path(path), Version(json.loads(parts)), {}) as store:
        run_sweep(Task(f"functions:{function}", None, (here,)), json.loads(cells), store, jobs=2, backend=backend)
"""


def on_cluster(tmp_path: Path, backend: str, function: str, asked: list) -> Path:
    program, path = tmp_path / "program.py", tmp_path / f"{backend}.sqlite"
    program.write_text(PROGRAM)
    parts = json.dumps(dict(version(function).parts))
    command = [sys.executable, str(program), backend, str(path), function, parts, json.dumps(asked), HERE]
    subprocess.run(command, check=True, timeout=300)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_cluster_gives_the_same_table(tmp_path, backend):
    path = on_cluster(tmp_path, backend, "trivial", cells(NUMBER))
    sweep(tmp_path / "local.sqlite", cells(NUMBER))
    assert table_hash(path) == table_hash(tmp_path / "local.sqlite")
    assert verify(path).problems == ()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_fault_on_a_cluster_costs_its_own_cell(tmp_path, backend):
    asked = [{"fault": fault, "copy": copy} for copy in range(3) for fault in (*FAULTS, "none")]
    path = on_cluster(tmp_path, backend, "faulty", asked)
    assert counted(path) == {"done": 3, "failed": 3 * len(FAULTS)}
    for record in records_of(path, "failed"):
        assert FAULTS[json.loads(record.cell)["fault"]] in json.loads(record.row)["error"]
