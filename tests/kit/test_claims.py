"""What the built-in venues claim, option by option: a rule that is claimed is a rule that the kit checks."""

from __future__ import annotations

import pytest

from marketsim.testing import CLAIMS
from tests.kit.venues_under_test import VENUES
from venues.fba import BatchAuction

BOOK = {"price-time", "never-crossed", "open-book", "price-shift", "size-scale", "side-mirror"}
AUCTION = {"uniform-price", "market-clearing", "pro-rata", "open-book", "price-shift", "size-scale", "side-mirror"}
CLAIMED = {
    "clob": BOOK,
    "clob-decrement": BOOK,
    "fba": AUCTION,
    "fba-k": AUCTION - {"side-mirror"},
    "fba-reference": AUCTION - {"side-mirror", "pro-rata"},
    "fba-sealed": AUCTION - {"open-book"},
    "fba-volume-midpoint": AUCTION - {"side-mirror", "market-clearing"},
    "pooled-auction": {"uniform-price"},
    "hybrid-pool": {"price-time", "never-crossed"},
    "constant-product": set(),
    "concentrated": set(),
    "lmsr": set(),
    "replay": set(),
}


@pytest.mark.parametrize("name", CLAIMED)
def test_a_venue_claims_the_rules_that_hold_under_its_options(name):
    claims = VENUES[name]().claims
    assert set(claims) == CLAIMED[name] | {"self-checking"}
    assert len(claims) == len(set(claims))
    assert set(claims) <= set(CLAIMS)


def test_an_auction_that_rations_all_alike_claims_no_more_than_one_price():
    claims = BatchAuction(("A",), 10, allocation="pro_rata_all").claims
    assert set(claims) == {"self-checking", "uniform-price", "open-book", "price-shift"}
