"""What owning a pool costs: against holding the coins, and against a portfolio that trades at the fair value.

What a pool lost to the latter in a run, its loss versus rebalancing, is what its account `pool:<venue>` did not gain in
its trades. Fees that stay in the pool are part of its money, and make the loss smaller by themselves.

>>> from marketsim.columns import FILL_COLUMNS, Table
>>> from marketsim.fairvalue import ConstantFairValue
>>> from marketsim.metrics import net_gains, trades
>>> from venues.constant_product import ConstantProduct
>>> buy = market_order("ACME", Side.BUY, quantity=90)._replace(order_id=1, owner="ann", venue="amm")
>>> fills = Table(FILL_COLUMNS)  # of a run: `result.fills`
>>> fills.extend(ConstantProduct(("ACME",), base=1000, quote=100_000).submit(buy, 0))
>>> legs = trades(fills)
>>> gains = net_gains(legs, ConstantFairValue({"ACME": 121.0}), end=0)
>>> float(-gains[legs["owner"] == "pool:amm"].sum())  # 90 lots of 121 for 9891
999.0
"""

from __future__ import annotations

from math import isfinite, sqrt

from marketsim.errors import ConfigError


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
