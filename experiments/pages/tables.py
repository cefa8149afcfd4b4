"""Tables as reports show them, and reports as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen


@frozen
class Entry:
    """One place in a table: what it says, a second line, whether it can be told from zero, its heat in [-1, 1]."""

    text: str
    below: str = ""
    told: bool = False
    heat: float | None = None


@frozen
class Row:
    head: str
    entries: tuple[Entry, ...]
    total: bool = False


@frozen
class Table:
    """A table with one column of row heads; `heads` are (label, unit), `groups` (label, columns spanned) above them."""

    caption: str
    corner: str
    heads: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    groups: tuple[tuple[str, int], ...] = ()


def markdown(table: Table) -> list[str]:
    """The lines of a table, without its caption; what can be told from zero has a star, on its second line if any."""
    above = [label for label, span in table.groups for _ in range(span)] or [""] * len(table.heads)
    heads = [
        " ".join(part for part in (group, label, f"({unit})" if unit else "") if part)
        for group, (label, unit) in zip(above, table.heads, strict=True)
    ]
    lines = [f"| {' | '.join([table.corner, *heads])} |", f"|{'---|' * (len(heads) + 1)}"]
    for row in table.rows:
        texts = [f"{entry.text} {entry.below}".strip() + ("*" if entry.told else "") for entry in row.entries]
        lines.append(f"| {' | '.join([row.head, *texts])} |")
    return lines


def bullets(items: Iterable[object]) -> list[str]:
    """The lines of a list."""
    return [f"- {item}" for item in items]


def document(
    title: str, paragraphs: Iterable[str], answer: Sequence[str], sections: Iterable[tuple[str, Sequence[str]]]
) -> str:
    """A report as Markdown.

    Args:
        paragraphs: before the answer.
        answer: its sentences, which are numbered.
        sections: (head, lines); those without a line are left out.
    """
    lines = [f"# {title}", ""]
    for paragraph in paragraphs:
        lines += [paragraph, ""]
    lines += [f"{place}. {line}" for place, line in enumerate(answer, start=1)] + [""]
    for head, own in sections:
        lines += [f"## {head}", "", *own, ""] if own else []
    return "\n".join(lines)
