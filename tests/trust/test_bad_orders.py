"""Every registered venue refuses every bad message of the catalogue with a reason, and is as it was before."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from marketsim.testing.generate import random_program
from marketsim.testing.profile import Profile, order_of
from marketsim.testing.program import Cancel
from marketsim.types import Accepted, Order, Rejected, Side
from tests.trust.bad_orders import Bad, common, declared, good_lots, resting
from tests.trust.registered import VENUES, fresh, profile_of

NOW = 3


def opened(name: str) -> tuple[Any, dict[Side, Order]]:
    """A venue with an order of "ann" on each side where orders rest, too far apart to trade; and these orders."""
    venue, profile = fresh(name), profile_of(name)
    market, live = profile.markets[0], {}
    for order_id, side in enumerate(Side, start=1):
        price = profile.anchor[market] - side * 40 * profile.price_step
        order = order_of("limit", market, side, 3 * profile.quantity_step, price, order_id, "ann")._replace(venue="kit")
        if any(type(report) is Accepted for report in venue.submit(order, 0)):
            live[side] = order
    return venue, live


def public(venue: Any) -> Any:
    """All that can be asked without changing anything."""
    asked = [(market, side, lots) for market in venue.markets for side in Side for lots in (1, 7)]
    states = [venue.state(market)[:5] for market in venue.markets]
    return states, [venue.estimate_impact(*each) for each in asked], venue.next_clock(NOW)


def send(venue: Any, bad: Bad) -> list[Any]:
    return venue.cancel(*bad.message, NOW) if bad.cancels else venue.submit(bad.message, NOW)


def refuse_all(venue: Any, catalogue: list[Bad]) -> None:
    before = public(venue)
    for bad in catalogue:
        reports = send(venue, bad)
        assert [type(report) for report in reports] == [Rejected], (bad.name, reports)
        assert reports[0].reason is bad.reason, (bad.name, reports)
        assert "got" in reports[0].detail, (bad.name, reports)
        assert public(venue) == before, bad.name


def later(venue: Any, profile: Profile, seed: int) -> list[Any]:
    """What the venue answers to a few hundred good and less good messages that come after."""
    said: list[Any] = []
    for time, message in random_program(profile, Random(seed), 200):
        now = NOW + time
        while (due := venue.next_clock(NOW if not said else said[-1][0])) is not None and due <= now:
            said.append((due, venue.clock(due)))
        if type(message) is Cancel:
            said.append((now, venue.cancel(message.order_id, message.owner, now)))
        elif message is not None:
            shift = {"order_id": message.order_id + 2000} if getattr(message, "order_id", 0) else {}
            said.append((now, venue.submit(message._replace(venue="kit", **shift), now)))
    return said


@pytest.mark.parametrize("side", Side, ids=["buy", "sell"])
@pytest.mark.parametrize("name", VENUES)
def test_bad_messages_are_refused_and_change_nothing(name: str, side: Side):
    profile = profile_of(name)
    venue, live = opened(name)
    catalogue = [*common(profile, side), *declared(profile, side)]
    if side in live:
        catalogue += resting(profile, side, live[side])
    assert len(catalogue) >= 150
    refuse_all(venue, catalogue)
    # Nor does anything come to light later that was not there before.
    untouched, _ = opened(name)
    assert later(venue, profile, seed=5) == later(untouched, profile, seed=5)


@pytest.mark.parametrize("name", VENUES)
def test_the_orders_from_which_the_bad_ones_are_made_are_good(name: str):
    """Else they would be refused for something else than what is said of them."""
    profile = profile_of(name)
    market = profile.markets[0]
    for side in Side:
        venue, _ = opened(name)
        good = order_of("market", market, side, good_lots(profile), 0, 900, "cat")._replace(venue="kit")
        assert Rejected not in [type(report) for report in venue.submit(good, NOW)]
