"""One ready-made venue of each kind, for the conformance kit and for a first try."""

from __future__ import annotations

from venues.clob import ContinuousBook
from venues.concentrated import ConcentratedPool
from venues.constant_product import ConstantProduct
from venues.fba import BatchAuction
from venues.hybrid import Hybrid
from venues.lmsr import LMSR
from venues.pooled_auction import PooledAuction
from venues.quote_replay import QuoteReplayVenue
from venues.replay import ReplayVenue


def clob() -> ContinuousBook:
    """Two markets, no fees."""
    return ContinuousBook(("ACME", "BOLT"))


def fba() -> BatchAuction:
    """Two markets, cleared every 10 steps."""
    return BatchAuction(("ACME", "BOLT"), 10)


def constant_product() -> ConstantProduct:
    """A pool of a million lots at 100 ticks, with a fee of 0.3 %."""
    return ConstantProduct(("ACME",), 1_000_000, 100_000_000, fee_ppm=3000)


def lmsr() -> LMSR:
    """Two outcomes, of which the winning one pays 1000 ticks a lot."""
    return LMSR(("YES", "NO"), 100_000, 1000)


def concentrated() -> ConcentratedPool:
    """A pool at 100 ticks with one wide range of liquidity and a fee of 0.3 %."""
    return ConcentratedPool(("ACME",), price=100, positions=((0, 92_040, 10_000_000),))


def hybrid() -> Hybrid:
    """A book in front of a pool of a million lots at 100 ticks."""
    return Hybrid(("ACME",), base=1_000_000, quote=100_000_000, layer="pool")


def pooled_auction() -> PooledAuction:
    """An auction every 10 steps, with a pool of a million lots at 100 ticks in every batch."""
    return PooledAuction(("ACME",), 10, base=1_000_000, quote=100_000_000)


def replay() -> ReplayVenue:
    """A tape that has told nothing yet."""
    return ReplayVenue(("ACME",))


def quote_replay() -> QuoteReplayVenue:
    """Two markets, one of which opens with two quotes a side."""
    opening = {"ACME": (((99, 200), (98, 300)), ((101, 150), (102, 400)))}
    return QuoteReplayVenue(("ACME", "BOLT"), opening=opening)
