"""House rules that a linter cannot say: layers, sizes, banned calls, light imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("marketsim", "venues", "agents", "experiments")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAY_IMPORT = {
    "marketsim": {"marketsim"},
    "venues": {"marketsim", "venues"},
    "agents": {"marketsim", "agents"},
    "experiments": set(PACKAGES),
}
BANNED_MODULES = {"pickle", "shelve", "marshal", "yaml", "random", "time", "datetime", "secrets", "uuid"}
MAY_USE = {
    "experiments/benchmarks/": {"time"},  # speed is what they measure
    "marketsim/testing/": {"random"},  # the kit's stream generators, each seeded
    "venues/_traffic.py": {"random"},
    "venues/differential.py": {"random"},
}
BANNED_CALLS = {"eval", "exec", "id", "hash", "input", "__import__"}
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


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_left(path: Path):
    layer = path.relative_to(ROOT).parts[0]
    assert imported(tree_of(path)) & set(PACKAGES) <= MAY_IMPORT[layer]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_clock_no_global_randomness_no_code_from_data(path: Path):
    tree, name = tree_of(path), name_of(path)
    allowed = {module for prefix, modules in MAY_USE.items() if name.startswith(prefix) for module in modules}
    assert not imported(tree) & (BANNED_MODULES - allowed)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in BANNED_CALLS, f"{name}:{node.lineno}"
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"default_rng", "seed"}
            and isinstance(node.value, ast.Attribute)
        ):
            assert node.value.attr != "random", f"{name}:{node.lineno}: draw from a named stream"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_loop_over_a_set(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.For, ast.comprehension)):
            assert not isinstance(node.iter, (ast.Set, ast.SetComp)), f"{name_of(path)}: {ast.unparse(node.iter)}"
            if isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name):
                assert node.iter.func.id not in {"set", "frozenset"}, f"{name_of(path)}: {ast.unparse(node.iter)}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno + 1 <= FUNCTION_LINES_MAX, f"{name_of(path)}: {node.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_invariants_are_not_assertions(path: Path):
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree_of(path)))


def test_importing_marketsim_is_light():
    heavy = ("jax", "thrml", "matplotlib", "sklearn", "pandas", "pyarrow", "scipy", "hypothesis", "typer", "rich")
    program = f"import sys, marketsim; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
