"""Every public name of the reference shows a runnable example, and the examples say what happens.

An example knows the public names of its own module, what `marketsim` itself exports, and NumPy as `np`; whatever else
it uses it imports, so that a reader can type it.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import io
import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import marketsim
from tests.docs.pages import ROOT

MODULES = [
    name
    for page in sorted((ROOT / "docs" / "reference").glob("*.md"))
    for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
GIVEN = {name: getattr(marketsim, name) for name in marketsim.__all__} | {"np": np}


def imported(source: str) -> set[str]:
    """The names that the import statements of `source` bind."""
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.asname or alias.name.partition(".")[0] for node in statements for alias in node.names}


def public(module: ModuleType) -> dict[str, Any]:
    """The public classes and functions that `module` itself defines, by name."""
    return {
        name: item
        for name, item in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(item) or inspect.isfunction(item))
        and item.__module__ == module.__name__
    }


def shows(docstring: str | None) -> str:
    """The examples in a docstring, as one source."""
    return "".join(example.source for example in doctest.DocTestParser().get_examples(docstring or ""))


def without_example(module: ModuleType) -> list[str]:
    """The public names without an example of their own that no example of the module's docstring uses."""
    general = shows(module.__doc__)
    return [
        name
        for name, item in public(module).items()
        if not shows(item.__doc__) and not re.search(rf"\b{name}\b", general)
    ]


def failures(module: ModuleType, names: dict[str, Any]) -> str:
    """What the examples of `module` print that they should not; empty where all hold."""
    runner, told = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False), io.StringIO()
    for test in doctest.DocTestFinder().find(module, module.__name__, globs=names):
        runner.run(test, out=told.write)
    return told.getvalue()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold_and_leave_nothing_behind(name, tmp_path, monkeypatch):
    module = importlib.import_module(name)
    elsewhere = imported(inspect.getsource(module))
    own = {name: item for name, item in vars(module).items() if name not in elsewhere}
    monkeypatch.chdir(tmp_path)
    failed = failures(module, GIVEN | own)
    assert not failed, failed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_has_an_example(name):
    found = without_example(importlib.import_module(name))
    assert not found, f"no example: {name}: {', '.join(found)}"


def test_the_reference_is_read():
    assert len(MODULES) > 60
    assert sum(len(public(importlib.import_module(name))) for name in MODULES) > 250


def test_an_example_that_does_not_hold_and_a_name_without_one_are_found():
    module = ModuleType("planted", ">>> Shown.__name__\n'Shown'")
    exec("class Shown: pass\ndef wrong():\n  '''>>> 1 + 1\n3'''\ndef bare(): 'Does.'", vars(module))  # noqa: S102
    assert "1 + 1\nExpected:\n    3\nGot:\n    2\n" in failures(module, dict(vars(module)))
    assert without_example(module) == ["bare"]
