"""The process that computes cells: lines of JSON in, lines of JSON out, until its input ends.

The first line in is the task; the first line out says `ready` and the version of all that decides a row here. After
that a line is a cell, and its answer `done` and the row, or `failed` and the error. Nothing but text crosses, so that
no result can run code in the parent.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

import numpy as np

from experiments.digests import file_digest
from experiments.sweep.cells import INT_MAX, canonical, ordered
from experiments.sweep.process import failure
from experiments.sweep.task import WHOLE_PACKAGES, version_of
from marketsim.errors import ConfigError

_TRACEBACK_LINES = 20


def main() -> None:
    """Serve the parent that holds the other end of standard input and output."""
    lines, answers = _own_pipes()
    try:
        task = json.loads(next(lines))
        function = _function_of(task["target"], task["config"])
    except BaseException as error:  # noqa: BLE001 - whatever importing the user's module raises is the answer
        _say(answers, "failed", _described(error))
        return
    version = version_of(task["target"], task["config"], _modules_of_the_task())
    _say(answers, "ready", canonical(dict(version.parts)))
    own = os.getpid()
    for line in lines:
        answer = _outcome(function, line)
        if os.getpid() != own:  # a copy that the function forked and let return: only one may answer
            os._exit(1)
        _say(answers, *answer)


def row_text(row: Any) -> str:
    """The one text of a row: JSON, its keys in the order in which the function gave them.

    Raises:
        ConfigError: it is not a flat table of numbers, text, true, false and None.
    """
    if not isinstance(row, Mapping) or not row:
        raise ConfigError(f"row of a cell: got {row!r}, wanted a table of at least one value")
    plain = {}
    for key, value in row.items():
        item = value.item() if isinstance(value, np.generic) else value
        plain_kind = type(item) in {bool, int, float, str, type(None)}
        if type(key) is not str or not plain_kind or (type(item) is int and abs(item) > INT_MAX):
            wanted = "a number, integers of 64 bits, text, true, false or None under a name"
            raise ConfigError(f"row of a cell, {key!r}: got {value!r}, wanted {wanted}")
        plain[key] = item
    text = ordered(plain)
    text.encode()  # half of a surrogate pair is refused here and not by the store
    return text


def _own_pipes() -> tuple[Iterator[str], TextIO]:
    # The function may print or read: it gets other files, so that it cannot disturb the conversation.
    commands = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    waiting: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in commands:
            waiting.put(line)
        # The parent is gone or does not want the rest: nobody would hear the answer of a cell that still runs.
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return iter(waiting.get, None), answers


def _function_of(target: str, config: Mapping[str, Any] | None) -> Callable[[dict[str, Any]], Any]:
    module, _, name = target.partition(":")
    found = getattr(import_module(module), name, None)
    if not callable(found):
        raise ConfigError(f"function of a sweep: {target!r} is {found!r}, wanted something to call")
    function: Callable[[dict[str, Any]], Any] = found if config is None else found(config)
    return function


def _modules_of_the_task() -> dict[str, str]:
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found = {}
    for name, module in sorted(sys.modules.items()):
        source, package = getattr(module, "__file__", None), name.partition(".")[0]
        if not source or package in WHOLE_PACKAGES:
            continue
        file = Path(source).resolve()
        own = package in {"experiments", "__main__"} or not any(file.is_relative_to(folder) for folder in installed)
        if own and file.is_file():
            found[name] = file_digest(file)
    return found


def _outcome(function: Callable[[dict[str, Any]], Any], line: str) -> tuple[str, str]:
    try:
        return "done", row_text(function(json.loads(line)))
    except BaseException as error:  # noqa: BLE001 - sys.exit in a cell ends that cell, not the sweep
        return "failed", _described(error)


def _described(error: BaseException) -> str:
    tail = traceback.format_exception(error)
    lines = "".join(tail).splitlines()[-_TRACEBACK_LINES:]
    text = failure(f"{type(error).__name__}: {error}", "\n".join(lines))
    return text.encode(errors="replace").decode()


def _say(answers: TextIO, state: str, text: str) -> None:
    answers.write(f"{state}\t{text}\n")
    answers.flush()


if __name__ == "__main__":
    main()
