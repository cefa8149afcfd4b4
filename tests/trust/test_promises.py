"""The page of promises names every promise, and no test that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+)\. .*$", PAGE, re.MULTILINE)


def test_all_promises_are_there_once_and_in_order():
    assert [int(number) for number in ROWS] == list(range(1, 27))


def test_every_named_test_exists():
    file, missing, count = TESTS, [], 0
    for path, name in re.findall(r"`(?:tests/)?([\w/]+\.py)?(?:::(\w+))?`", PAGE):
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
