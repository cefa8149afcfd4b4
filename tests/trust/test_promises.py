"""The page of promises names every promise, and no test that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

from tests.conftest import PROFILE, pytest_terminal_summary

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+)\. .*$", PAGE, re.MULTILINE)
NAMED = r"`(?:tests/)?([\w/]+\.py)?(?:::(\w+))?`"
"""A file of tests, or one test of it or of the last file that was named."""


def test_all_promises_are_there_once_and_in_order():
    assert [int(number) for number in ROWS] == list(range(1, 27))


def test_every_named_test_exists():
    file, missing, count = TESTS, [], 0
    for path, name in re.findall(NAMED, PAGE):
        if not path and not name:
            continue
        file = TESTS / path if path else file
        count += 1
        if not file.is_file():
            missing.append(path)
        elif name:
            defined = {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}
            missing += [f"{file.name}::{name}"] * (name not in defined)
    assert missing == []
    assert count > 50


def test_tests_are_named_one_by_one():
    columns = {
        int(row.split(".")[0][1:]): row.split("|")[2] for row in PAGE.splitlines() if re.match(r"\| \d+\. ", row)
    }
    spans = [(number, span) for number, tests in columns.items() for span in re.findall(r"`[^`]*`", tests)]
    assert [(number, span) for number, span in spans if not re.fullmatch(NAMED, span) or span == "``"] == []
    assert [number for number, tests in columns.items() if "..." in tests or "tests named" in tests] == []


def test_a_failure_comes_with_the_command_that_runs_it_again():
    failed, said = SimpleNamespace(nodeid="tests/test_a.py::test_b[x y]"), []
    pytest_terminal_summary(SimpleNamespace(stats={"failed": [failed], "passed": [failed]}, write_line=said.append))
    assert said == [f"replay: HYPOTHESIS_PROFILE={PROFILE} python -m pytest 'tests/test_a.py::test_b[x y]'"]
