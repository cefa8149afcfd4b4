"""Every report of random traffic says when and where it came about, and fills between which public mids."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from marketsim.testing.generate import random_program
from marketsim.testing.program import Cancel
from marketsim.types import Fill, Rejected, Replace
from tests.trust.registered import VENUES, fresh, profile_of


def sent(message: Any) -> Any:
    """The message as a simulation would send it, to the venue "kit"."""
    message = message._replace(venue="kit")
    return message._replace(order=message.order._replace(venue="kit")) if type(message) is Replace else message


def check_stamp(report: Any, message: Any, now: int, markets: tuple[str, ...]) -> None:
    assert report.time == now, report
    if type(report) is not Rejected:
        assert report.venue == "kit", report
        assert report.market in markets or type(report) is Fill, report
        return
    about = message.order if type(message) is Replace else message
    assert (report.order_id, report.owner) == (getattr(about, "order_id", 0), getattr(about, "owner", "")), report
    if type(message) is not Cancel:
        assert (report.market, report.venue) == (getattr(about, "market", ""), "kit"), report
        assert report.detail, report


def check_mids(name: str, venue: Any, reports: list[Any], before: dict[str, float | None]) -> None:
    # The published book copies one whose mids are its own.
    for report in reports if name != "published-book" else ():
        if type(report) is Fill and report.market in before:
            assert (report.mid_before, report.mid_after) == (before[report.market], venue.state(report.market).mid), (
                report
            )


@pytest.mark.parametrize("name", VENUES)
def test_reports_bear_the_stamp_of_their_call_and_fills_the_public_mids_around_it(name: str):
    venue, last = fresh(name), 0
    for now, drawn in random_program(profile_of(name), Random(5), 150):
        while (due := venue.next_clock(last)) is not None and due <= now:
            before = {market: venue.state(market).mid for market in venue.markets}
            reports = venue.clock(due)
            for report in reports:
                check_stamp(report, None, due, venue.markets)
            check_mids(name, venue, reports, before)
            last = due
        if drawn is None:
            continue
        message = drawn if type(drawn) is Cancel else sent(drawn)
        before = {market: venue.state(market).mid for market in venue.markets}
        if type(message) is Cancel:
            reports = venue.cancel(message.order_id, message.owner, now)
        else:
            reports = venue.submit(message, now)
        for report in reports:
            check_stamp(report, message, now, venue.markets)
        check_mids(name, venue, reports, before)
