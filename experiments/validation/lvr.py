"""Loss versus rebalancing: what a constant-product pool loses to whoever trades it back to the outside price.

A pool of value V faces an outside price that is a random walk in its logarithm. Without a fee an arbitrageur trades at
every step and gains, and the pool loses against a portfolio that holds what the pool holds and trades at the outside
price, sigma^2 / 8 V per unit of time; with volatility sigma_b per step V (1 - exp(-sigma_b^2 / 8)), so that for a
martingale price the expected sum over time T is V_0 (1 - exp(-sigma^2 T / 8)) whatever the step. With a fee, gamma in
log price, there is a band of +-gamma around the pool's price in which nobody trades. Let r = gamma / sigma_b.

    Poisson blocks:  P_trade = 1 / (1 + sqrt(2) r),       gain / V = sigma_b^2/8 P_trade cosh(gamma/2) / (1-sigma_b^2/8)
    fixed blocks:    P_trade = 1 / (0.8239 + sqrt(2) r),  gain / V = sigma_b^2/8 / (1 + 1.71642 r)

per block. Blocks of fixed length are not Poisson: the loss is smaller. The constants are those of a Gaussian walk's
overshoot and hold for r of about 1/2 and more.

Sources: Milionis, Moallemi, Roughgarden and Zhang, Automated market making and loss-versus-rebalancing, 2022; Milionis,
Moallemi and Roughgarden, Automated market making and arbitrage profits in the presence of fees, 2023; Nezlobin and
Tassy, Loss-versus-rebalancing under deterministic and generalized block-times, 2025 (their fee is the whole band).

The run: a constant-product pool that keeps its fee in the reserves, public news of the outside price at every block,
and the sniper as the arbitrageur: it finds the last lot that pays by asking the pool. Gains are those of the fill log
at the fair value, V is twice the pool's money before the trade. A sample is one seed; with a fee its first blocks,
before the mispricing has forgotten its start, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cosh, exp, log1p, sqrt

import numpy as np
from attrs import frozen

from agents.sniper import Sniper
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Simulation, Streams
from marketsim.fairvalue import PoissonJumps
from marketsim.information import PublicNews
from marketsim.metrics import net_gains
from marketsim.metrics.logs import Floats, Integers
from venues.constant_product import ConstantProduct
from venues.pool_measures import lvr_rate

MARKET = "ACME"
PRICE, BASE = 1_000_000, 10_000_000
QUOTE = PRICE * BASE
BLOCK = 1000
"""Steps, on average."""
SIGMA_BLOCK = 0.05 * sqrt(1e-3)
"""5 % a day, blocks of a thousandth of a day: log price."""
BURN_IN = 20
SIGMA = 0.2
"""Of the run without a fee, per unit of time."""
ROUNDING = "trades are whole lots, some 1/10,000 of a typical one"
FEE_INSIDE = "the fee stays in the pool, where the formula pays it out: a difference of the order of the fee"


@frozen
class Band:
    """What the formulas say of a fee.

    Args:
        ppm: millionths of what comes in.
        poisson: whether blocks come at Poisson times.
    """

    ppm: int
    poisson: bool

    @property
    def gamma(self) -> float:
        """The fee in log price."""
        return -log1p(-self.ppm / 1e6)

    @property
    def trade_probability(self) -> float:
        """Share of blocks with a trade."""
        return 1 / ((1 if self.poisson else 0.8239) + sqrt(2) * self.gamma / SIGMA_BLOCK)

    @property
    def loss(self) -> float:
        """Expected gain of the arbitrageur per block and value of the pool."""
        rate = lvr_rate(SIGMA_BLOCK**2, 1.0)
        if self.poisson:
            return rate * self.trade_probability * cosh(self.gamma / 2) / (1 - rate)
        return rate / (1 + 1.71642 * self.gamma / SIGMA_BLOCK)

    @property
    def name(self) -> str:
        return f"{'Poisson' if self.poisson else 'fixed'} blocks, gamma = {self.gamma:.4f}"


BANDS = {
    Band(2_996, poisson=True): 1_400,
    Band(1_000, poisson=True): 900,
    Band(2_996, poisson=False): 1_100,
    Band(1_000, poisson=False): 400,
}
"""gamma = 0.003 and 0.001, to the nearest millionth of the fee; blocks of each seed in a full run."""


def trades(blocks: Integers, logs: Floats, *, fee_ppm: int = 0) -> tuple[Integers, Floats, Floats]:
    """(step, gain of the arbitrageur, value of the pool just before) of each trade of a run.

    Args:
        blocks: steps of news, shape (n,).
        logs: log of the outside price, relative to the opening, at those steps, shape (n,).
        fee_ppm: of the pool.

    Returns:
        Three arrays of one length; gain and value in units of the pool's opening value.
    """
    sizes = np.diff(PRICE * np.exp(np.concatenate(([0.0], logs))))
    horizon = int(blocks[-1])
    value = PoissonJumps(
        opening={MARKET: PRICE}, horizon=horizon, jump_times={MARKET: blocks}, jump_sizes={MARKET: sizes}
    )
    simulation = Simulation(
        venues={"pool": ConstantProduct((MARKET,), BASE, QUOTE, fee_ppm=fee_ppm)},
        agents=[Sniper("arbitrageur", MARKET, quantity=BASE // 10, market_orders_only=True, observation_delay=0)],
        fair_value=value,
        information=PublicNews(),
    )
    legs = simulation.run(horizon).fills.columns()
    own = legs["liquidity"] == "taker"
    gains = net_gains(legs, value, end=horizon)[own] / (2 * QUOTE)
    paid = (legs["side"] * legs["money"])[own].astype(np.float64)
    values: Floats = 1 + np.concatenate(([0.0], np.cumsum(paid)))[:-1] / QUOTE
    return legs["time"][own], gains, values


def without_fee(seed: int, steps: int) -> float:
    """Gain of the arbitrageur in a unit of time, cut in `steps`, over the opening value."""
    variance = SIGMA**2 / steps
    moves = sqrt(variance) * Streams(seed).stream("world").standard_normal(steps) - variance / 2
    _, gains, _ = trades(BLOCK * np.arange(1, steps + 1), np.cumsum(moves))
    return float(gains.sum())


def with_fee(band: Band, seed: int, count: int) -> tuple[float, float]:
    """(share of blocks with a trade, gain over value per block) in a run of `count` blocks, the first ones left out."""
    of_times, of_moves = Streams(seed).stream("world").spawn(2)
    gaps = BLOCK * (of_times.standard_exponential(count) if band.poisson else np.ones(count))
    blocks = np.unique(np.ceil(np.cumsum(gaps)).astype(np.int64))
    moves = of_moves.standard_normal(len(blocks)) * np.sqrt(np.diff(blocks, prepend=0) / BLOCK)
    times, gains, values = trades(blocks, SIGMA_BLOCK * np.cumsum(moves), fee_ppm=band.ppm)
    counted, kept = len(blocks) - BURN_IN, times >= blocks[BURN_IN]
    return float(kept.sum()) / counted, float((gains / values)[kept].sum()) / counted


def run(scale: Scale) -> Sequence[Line]:
    """The loss without a fee, then trades and loss per block with fees, at fixed and at Poisson times."""
    root = Streams(scale.seed)
    paths, steps = scale.pick(quick=(15, 50), full=(60, 200))
    lines = [
        mean_line(
            f"loss without a fee, sigma = {SIGMA}, over V_0",
            1 - exp(-lvr_rate(SIGMA**2, 1.0)),
            [without_fee(root.key(f"free {path}"), steps) for path in range(paths)],
            allowed=1e-6,
            because=ROUNDING,
        )
    ]
    paths = scale.pick(quick=20, full=60)
    for band, most in BANDS.items():
        blocks = scale.pick(quick=100, full=most)
        samples = [with_fee(band, root.key(f"{band.name} {path}"), blocks) for path in range(paths)]
        predictions = {"P_trade": band.trade_probability, "loss over V per block": band.loss}
        for (what, predicted), measured in zip(predictions.items(), zip(*samples, strict=True), strict=True):
            lines.append(
                mean_line(
                    f"{what}, {band.name}", predicted, measured, allowed=band.gamma * predicted, because=FEE_INSIDE
                )
            )
    return lines


CHECK = Check(name="lvr", title="Loss versus rebalancing of a constant-product pool, without and with fees", run=run)
