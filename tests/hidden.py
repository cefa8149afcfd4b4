"""What can make two runs of one program differ, or run what it reads, found in the syntax tree of a file.

Each finder answers the line and what stands there. They judge by names and by what a function itself assigns, so that
what travels through arguments, containers or other files escapes them; the tests of determinism look at the results.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

Found = Iterator[tuple[int, str]]

_NAMES = {"eval", "exec", "id", "hash", "input", "compile", "__import__", "__builtins__"}
_ATTRIBUTES = {"eval", "exec", "__import__", "import_module", "FunctionType"}
_SYSTEM = {"urandom", "getrandom", "getpid", "get_ident", "st_mtime", "st_ctime", "st_atime", "getmtime"}
_GENERATORS = {
    "default_rng", "RandomState", "SeedSequence", "BitGenerator", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64",
}  # fmt: skip
_UNPICKLE = {"np", "numpy", "jnp", "joblib", "torch"}
_TIMES = {"datetime64", "Timestamp", "to_datetime", "Period", "DatetimeIndex"}

_MAKES_SETS = {"set", "frozenset"}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
_LISTINGS = {"glob", "rglob", "iglob", "iterdir", "listdir", "scandir"}
_ORDER_FREE = {"sorted", "set", "frozenset", "any", "all", "len", "bool"}
_IN_ORDER = {
    "list", "tuple", "iter", "next", "enumerate", "map", "filter", "zip", "sum", "fsum", "reduce", "join", "fromkeys",
    "extend", "from_iterable", "chain", "deque", "array", "asarray", "fromiter", "concatenate", "stack", "DataFrame",
    "Series", "Index",
}  # fmt: skip


@cache
def parents_of(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    """The node that holds each node of a file."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c` and of `c`; empty for what has no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_read(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def code_from_data(tree: ast.Module) -> Found:
    """Whatever may run, import or unpickle what it is given; `id` and `hash`, which differ between processes."""
    for node in parents_of(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and _is_read(node):
            named = last_name(node)
            if named in (_NAMES if isinstance(node, ast.Name) else _ATTRIBUTES):
                yield node.lineno, named
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named, of = node.func.attr, last_name(node.func.value)
            if (named == "load" and of in _UNPICKLE) or named == "__hash__":
                yield node.lineno, f"{of}.{named}"
            if named == "query" and not all(isinstance(argument, ast.Constant) for argument in node.args):
                yield node.lineno, "query of a text that is not written there"


def clocks_and_randomness(tree: ast.Module) -> Found:
    """Random numbers from elsewhere than a stream that is passed in, the time of day, and the system's own numbers."""
    parents = parents_of(tree)
    for node in parents:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numpy.random"):
            yield node.lineno, f"from {node.module}"
        if isinstance(node, (ast.Name, ast.Attribute)) and _is_read(node) and last_name(node) in _GENERATORS | _SYSTEM:
            yield node.lineno, last_name(node)
        if isinstance(node, ast.Attribute) and node.attr == "random" and last_name(node.value) in {"np", "numpy"}:
            holder = parents[node]
            if not (isinstance(holder, ast.Attribute) and holder.attr in {"Generator", *_GENERATORS}):
                yield node.lineno, ast.unparse(holder)
        if isinstance(node, ast.Attribute) and node.attr == "times" and last_name(node.value) == "os":
            yield node.lineno, "os.times"
        if isinstance(node, ast.Call):
            said = [word.value for word in node.args if isinstance(word, ast.Constant)]
            if last_name(node.func) in _TIMES and {"now", "today"}.intersection(map(str, said)):
                yield node.lineno, f"{last_name(node.func)} of now"
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}:
            called = isinstance(parents[node], ast.Call) and parents[node].func is node
            if called or last_name(node.value) in {"Timestamp", "datetime", "date"}:
                yield node.lineno, ast.unparse(node)


def _is_set_type(annotation: ast.AST | None) -> bool:
    said = ast.unparse(annotation) if annotation else ""
    return said.partition("[")[0] in {"set", "frozenset", "Set", "AbstractSet", "MutableSet"}


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    yield from (node for node in parents_of(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """What belongs to the scope itself: the bodies of the functions and methods in it do not."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
            yield from _own_nodes(child)


def _known_sets(scope: ast.AST, nodes: list[ast.AST], outer: dict[str, bool]) -> dict[str, bool]:
    """Whether each name of a scope is bound to nothing but sets or listings of folders."""
    known = {}
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        arguments = scope.args
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            known[argument.arg] = _is_set_type(argument.annotation)
    for node in nodes:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            known[node.target.id] = _is_set_type(node.annotation) or (
                node.value is not None and unordered(node.value, outer | known)
            )
        elif isinstance(node, (ast.Assign, ast.NamedExpr)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    known[target.id] = unordered(node.value, outer | known) and known.get(target.id, True)
    return known


def unordered(node: ast.AST, known: dict[str, bool]) -> bool:
    """Whether an expression is a set, or a folder's listing, whose order is the system's."""
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Name):
        return known.get(node.id, False)
    if isinstance(node, ast.Attribute):
        return known.get(f".{node.attr}", False)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)):
        keys = any(isinstance(side, ast.Call) and last_name(side.func) == "keys" for side in (node.left, node.right))
        return keys or unordered(node.left, known) or unordered(node.right, known)
    if isinstance(node, ast.IfExp):
        return unordered(node.body, known) or unordered(node.orelse, known)
    if isinstance(node, ast.Call):
        named = last_name(node.func)
        if isinstance(node.func, ast.Attribute) and named in _SET_METHODS | {"copy"}:
            return named != "copy" or unordered(node.func.value, known)
        return named in _MAKES_SETS | _LISTINGS or known.get(f"{named}()", False)
    return False


def _said_to_be_sets(tree: ast.Module) -> dict[str, bool]:
    # Fields as `.name`, functions as `name()`.
    returns = {
        f"{node.name}()": True
        for node in parents_of(tree)
        if isinstance(node, ast.FunctionDef) and _is_set_type(node.returns)
    }
    fields = [
        statement
        for node in parents_of(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
    return returns | {f".{each.target.id}": _is_set_type(each.annotation) for each in fields}


def unordered_loops(tree: ast.Module) -> Found:
    """Sets and listings of folders that are gone through in their own order, unless for an answer that has none."""
    parents, said = parents_of(tree), _said_to_be_sets(tree)
    outer = said | _known_sets(tree, list(_own_nodes(tree)), said)
    for scope in _scopes(tree):
        nodes = list(_own_nodes(scope))
        known = outer | _known_sets(scope, nodes, outer)
        for node in nodes:
            for gone_through in _gone_through(node):
                if unordered(gone_through, known) and not _order_is_lost(node, parents):
                    yield getattr(node, "lineno", gone_through.lineno), ast.unparse(gone_through)
            pops = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "pop"
            if pops and not node.args and unordered(node.func.value, known):
                yield node.lineno, ast.unparse(node)


def _gone_through(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        return [node.iter]
    if isinstance(node, (ast.Starred, ast.YieldFrom)):
        return [node.value]
    if isinstance(node, ast.Assign) and any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
        return [node.value]
    return list(node.args) if isinstance(node, ast.Call) and last_name(node.func) in _IN_ORDER else []


def _order_is_lost(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether what goes through it hands its items on to what has no order: `sorted(name for name in names)`."""
    holder = parents[node] if isinstance(node, ast.comprehension) else node
    if isinstance(holder, ast.SetComp):
        return True
    while holder in parents and isinstance(
        holder, (ast.GeneratorExp, ast.ListComp, ast.Starred, ast.Call, ast.List, ast.Tuple, ast.Set)
    ):
        holder = parents[holder]
        if isinstance(holder, ast.Set) or (isinstance(holder, ast.Call) and last_name(holder.func) in _ORDER_FREE):
            return True
        if isinstance(holder, ast.Call) and last_name(holder.func) not in {"map", "filter", "list", "tuple"}:
            return False
    return False
