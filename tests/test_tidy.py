"""House rules that a linter cannot say: layers, sizes, banned calls, light imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import hidden, hidden_faults

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("marketsim", "venues", "agents", "experiments")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))
MAY_IMPORT = {
    "marketsim": {"marketsim"},
    "venues": {"marketsim", "venues"},
    "agents": {"marketsim", "agents"},
    "experiments": set(PACKAGES),
}
BANNED_MODULES = {
    "pickle", "shelve", "marshal", "yaml", "random", "time", "datetime", "secrets", "uuid",
    "dill", "cloudpickle", "builtins", "ctypes", "runpy", "code", "codeop", "subprocess", "multiprocessing",
}  # fmt: skip
MAY_USE = {
    "experiments/benchmarks/": {"time"},  # speed is what they measure
    "experiments/benchmarks/pams.py": {"subprocess"},  # another simulator, with the interpreter that has it
    "experiments/sweep/process.py": {"subprocess"},  # the workers: this interpreter, our own module
    "experiments/sweep/": {"getpid", "get_ident"},  # which process holds which worker; in no cell and no row
    "marketsim/streams.py": {"PCG64", "SeedSequence"},  # where every generator is made
    "marketsim/testing/": {"random"},  # the kit's stream generators, each seeded
    "marketsim/testing/agent_kit.py": {"np.random.get_state", "np.random.set_state"},  # to see whether it was touched
    "marketsim/testing/fair_value_kit.py": {"np.random.get_state"},
    "venues/_traffic.py": {"random"},
    "venues/differential.py": {"random"},
}
FILE_LINES_MAX, FUNCTION_LINES_MAX = 400, 60


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def hidden_in(tree: ast.Module, name: str = "") -> list[str]:
    """The hidden clocks, generators, orders and commands of a file as `path:line: what`, without those it may use."""
    allowed = {word for prefix, words in MAY_USE.items() if name.startswith(prefix) for word in words}
    modules = [(1, module) for module in sorted(imported(tree) & BANNED_MODULES)]
    said = [*modules, *hidden.clocks_and_randomness(tree), *hidden.code_from_data(tree), *hidden.unordered_loops(tree)]
    return [f"{name}:{line}: {what}" for line, what in said if what not in allowed]


def is_long_function(node: ast.AST) -> bool:
    function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    return function and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX


def is_assertion(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert)


RULES = (is_long_function, is_assertion)


@cache
def offences() -> dict[Callable[[ast.AST], bool], list[str]]:
    """Of each rule, what breaks it and where; a file is parsed once for all."""
    found: dict[Callable[[ast.AST], bool], list[str]] = {rule: [] for rule in RULES}
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            for rule in RULES:
                if rule(node):
                    place = f"{name_of(path)}:{getattr(node, 'lineno', '')}"
                    found[rule].append(f"{place}: {ast.unparse(node).splitlines()[0]}")
    return found


def test_imports_point_left():
    found = {name_of(path): imported(tree_of(path)) & set(PACKAGES) for path in FILES}
    assert [name for name, packages in found.items() if not packages <= MAY_IMPORT[name.partition("/")[0]]] == []


def test_no_hidden_clock_no_global_randomness_no_order_of_a_set_no_code_from_data():
    assert [found for path in FILES for found in hidden_in(tree_of(path), name_of(path))] == []


@pytest.mark.parametrize("text", hidden_faults.FAULTY)
def test_a_planted_fault_is_found(text: str):
    assert hidden_in(ast.parse(text)) != []


@pytest.mark.parametrize("text", hidden_faults.SOUND)
def test_what_only_looks_like_a_fault_is_let_pass(text: str):
    assert hidden_in(ast.parse(text)) == []


def test_files_and_functions_are_short():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*FILES, *TEST_FILES]}
    assert {name: count for name, count in lines.items() if count > FILE_LINES_MAX} == {}
    assert offences()[is_long_function] == []


def test_invariants_are_not_assertions():
    assert offences()[is_assertion] == []


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (is_long_function, "def long():" + "\n    pass" * FUNCTION_LINES_MAX),
        (is_assertion, "assert True"),
    ],
)
def test_the_rules_find_what_they_are_for(rule: Callable[[ast.AST], bool], line: str):
    assert any(map(rule, ast.walk(ast.parse(line))))


def test_importing_marketsim_is_light():
    heavy = ("jax", "thrml", "matplotlib", "sklearn", "pandas", "pyarrow", "scipy", "hypothesis", "typer", "rich")
    program = f"import sys, marketsim; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
