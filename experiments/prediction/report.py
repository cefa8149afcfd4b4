"""What the reports of studies on features share."""

from __future__ import annotations

from collections.abc import Container, Mapping

from experiments.pages.numbers import number
from experiments.pages.tables import Entry, Row, Table, markdown
from experiments.prediction.verdict import Verdict


def checks_table(verdict: Verdict, corner: str, before: str, after: str) -> Table:
    """Every check of a verdict.

    Args:
        corner: what a check is of, beside the split.
        before, after: names of the two feature sets.
    """
    rows = [
        Row(
            f"{check.head}, {check.split}",
            (
                Entry(check.measure),
                Entry(number(check.before)),
                Entry(number(check.after)),
                Entry("passed" if check.passed else check.reason),
            ),
        )
        for check in verdict.checks
    ]
    heads = (("measure", ""), (before, ""), (after, ""), ("check", ""))
    passed = sum(check.passed for check in verdict.checks)
    return Table(f"Checks: {passed} of {len(verdict.checks)} passed", corner, heads, tuple(rows))


def sections_of(
    tables: Mapping[str, Table], drawn: Container[str], captions: Mapping[str, str]
) -> list[tuple[str, list[str]]]:
    """Sections of a Markdown report: each table, with the picture of its name behind it where that was `drawn`."""
    sections = []
    for name, table in tables.items():
        picture = ["", f"![{captions[name]}]({name}.svg)"] if name in drawn else []
        sections.append((table.caption, [*markdown(table), *picture]))
    return sections
