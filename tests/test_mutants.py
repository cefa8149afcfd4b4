"""Which tests a mutant meets."""

from __future__ import annotations

import pytest

from tests.mutants import chosen

SECONDS = {
    "tests/test_fba.py::test_a": 2.0,
    "tests/test_fba.py::test_b": 1.0,
    "tests/test_clob_edges.py::test_c": 3.0,
    "tests/test_clob.py::test_d": 4.0,
}


@pytest.mark.parametrize(("limit", "letters"), [(100.0, "cbad"), (6.0, "cba"), (5.9, "cb"), (0.5, "c")])
def test_those_of_edges_come_first_then_the_quickest_until_the_time_is_spent(limit: float, letters: str) -> None:
    assert [test[-1] for test in chosen(reversed(SECONDS), SECONDS, limit)] == list(letters)


def test_a_mutant_that_no_test_reaches_meets_none() -> None:
    assert chosen([], SECONDS) == []
