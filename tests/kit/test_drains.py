"""Of a drained venue nothing is left but the house: an order that stays behind is met in any market, on either side."""

from __future__ import annotations

from copy import deepcopy

import pytest

from marketsim.testing import probe
from marketsim.testing.failures import Broken
from marketsim.testing.judges import Trial, drained, drains
from marketsim.testing.program import Step
from marketsim.types import Order, Side
from venues.clob import ContinuousBook
from venues.hybrid import Hybrid


class Book(ContinuousBook):
    """Says that it cancels, keeps the order, and shows nobody."""

    def cancel(self, order_id, owner, now):
        return ContinuousBook.cancel(deepcopy(self), order_id, owner, now)

    def state(self, market):
        return super().state(market)._replace(best_bid=None, best_ask=None, bids=(), asks=())


class Pool(Hybrid):
    """The same in front of a pool."""

    def cancel(self, order_id, owner, now):
        return Hybrid.cancel(deepcopy(self), order_id, owner, now)


def book(kind=ContinuousBook):
    return kind(("A", "B"))


def pool(kind=Hybrid):
    return kind(("A",), base=10**6, quote=10**8, layer="pool")


CASES = [(book, Book, market, side) for market in "AB" for side in Side] + [(pool, Pool, "A", side) for side in Side]


@pytest.mark.parametrize(("made", "kind", "market", "side"), CASES)
def test_an_order_that_stays_behind_is_found(made, kind, market, side):
    program = (Step(1, Order(market, side, 7, 100 - 5 * side, order_id=1, owner="ann")),)
    profile = probe(made)
    drains(Trial(made, profile), program)
    desk = Trial(lambda: made(kind), profile).plain()
    desk.play(program)
    with pytest.raises(Broken, match="no report on order 1: it ended at time 1"):
        drained(desk, lambda: made(kind))
