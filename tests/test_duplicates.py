"""No six lines of code stand twice without a reason.

Not by pylint's `duplicate-code`: it compares files with one another, so that what a file repeats within itself is not
found; its reasons are comments that it never reports as out of date (pylint pull request 6504); and it would bring a
second linter with its parser for this one rule. Here a reason is a row of a table, and a row too many fails.

Lines are compared as ruff formats them. What a class or function must declare for itself does not count: imports,
docstrings, comments, signatures, fields of a class (the signature of what attrs writes for it). Code that is alike but
for its names is not found: that is for a reader to see.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from tests.test_tidy import FILES, name_of

LINES = 6

REASONS = {
    ("venues/clob.py", "venues/fba.py"): "each hands the messages of the seam to methods of its own",
    ("venues/concentrated.py", "venues/constant_product.py"): "the seam's methods, each a call of what pools share",
    ("venues/oracle.py", "venues/oracle.py"): "each oracle is read beside the rules of its venue, by itself",
}


def declared(node: ast.AST) -> range:
    """Lines of `node` that do not count, if any."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        first = min(each.lineno for each in (node, *node.decorator_list))
        return range(first, max(node.body[0].lineno, node.lineno + 1))
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and type(node.value.value) is str
    if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
        return range(node.lineno, (node.end_lineno or 0) + 1)
    return range(0)


def code_lines(text: str) -> list[tuple[int, str]]:
    """Number and text of the lines that count."""
    aside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        aside.update(declared(node))
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                aside.update(range(item.lineno, (item.end_lineno or 0) + 1) if isinstance(item, ast.AnnAssign) else ())
    lines = [(n, line.partition("  # ")[0].strip()) for n, line in enumerate(text.splitlines(), 1) if n not in aside]
    return [(n, line) for n, line in lines if not line.startswith("#") and any(map(str.isalnum, line))]


def repeated(texts: Mapping[str, str]) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Every two places, (file, line), from which on the next `LINES` lines are the same."""
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for file, text in texts.items():
        lines = code_lines(text)
        for start in range(len(lines) - LINES + 1):
            run = lines[start : start + LINES]
            places[tuple(line for _, line in run)].append((file, run[0][0]))
    for found in places.values():
        yield from combinations(found, 2)


def test_six_lines_stand_twice_only_with_a_reason():
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in FILES}
    found = {(one[0], two[0]): f"{one[0]}:{one[1]} ~ {two[0]}:{two[1]}" for one, two in repeated(texts)}
    assert not [where for files, where in found.items() if files not in REASONS]
    assert not [files for files in REASONS if files not in found], "reasons for what does not stand twice any more"


BODY = "\n".join(f"    x = f(x, {number})" for number in range(LINES))
FIELDS = "\n".join(f"    x{number}: int = {number}" for number in range(LINES))


def test_a_planted_repetition_is_found_wherever_it_stands():
    one, two = f"def g(x):\n{BODY}\n", f'def h(y, x):\n    """Other words."""\n\n    # And others.\n{BODY}  # here\n'
    assert list(repeated({"one": one, "two": two})) == [(("one", 2), ("two", 5))]
    assert list(repeated({"one": one + two})) == [(("one", 2), ("one", 12))]
    assert not list(repeated({"one": one, "two": two.replace("f(x, 3)", "f(x, 9)")}))


def test_declarations_do_not_count():
    imports = "from a import (\n" + "".join(f"    b{number},\n" for number in range(LINES)) + ")\n"
    signature = "def g(\n" + "".join(f"    x{number}: int,\n" for number in range(LINES)) + "):\n    return 1\n"
    words = 'def h():\n    """' + "Words.\n    " * LINES + '"""\n'
    both = imports + signature + words + f"class A:\n{FIELDS}\n"
    assert not list(repeated({"one": both, "two": both}))
