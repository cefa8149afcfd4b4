"""The logs are those that were last accepted, on any platform: they hold nothing but integers and names."""

from __future__ import annotations

import json

import pytest

from tests.trust.golden import FILE, first_difference, logs, summary

ACCEPTED = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def now() -> dict[str, list[str]]:
    return logs()


@pytest.mark.parametrize("name", ACCEPTED["logs"])
def test_the_log_is_the_accepted_one(name: str, now: dict[str, list[str]]):
    difference = first_difference(now[name], ACCEPTED["logs"][name])
    how = 'if it is meant, accept it: python -m tests.trust.golden "why they changed"'
    assert not difference, f"{name}, {difference}; {how}"


def test_every_venue_has_an_accepted_log_and_every_change_its_reason(now: dict[str, list[str]]):
    assert list(ACCEPTED["logs"]) == list(now)
    assert all(len(lines) > (5 if name.startswith("quotes") else 50) for name, lines in now.items())
    assert all(len(reason.split()) >= 3 for reason in ACCEPTED["changes"])


def test_the_first_difference_is_found():
    lines = [f"{place} {place * place}" for place in range(100)]
    accepted = summary(lines)
    assert first_difference(lines, accepted) == ""
    for place in (0, 1, 57, 99):
        changed = [*lines[:place], "other", *lines[place + 1 :]]
        assert f"row {place + 1} of 100" in first_difference(changed, accepted)
        assert "got 'other', wanted another row" in first_difference(changed, accepted)
    assert "row 100 of 100" in first_difference(lines[:-1], accepted)
    assert "got the end" in first_difference(lines[:-1], accepted)
    assert "row 101 of 100, after '99 9801': got 'more', wanted the end" in first_difference([*lines, "more"], accepted)
