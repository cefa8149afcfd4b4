"""Books of a call auction for tests of clearing: strategies, random sides, and demand and supply."""

from __future__ import annotations

from hypothesis import strategies as st

from marketsim.types import Side
from venues.clearing import Claim, clear, ration

BUY, SELL = Side.BUY, Side.SELL
SOUND_RULES = ("midpoint", "reference", "k")
SOUND_ALLOCATIONS = ("batch-pro-rata", "pro-rata", "time")

prices = st.integers(-6, 9)
lots = st.integers(1, 6)
references = st.none() | st.integers(-12, 15)
shares_of_way = st.fractions(0, 1, max_denominator=12)


def sides(price=prices, most=6):
    return st.lists(st.tuples(price, lots, st.integers(0, 2)), max_size=most)


def numbered(*books):
    """Claims of each side with ids that count on over the sides."""
    order_id, out = 0, []
    for book in books:
        claims = []
        for price, quantity, batch in book:
            order_id += 1
            claims.append(Claim(price, quantity, batch, order_id))
        out.append(claims)
    return out


limit_books = st.tuples(sides(), sides()).map(lambda books: numbered(*books))
books = st.tuples(sides(st.none() | prices), sides(st.none() | prices)).map(lambda pair: numbered(*pair))


def entries(claims):
    return [(claim.price, claim.quantity) for claim in claims]


def auction(bids, asks, *, allocation="batch-pro-rata", lot_step=1, **rules):
    outcome = clear(entries(bids), entries(asks), **rules)
    if outcome.price is None:
        return outcome, [0] * len(bids), [0] * len(asks)
    deal = {"rule": allocation, "step": lot_step}
    return (
        outcome,
        ration(BUY, outcome.price, outcome.volume, bids, **deal),
        ration(SELL, outcome.price, outcome.volume, asks, **deal),
    )


def demand(bids, price):
    return sum(quantity for limit, quantity in bids if limit is None or limit >= price)


def supply(asks, price):
    return sum(quantity for limit, quantity in asks if limit is None or limit <= price)


def random_side(rng, *, market_share):
    return [
        (None if rng.random() < market_share else rng.randint(-4, 8), rng.randint(1, 5))
        for _ in range(rng.randint(0, 6))
    ]


def market_only(bids, asks):
    return all(price is None for price, _ in bids) and all(price is None for price, _ in asks)
