"""How the reports of studies on features write numbers, tables and JSON."""

from __future__ import annotations

import json
from math import isnan
from typing import Any

from experiments.pi_curve.report.numbers import MINUS, NONE
from experiments.pi_curve.report.tables import Table


def number(value: float, digits: int = 4) -> str:
    """A score to so many significant digits; a dash where it cannot be computed."""
    return NONE if isnan(value) else f"{value:.{digits}g}".replace("-", MINUS)


def share(value: float) -> str:
    """A share as a percentage."""
    return NONE if isnan(value) else f"{100 * value:.1f} %"


def markdown(table: Table) -> list[str]:
    """The lines of a table in Markdown."""
    heads = [f"{label} ({unit})" if unit else label for label, unit in table.heads]
    lines = [f"| {' | '.join([table.corner, *heads])} |", f"|{'---|' * (len(heads) + 1)}"]
    for row in table.rows:
        texts = [f"{entry.text}{'*' if entry.told else ''} {entry.below}".strip() for entry in row.entries]
        lines.append(f"| {' | '.join([row.head, *texts])} |")
    return lines


def as_json(content: Any) -> bytes:
    """JSON text; nan is an error."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()
