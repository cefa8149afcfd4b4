"""Edges of the constant-product pool: all of its reserve, and the numbers of its matches."""

from __future__ import annotations

import pytest

from marketsim.errors import ConfigError
from marketsim.types import Reason, Side
from tests.constant_product_orders import burn, make_pool, mint, order
from venues.constant_product import swap_exact_out


def test_no_amount_buys_all_of_a_reserve():
    assert swap_exact_out(100, 100, 99) == 9900
    with pytest.raises(ConfigError, match="got 100, wanted less than the reserve 100"):
        swap_exact_out(100, 100, 100)


@pytest.mark.parametrize("refused", [order(Side.BUY, 10, owner="eve"), order(Side.SELL, 1, owner="eve")])
def test_a_refused_swap_says_when_and_against_what(refused):
    (report,) = make_pool(base=10, quote=10).submit(refused, 7)
    assert (report.reason, report.time, report.owner) == (Reason.NO_LIQUIDITY, 7, "eve")
    assert f"{refused.side.name} {refused.quantity} lots against reserves of 10 lots and 10 tick-lots" in report.detail


def test_match_ids_count_up_through_swaps_mints_and_burns():
    pool = make_pool()
    messages = (order(Side.BUY, 3), mint(50), order(Side.SELL, 4), mint(10), burn(20), order(Side.BUY, 1))
    legs = [leg for message in messages for leg in pool.submit(message, 1)]
    # Two legs a match; a mint or a burn is one match for what is paid in or out and one for the shares.
    assert [leg.match_id for leg in legs[::2]] == [leg.match_id for leg in legs[1::2]] == list(range(1, 10))
