"""Programs: messages with their times, written as Python and cut down to what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

import marketsim.types as value_types


class Cancel(NamedTuple):
    """A call of `Venue.cancel`.

    >>> from marketsim.testing import ReferenceBook, replay_venue
    >>> bid = limit_order("A", Side.BUY, quantity=5, price=99)._replace(order_id=1, owner="ann")
    >>> replay_venue(lambda: ReferenceBook(("A",)), "cancels", [Step(0, bid), Step(3, Cancel(1, "ann"))])
    """

    order_id: Any
    owner: Any


class Step(NamedTuple):
    """`message` at `time`: one that `submit` takes, a `Cancel`, or None for nothing but the passing of time.

    The venue name of a message is left empty: the kit fills it in.

    >>> print(code(Step(3, limit_order("A", Side.BUY, quantity=5, price=99))))
    Step(3, Order('A', Side.BUY, 5, 99))
    """

    time: int
    message: Any


Program: TypeAlias = tuple[Step, ...]


def code(value: Any) -> str:
    """`value` as a Python expression, named tuples without the fields that have their default.

    >>> from marketsim.types import Side, limit_order
    >>> code(limit_order("A", Side.BUY, quantity=5, price=float("nan")))
    "Order('A', Side.BUY, 5, float('nan'))"
    """
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, float) and not isfinite(value):
        return f"float('{value}')"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _call(value)
    if type(value) is object:
        return "object()"
    if type(value) in {list, tuple}:
        inside = ", ".join(code(item) for item in value)
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        return f"[{inside}]" if type(value) is list else f"({inside}{comma})"
    return repr(value)


def _call(value: Any) -> str:
    defaults = value._field_defaults
    written, by_name = [], False
    for name, item in zip(value._fields, value, strict=True):
        if name in defaults and type(item) is type(defaults[name]) and item == defaults[name]:
            by_name = True
        else:
            written.append(f"{name}={code(item)}" if by_name else code(item))
    return f"{type(value).__name__}({', '.join(written)})"


def replay_text(function: str, check: str, program: Sequence[Step], *, claims: tuple[str, ...] | None = None) -> str:
    """Python that runs one check on one program; it needs only `factory`.

    Args:
        function: "replay_venue", "replay_agent" or "replay_fair_value".
        check: its name.
        program: what the venue is sent; empty for an agent and a fair value.
        claims: rules to hold a venue to, where those are not its own.

    >>> print(replay_text("replay_venue", "cancels", [Step(3, Cancel(1, "ann"))]))
    from marketsim.testing import Cancel, Step, replay_venue
    replay_venue(
        factory, 'cancels', [
            Step(3, Cancel(1, 'ann')),
        ]
    )
    """
    lines = [f"        {code(step)}," for step in program]
    text = "\n".join(lines)
    names = sorted(name for name in _public_types() if f"{name}(" in text or f"{name}." in text)
    kit = sorted({function, *(name for name in ("Cancel", "Step") if f"{name}(" in text)})
    heads = [f"from marketsim.testing import {', '.join(kit)}"]
    if names:
        heads.append(f"from marketsim.types import {', '.join(names)}")
    extra = "" if claims is None else f", claims={claims!r}"
    body = [f"{function}(", f"    factory, {check!r}, [", *lines, f"    ]{extra}", ")"] if lines else []
    return "\n".join([*heads, *(body or [f"{function}(factory, {check!r}, []{extra})"])])


def _public_types() -> Iterable[str]:
    return (name for name, item in vars(value_types).items() if isinstance(item, type) and not name.startswith("_"))


def shrink(program: Program, fails: Callable[[Program], bool], *, trials_max: int = 250) -> Program:
    """The program without the steps that do not matter, and with quantities as small as they can be.

    Removes runs of steps, long ones first, as long as `fails` holds (Zeller and Hildebrandt, Simplifying and isolating
    failure-inducing input, 2002, in its greedy form).

    Args:
        program: one for which `fails` holds.
        fails: whether a program still fails; it is called `trials_max` times at most.

    >>> bids = [limit_order("A", Side.BUY, quantity=10 * lots, price=99) for lots in range(1, 9)]
    >>> program = tuple(Step(time, bid) for time, bid in enumerate(bids))
    >>> shrunk = shrink(program, lambda steps: any(step.message.quantity > 24 for step in steps))
    >>> [code(step) for step in shrunk]
    ["Step(7, Order('A', Side.BUY, 40, 99))"]
    """
    trials = 0

    def still(candidate: Program) -> bool:
        nonlocal trials
        trials += 1
        return trials <= trials_max and fails(candidate)

    size = len(program)
    while size:
        start = 0
        while start < len(program):
            shorter = program[:start] + program[start + size :]
            if still(shorter):
                program = shorter
            else:
                start += size
        size //= 2
    for place, step in enumerate(program):
        for smaller in _smaller(step.message):
            candidate = (*program[:place], step._replace(message=smaller), *program[place + 1 :])
            if still(candidate):
                program = candidate
                break
    return program


def _smaller(message: Any) -> Iterable[Any]:
    quantity = getattr(message, "quantity", None)
    if type(quantity) is int and quantity > 1:
        return [message._replace(quantity=lots) for lots in dict.fromkeys((1, 2, 3, quantity // 2))]
    return []
