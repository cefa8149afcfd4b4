"""No code comes from data: no call that could run it is written, and none happens while bad files are read."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_tidy import FILES, name_of, tree_of

BANNED = {
    "read_pickle": "unpickles",
    "to_pickle": "asks to be unpickled",
    "allow_pickle": "unpickles",
    "literal_eval": "takes Python for data",
    "system": "runs a shell",
    "popen": "runs a shell",
    "exec_module": "runs a file",
    "spec_from_file_location": "runs a file",
    "run_path": "runs a file",
    "dlopen": "loads a library",
    "CDLL": "loads a library",
}
MAY_IMPORT_BY_NAME = {
    "marketsim/registry.py": "plugins, by the entry points of installed packages",
    "marketsim/extras.py": "libraries that the code names, with a message where they are missing",
    "experiments/validation/catalogue.py": "problems of the package's own list",
    "experiments/benchmarks/pams_worker.py": "PAMS, in an environment of its own",
    "experiments/sweep/worker.py": "the function of a sweep, which the command names and never the store",
}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_call_runs_what_it_is_given(path: Path):
    name = name_of(path)
    for node in ast.walk(tree_of(path)):
        said = node.attr if isinstance(node, ast.Attribute) else node.arg if isinstance(node, ast.keyword) else ""
        assert said not in BANNED, f"{name}:{node.lineno}: {said} {BANNED.get(said or '')}"
        if said == "shell":
            raise AssertionError(f"{name}:{node.lineno}: shell= runs text")
        if isinstance(node, ast.Name) and node.id == "import_module":
            assert any(name.startswith(place) for place in MAY_IMPORT_BY_NAME), f"{name}:{node.lineno}"


_CHILD = """
import os, sys, tempfile
from pathlib import Path
from tests.trust.test_bad_files import CATALOGUE, GOOD, READERS, placed
from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Study

WATCHED = ("compile", "exec", "pickle.", "marshal.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
           "ctypes.", "socket.", "webbrowser.", "urllib.", "ftplib.", "smtplib.", "import")
watching = False
found = []

def hook(event, arguments):
    if watching and event.startswith(WATCHED):
        found.append((event, str(arguments)[:100]))

def read_all():
    for bad in CATALOGUE:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                READERS[bad.reader](placed(bad, Path(folder)))
            except ValueError:
                pass
    os.chdir("/")
    simulate(Study(horizon=1000), Cell("base", "fba", 10, 1))

read_all()  # what is imported and built at first use is
sys.addaudithook(hook)
watching = True
read_all()
watching = False
print(found)
watching = True
eval("1 + 1")
watching = False
print(found)
"""


def test_nothing_is_compiled_imported_started_or_asked_for_while_bad_files_are_read():
    """Python itself tells of every such call (PEP 578); that it does, the trap at the end shows."""
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, trapped = done.stdout.splitlines()
    assert told == "[]"
    assert "exec" in trapped
