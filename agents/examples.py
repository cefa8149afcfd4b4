"""One ready-made agent of each kind, trading market "ACME" around 10,000 ticks, for the conformance kit."""

from __future__ import annotations

from math import log

from agents.aggregated import AggregatedEvidenceTrader
from agents.background import Momentum, ZeroIntelligence
from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import Capital
from agents.edge import EdgeTrading
from agents.execution.agents import TWAP, VWAP, ContKukanov, FixedSplit, PercentOfVolume, SweepBest
from agents.execution.cost import Costs
from agents.execution.parent import ParentOrder
from agents.factor_belief import FactorBelief
from agents.flow import Investor, NoiseTrader
from agents.gaussian import GaussianTrader
from agents.imbalance import ImbalanceModel, ImbalanceTrader
from agents.joint_factor import JointFactorTrader
from agents.market_maker import MarketMaker, NewsMaker
from agents.recorder import BookRecorder
from agents.sniper import Sniper
from marketsim.types import Side

MARKET, PRICE = "ACME", 10_000.0


def _belief() -> dict[str, ScalarBelief]:
    return {MARKET: ScalarBelief(log(PRICE), 3.0, process_variance=1e-6)}


def aggregated_evidence() -> AggregatedEvidenceTrader:
    trading = EdgeTrading(Capital(10_000_000), 10)
    return AggregatedEvidenceTrader("aggregated", _belief(), trading, weights={}, review_interval=50)


def book_recorder() -> BookRecorder:
    return BookRecorder("recorder", (MARKET,), review_interval=20)


def bootstrap_ladder() -> BootstrapLadder:
    return BootstrapLadder("bootstrap", {MARKET: PRICE}, quantity=40)


def gaussian_trader() -> GaussianTrader:
    return GaussianTrader("gaussian", _belief(), EdgeTrading(Capital(10_000_000), 10), review_interval=50)


def imbalance_trader() -> ImbalanceTrader:
    model = ImbalanceModel(((1, 1, 5.0), (5, 3, 10.0)), threshold=1.0)
    return ImbalanceTrader("imbalance", MARKET, model, hold=3, review_interval=20)


def investor() -> Investor:
    return Investor("investor", MARKET, arrival_rate=20.0)


def joint_factor() -> JointFactorTrader:
    belief = FactorBelief({MARKET: log(PRICE)}, {MARKET: (1.5, 0.1, -0.1)}, 1.0, process_variance=1e-6)
    return JointFactorTrader("joint", belief, EdgeTrading(Capital(10_000_000), 10), review_interval=50)


def market_maker() -> MarketMaker:
    return MarketMaker("maker", _belief(), 0.7, 10, 1_000_000, review_interval=50)


def momentum_trader() -> Momentum:
    return Momentum("momentum", MARKET, review_interval=20)


def news_maker() -> NewsMaker:
    return NewsMaker("maker", MARKET, PRICE, 2.0)


def noise_trader() -> NoiseTrader:
    return NoiseTrader("noise", (MARKET,), Capital(10_000_000), 5, arrival_rate=20.0)


def sniper() -> Sniper:
    return Sniper("sniper", MARKET)


def zero_intelligence() -> ZeroIntelligence:
    return ZeroIntelligence("zero", (MARKET,), arrival_rate=50.0)


def cont_kukanov() -> ContKukanov:
    costs = Costs(half_spread=1.0, fee=0.2, rebates=(0.1,), impact=0.05, under=4.0, over=3.0)
    return ContKukanov("cont-kukanov", _parent(start=150, deadline=250), costs)


def fixed_split() -> FixedSplit:
    return FixedSplit("fixed-split", _parent())


def percent_of_volume() -> PercentOfVolume:
    return PercentOfVolume("percent-of-volume", _parent(), rate=0.2)


def sweep_best() -> SweepBest:
    return SweepBest("sweep-best", _parent())


def twap() -> TWAP:
    return TWAP("twap", _parent())


def vwap() -> VWAP:
    return VWAP("vwap", _parent(), (3.0, 1.0, 1.0, 2.0))


def _parent(*, start: int = 50, deadline: int = 250) -> ParentOrder:
    return ParentOrder(MARKET, Side.BUY, 60, deadline, start)
