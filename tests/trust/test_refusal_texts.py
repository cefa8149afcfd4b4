"""Every refusal says whose message it was, when it came, which field was wrong, and what came in it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marketsim.types import Order, Replace, Side
from tests.trust.bad_orders import Bad, common, declared, resting
from tests.trust.registered import VENUES, profile_of
from tests.trust.test_bad_orders import NOW, opened, send


def changed_field(bad: Bad) -> tuple[str, Any] | None:
    """(field, value) where one field of a good message was changed, by the name that the catalogue gives it."""
    message = bad.message.order if bad.name.startswith("replacement with") else bad.message
    field = bad.name.removeprefix("replacement with ").partition(":")[0].rpartition(".")[2]
    return (field, getattr(message, field)) if field in getattr(message, "_fields", ()) else None


def stamp(bad: Bad) -> tuple[Any, Any, Any]:
    """(order id, owner, market) that a refusal of the message bears; without them it has 0, nobody and none."""
    if bad.cancels:
        return *bad.message, ""
    replaces = isinstance(bad.message, Replace) and isinstance(bad.message.order, Order)
    message = bad.message.order if replaces else bad.message
    return getattr(message, "order_id", 0), getattr(message, "owner", ""), getattr(message, "market", "")


def check_text(bad: Bad, detail: str) -> None:
    if bad.name.startswith("no message"):
        assert f"got {type(bad.message).__name__}" in detail, (bad.name, detail)
    if detail.endswith("which belongs to another account") or (change := changed_field(bad)) is None:
        return
    field, value = change
    assert re.search(rf"\b{field}\b.*\bgot |^got .*\b{field} ", detail), (bad.name, detail)
    # The beginning of a long value is enough, and its type alone where Python would not write the value.
    assert type(value).__name__ in detail or repr(value)[:37] in detail, (bad.name, detail)


@pytest.mark.parametrize("name", VENUES)
def test_a_refusal_bears_the_stamp_of_its_message_and_says_what_came(name: str):
    profile = profile_of(name)
    venue, live = opened(name)
    catalogue = [*common(profile, Side.BUY), *declared(profile, Side.BUY)]
    if Side.BUY in live:
        catalogue += resting(profile, Side.BUY, live[Side.BUY])
    for bad in catalogue:
        (report,) = send(venue, bad)
        assert report.time == NOW, bad.name
        if not isinstance(bad.message, Replace) or Replace in profile.messages:
            order_id, owner, market = stamp(bad)
            # The very objects: some are equal to nothing, not even to themselves.
            assert report.order_id is order_id, bad.name
            assert report.owner is owner, bad.name
            assert bad.cancels or report.market is market, bad.name
        check_text(bad, report.detail)
