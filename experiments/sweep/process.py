"""A worker process as its parent sees it: cells go in one at a time, and its death is the answer of a cell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from attrs import define, field, frozen

from experiments.sweep.cells import canonical
from experiments.sweep.task import Task, Version
from marketsim.errors import ConfigError

DONE, FAILED = "done", "failed"

_SHOWN = 60
_NAMED = 8
_ENDING_SECONDS = 2
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@frozen
class Outcome:
    """What became of a cell: "done" and its row, or "failed" and the error, both as canonical JSON."""

    state: str
    text: str


@define
class WorkerProcess:
    """One process that computes cells of a task, started when needed and again after it has died.

    One cell is in it at a time, so that a death is put down to the cell that caused it and costs no other.

    Args:
        task: what it computes.
        version: what its code must be, here and on any machine of a cluster; None takes what there is.
    """

    task: Task
    version: Version | None = None
    _process: subprocess.Popen[str] | None = field(default=None, init=False)
    _family: threading.Thread | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    def ready(self) -> Version:
        """Start a process; the version of what it computes.

        Raises:
            ConfigError: the task cannot be imported, or its code is not the version that was asked for; or `close` was
                called before.
        """
        if self._closed:
            raise ConfigError("the worker was closed")
        self._process = process = self._popen()
        self._family = threading.Thread(target=_outlived_by_none, args=[process], daemon=True)
        self._family.start()
        if self._closed:  # from another thread, meanwhile: `close` may have seen no process yet
            self._end(process)
            raise ConfigError("the worker was closed")
        _say(process, self.task.text())
        state, _, said = _pipe(process.stdout).readline().rstrip("\n").partition("\t")
        if state != "ready":
            code = self._ended(process)
            raise ConfigError(f"{self.task.target} cannot be loaded: {_reason(said) or _cause(code)}")
        version = Version(json.loads(said))
        if self.version is not None and version != self.version:
            self._end(process)
            changed = "; ".join(differences(self.version.parts, version.parts))
            raise ConfigError(f"a worker has other code than the sweep began with: {changed}")
        return version

    def run(self, cell: str) -> Outcome:
        """Compute a cell, given as canonical JSON.

        Raises:
            ConfigError: as `ready`.
        """
        if self._process is None:
            self.ready()
        process = self._process
        if process is None:
            return Outcome(FAILED, failure("the worker was closed"))
        try:
            _say(process, cell)
            answer = _pipe(process.stdout).readline()
        except (BrokenPipeError, ValueError):  # ValueError: `close` came from another thread
            answer = ""
        if not answer.endswith("\n"):
            return Outcome(FAILED, failure(_cause(self._ended(process))))
        state, _, text = answer[:-1].partition("\t")
        return Outcome(state, text)

    def close(self) -> None:
        """End the process for good, also in the middle of a cell, and all that it has started."""
        self.kill()
        if self._process is not None:
            self._end(self._process)

    def kill(self) -> None:
        """As `close`, without waiting for it to end."""
        self._closed = True
        if self._process is not None:
            _kill_family(self._process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        _kill_family(process)
        self._ended(process)

    def _ended(self, process: subprocess.Popen[str]) -> int:
        # One that has closed its pipe but does not end is not waited for.
        self._process = None
        if self._family is not None:
            self._family.join(_ENDING_SECONDS)
            if self._family.is_alive():
                _kill_family(process)
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not sent yet cannot be
                _pipe(stream).close()
        return code

    def _popen(self) -> subprocess.Popen[str]:
        # The session of its own keeps Ctrl-C for the parent; the child ends when its input does. One thread per
        # library: the processes are the parallelism, and sums would depend on the number of threads.
        path = os.pathsep.join([*self.task.path, *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "experiments.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,
        )


def failure(error: str, trace: str = "") -> str:
    """The text of a failed cell: its error and the end of its traceback."""
    return canonical({"error": error, "traceback": trace})


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What differs between two tables of JSON texts, in words: the part, the key, what it was and what it is."""
    found = []
    for part in sorted({**before, **after}):
        was, now = (json.loads(side.get(part, "null")) for side in (before, after))
        for place, one, other in _changes(was, now):
            found.append(f"{part}{f' of {place}' if place else ''}: was {_short(one)}, is {_short(other)}")
    return found if len(found) <= _NAMED else [*found[:_NAMED], f"and {len(found) - _NAMED} more"]


def _changes(was: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    # Down to the values that differ, each with its keys and places in lists, joined by dots.
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        pairs = [(key, was.get(key), now.get(key)) for key in sorted({**was, **now})]
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = [(str(number), *pair) for number, pair in enumerate(zip(was, now, strict=True), 1)]
    else:
        yield place, was, now
        return
    for key, one, other in pairs:
        yield from _changes(one, other, f"{place}.{key}" if place else key)


def _short(value: Any) -> str:
    text = "absent" if value is None else canonical(value)
    if len(text) <= _SHOWN:
        return text
    return f"{len(value)} values" if isinstance(value, list) else f"{text[:_SHOWN]}..."


def _reason(said: str) -> str:
    return str(json.loads(said)["error"]) if said else ""


def _say(process: subprocess.Popen[str], line: str) -> None:
    stream = _pipe(process.stdin)
    stream.write(line + "\n")
    stream.flush()


def _outlived_by_none(process: subprocess.Popen[str]) -> None:
    # What a cell has forked holds the pipe open, so that without this the end of the worker would not be seen.
    process.wait()
    _kill_family(process)


def _kill_family(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):  # the worker leads a group of its own: see `_popen`
        os.killpg(process.pid, signal.SIGKILL)


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("a worker process without pipes")
    return stream


def _cause(code: int) -> str:
    if code >= 0:
        return f"the worker process ended with exit code {code}"
    hint = "; the system may have been out of memory" if -code == signal.SIGKILL else ""
    return f"the worker process was killed by {signal.Signals(-code).name}{hint}"
