"""Edges of the logarithmic market scoring rule: costs that 50 digits hardly tell from whole numbers, far openings."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal, localcontext

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Side
from tests.lmsr_orders import exact_cost, money_of, order, outcomes
from venues.lmsr import LMSR

MOST = 2**53


def exact(maker, quantity):
    """What `quantity` lots of the first outcome cost at the opening, in tick-lots, to some 80 digits."""
    opening = maker.opening or (0,) * len(maker.markets)
    with localcontext(Context(prec=120)):
        return exact_cost(maker, (opening[0] + quantity, *opening[1:])) - exact_cost(maker, opening)


# From even odds of two, q lots cost unit (q / 2 + q^2 / (8 b) - q^4 / (192 b^3) + ...). Here the first two terms are
# whole, and the third is nothing beside the bound of the error or about as large.
@pytest.mark.parametrize(
    ("b", "unit", "quantity"),
    [
        *[(MOST, MOST, quantity) for quantity in (4, 34_000, 39_200, 40_800, 48_000)],
        *[(b, 8 * b * 90_000, 1) for b in (10_950_000_000, 11_700_000_000)],
    ],
)
def test_a_cost_is_the_exact_one_and_a_bound_of_the_error_rounded_up(b, unit, quantity):
    maker = LMSR(("yes", "no"), b, unit)
    with localcontext(Context(prec=120)):
        cost = exact(maker, quantity)
        assert abs(cost - cost.to_integral_value()) < Decimal("1e-14")
        bound = unit * (4 * MOST + 4 * b * (2 + 2)) * Decimal("1e-49")
        expected = int((cost + bound).to_integral_value(ROUND_CEILING))
    assert maker.estimate_impact("yes", Side.BUY, quantity) == (quantity, expected)


def test_a_cost_just_above_a_whole_number_is_not_rounded_down_to_it():
    # Of three, q lots cost unit (q / 3 + q^2 / (9 b) + q^3 / (81 b^2) - ...).
    b = MOST - 2
    maker = LMSR(outcomes(3), b, b)
    with localcontext(Context(prec=120)):
        assert 0 < exact(maker, 3) - (b + 1) < Decimal("1e-16")
    assert money_of(maker.submit(order("o0", Side.BUY, 3), 0)) == b + 2


def test_a_lot_costs_no_more_than_it_can_pay():
    maker = LMSR(("yes", "no"), 1, 1000, opening=(MOST - 10, 0))
    assert money_of(maker.submit(order("yes", Side.BUY, 5), 0)) == 5000
    # And nothing is paid for what is worth nothing.
    assert maker.estimate_impact("no", Side.SELL, 5) == (0, 0)


@pytest.mark.parametrize("far", [MOST, -MOST])
def test_an_opening_may_be_as_far_as_lots_go(far):
    assert LMSR(("yes", "no"), 100, 1000, opening=(far, 0)).probability("yes") == float(far > 0)
    with pytest.raises(ConfigError, match=r"LMSR\.opening"):
        LMSR(("yes", "no"), 100, 1000, opening=(far + (1 if far > 0 else -1), 0))
