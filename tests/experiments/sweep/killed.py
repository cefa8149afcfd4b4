"""A sweep in a process of its own, to be killed: says how many cells it has reported after each commit.

Arguments: the store, a file with the version's parts, the number of cells, the number of workers.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path

from experiments.sweep.runner import run_sweep
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version


def main() -> None:
    # A shell that starts the tests in the background has SIGINT ignored, and so would all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, parts, number, jobs = sys.argv[1:]
    version = Version(json.loads(Path(parts).read_text()))
    task = Task("functions:trivial", None, (str(Path(__file__).parent),))
    reported = 0

    def advance(finished: int) -> None:
        nonlocal reported
        reported += finished
        print(reported, flush=True)

    cells = ({"x": x, "seed": seed} for x in range(int(number) // 2) for seed in range(2))
    with Store.open(Path(path), version, {}) as store:
        run_sweep(task, cells, store, jobs=int(jobs), advance=advance)
    print("rss", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


if __name__ == "__main__":
    main()
