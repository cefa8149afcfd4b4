"""The venues that the kit is run on; each is held to its own claims."""

from __future__ import annotations

from marketsim.testing import PostedPrice, ReferenceAuction, ReferenceBook, ReferencePool
from venues.clob import ContinuousBook
from venues.concentrated import ConcentratedPool
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.hybrid import Hybrid
from venues.lmsr import LMSR
from venues.pooled_auction import PooledAuction
from venues.replay import ReplayVenue

TWO = ("A", "B")


def _book(**options):
    return lambda: ContinuousBook(TWO, **options)


def _auction(pi=10, **options):
    return lambda: BatchAuction(TWO, pi, **options)


VENUES = {
    "posted-price": lambda: PostedPrice(("A",)),
    "reference-book": lambda: ReferenceBook(TWO),
    "reference-auction": lambda: ReferenceAuction(TWO),
    "reference-pool": lambda: ReferencePool(("A",)),
    "clob": _book(),
    "clob-grid": _book(price_step=5, quantity_step=10, maker_fee_ppm=-100, taker_fee_ppm=300, depth=3),
    "clob-cancel-taker": _book(self_trade="cancel-taker"),
    "clob-cancel-maker": _book(self_trade="cancel-maker"),
    "clob-cancel-both": _book(self_trade="cancel-both"),
    "clob-decrement": _book(self_trade="decrement"),
    "fba": _auction(),
    "fba-1": _auction(1),
    "fba-grid": _auction(7, price_step=5, quantity_step=10, fee_ppm=500),
    "fba-k": _auction(price_rule="k", k=0.3, allocation="pro-rata"),
    "fba-reference": _auction(price_rule="reference", allocation="time"),
    "fba-sealed": _auction(published="sealed", self_trade="refuse-newest"),
    "fba-volume-midpoint": _auction(price_rule="volume_midpoint"),
    "constant-product": lambda: ConstantProduct(("A",), base=10**6, quote=10**8, fee_ppm=3000),
    "constant-product-small": lambda: ConstantProduct(("A",), base=500, quote=50_000),
    "constant-product-tiny": lambda: ConstantProduct(("A",), 10, 1000),
    "lmsr": lambda: LMSR(("yes", "no", "maybe"), b=1000, unit=1000),
    "hybrid-pool": lambda: Hybrid(("A",), base=10**6, quote=10**8, pool_fee_ppm=3000, taker_fee_ppm=500),
    "hybrid-ladder": lambda: Hybrid(("A",), base=1, quote=1000, layer="ladder"),
    "pooled-auction": lambda: PooledAuction(("A",), 10, base=10**6, quote=10**8),
    "replay": lambda: ReplayVenue(("A",)),
    "concentrated": lambda: ConcentratedPool(("A",), price=2500, fee_ppm=3000, positions=((75000, 81000, 10**9),)),
}
