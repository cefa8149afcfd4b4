"""What owning a pool costs: against holding the coins, and against a portfolio that trades at the fair value."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum, isfinite, sqrt

from marketsim.errors import ConfigError
from marketsim.protocols import FairValue
from marketsim.types import Fill, Liquidity


def impermanent_loss(price_ratio: float) -> float:
    """Value of a constant-product pool over that of its opening reserves held, less 1: 2 sqrt(r) / (1 + r) - 1.

    Fees are left out. The loss depends on the two prices only, and is the same for r and 1 / r.

    Args:
        price_ratio: r, price now over price at the opening; above 0.

    Returns:
        From -1 to 0, 0 only at r = 1.

    Raises:
        ConfigError: the ratio is not a finite number above 0.

    >>> impermanent_loss(4.0)
    -0.19999999999999996
    """
    if type(price_ratio) not in {int, float} or not (isfinite(price_ratio) and price_ratio > 0):
        raise ConfigError(f"impermanent_loss: price_ratio: got {price_ratio!r}, wanted a finite number above 0")
    root = sqrt(min(price_ratio, 1 / price_ratio))
    return 2 * root / (1 + root * root) - 1


def lvr_rate(variance: float, value: float) -> float:
    """Loss versus rebalancing per unit of time of a constant-product pool without fee: sigma**2 / 8 x value.

    Args:
        variance: sigma**2, of the log price per unit of time.
        value: of both reserves at the fair price, 2 sqrt(k P), in any money.

    Returns:
        Money per unit of time, as `value`.

    Raises:
        ConfigError: an argument is negative or not a finite number.

    References:
        Milionis, Moallemi, Roughgarden and Zhang, Automated market making and loss-versus-rebalancing, 2022, theorem 1
        and its constant-product example.

    >>> lvr_rate(0.04, 2.0)
    0.01
    """
    for name, number in (("variance", variance), ("value", value)):
        if type(number) not in {int, float} or not (isfinite(number) and number >= 0):
            raise ConfigError(f"lvr_rate: {name}: got {number!r}, wanted a finite number of at least 0")
    return variance * value / 8


def loss_versus_rebalancing(fills: Iterable[Fill], fair_value: FairValue, *, account: str) -> float:
    """What `account` lost by not trading at the fair value: the sum of side x (money - lots x fair(t)) over its fills.

    Fees that stay in a pool are part of its money and lots: for a pool with a fee this is the loss versus rebalancing
    less the fees. Mints, burns and settlements are no trades and left out.

    Args:
        fills: legs, of any accounts.
        fair_value: in ticks, at every time of a fill.
        account: such as `pool:<venue>`.

    Returns:
        Tick-lots; positive where the account lost.

    References:
        Milionis, Moallemi, Roughgarden and Zhang, Automated market making and loss-versus-rebalancing, 2022, section 3.

    >>> from marketsim.fairvalue import ConstantFairValue
    >>> from marketsim.types import Side
    >>> leg = Fill(1, 0, "pool:amm", "ACME", "amm", 0, Side.SELL, 2, 90, 180, 0, Liquidity.MAKER, None, None)
    >>> loss_versus_rebalancing([leg], ConstantFairValue({"ACME": 100.0}), account="pool:amm")
    20.0
    """
    return fsum(
        fill.side * (fill.money - fill.quantity * fair_value.at(fill.market, fill.time))
        for fill in fills
        if fill.owner == account and fill.liquidity is not Liquidity.TRANSFER
    )
