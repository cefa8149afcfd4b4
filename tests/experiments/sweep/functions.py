"""Functions of a cell that the sweeps of these tests compute; imported by their workers alone."""

from __future__ import annotations

import os
import signal

FAULTS = {
    "exit": "exit code 3",
    "kill": "SIGKILL",
    "memory": "MemoryError",
    "raise": "ValueError: bad",
    "quit": "SystemExit",
}


def trivial(cell):
    return {"y": cell["x"] * 0.1, "n": cell["x"] + cell.get("seed", 0)}


def faulty(cell):
    match cell["fault"]:
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            raise MemoryError
        case "raise":
            raise ValueError("bad")
        case "quit":
            raise SystemExit(0)
    return {"pid": 1}


def forking(cell):
    if cell["fork"] == "waits" or (cell["fork"] != "none" and os.fork() == 0):
        if cell["fork"] == "returns":
            raise SystemExit(0)
        signal.pause()
    if cell["fork"] == "holds":
        os._exit(3)
    return {"own": cell["number"]}


def configured(config):
    return lambda cell: {"y": cell["x"] * config["scale"]}


def printing(cell):
    print("a line that is no answer")
    os.write(1, b"done\t{}\n")
    return {"y": cell["x"]}


def odd(cell):
    return {"list": [1, 2], "object": {"x": object()}, "nested": {"x": [1]}, "empty": {}}[cell["kind"]]
