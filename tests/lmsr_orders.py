"""A market maker of the scoring rule called `event`, orders to it, and strategies for their integers."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from hypothesis import strategies as st

from marketsim.types import Fill, Side, TimeInForce, market_order

# Reals become integers at this many lots a share; the winning lot pays one tick, so money is in units of 1 / SHARE.
SHARE = 10**9

lots = st.one_of(st.integers(1, 4), st.integers(1, 10**4), st.sampled_from([10**9, 2**53 - 1, 2**53]))
liquidities = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.sampled_from([2**53 - 1, 2**53]))
units = st.one_of(st.integers(1, 4), st.integers(1, 10**6), st.sampled_from([2**53 - 1, 2**53]))
sides = st.sampled_from(Side)


def outcomes(count):
    return tuple(f"o{number}" for number in range(count))


def order(market, side, quantity, *, tif=TimeInForce.IOC, owner="ann", order_id=1):
    return market_order(market, side, quantity=quantity, tif=tif)._replace(
        order_id=order_id, owner=owner, venue="event"
    )


def money_of(reports):
    assert [type(report) for report in reports] == [Fill, Fill], reports
    return reports[0].money


def snapshot(maker):
    return (
        [maker.reserves(market) for market in maker.markets],
        [maker.probability(market) for market in maker.markets],
        [maker.state(market) for market in maker.markets],
    )


def exact_cost(maker, quantities):
    # C(q) x unit to 120 digits, the obvious way.
    with localcontext(Context(prec=120, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        return maker.unit * maker.b * sum((Decimal(q) / maker.b).exp() for q in quantities).ln()


def sold(maker):
    return [-maker.reserves(market)[0] for market in maker.markets]
