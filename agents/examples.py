"""One ready-made agent of each kind, trading market "ACME" around 10,000 ticks, for the conformance kit."""

from __future__ import annotations

from math import log

from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import Capital
from agents.flow import Investor, NoiseTrader
from agents.gaussian import GaussianTrader
from agents.market_maker import MarketMaker, NewsMaker
from agents.sniper import Sniper

MARKET, PRICE = "ACME", 10_000.0


def _belief() -> dict[str, ScalarBelief]:
    return {MARKET: ScalarBelief(log(PRICE), 3.0, process_variance=1e-6)}


def bootstrap_ladder() -> BootstrapLadder:
    return BootstrapLadder("bootstrap", {MARKET: PRICE}, quantity=40)


def gaussian_trader() -> GaussianTrader:
    return GaussianTrader("gaussian", _belief(), Capital(10_000_000), 10, review_interval=50)


def investor() -> Investor:
    return Investor("investor", MARKET, arrival_rate=20.0)


def market_maker() -> MarketMaker:
    return MarketMaker("maker", _belief(), 0.7, 10, 1_000_000, review_interval=50)


def news_maker() -> NewsMaker:
    return NewsMaker("maker", MARKET, PRICE, 2.0)


def noise_trader() -> NoiseTrader:
    return NoiseTrader("noise", (MARKET,), Capital(10_000_000), 5, arrival_rate=20.0)


def sniper() -> Sniper:
    return Sniper("sniper", MARKET)
