"""Loss versus rebalancing, as the metrics of a fill log tell it."""

from __future__ import annotations

from marketsim.columns import FILL_COLUMNS, Table
from marketsim.metrics import net_gains, trades


def loss_versus_rebalancing(fills, fair_value, *, account, end):
    """What `account` lost, in tick-lots, by trading at the prices of `fills` and not at the fair value."""
    log = Table(FILL_COLUMNS)
    log.extend(fills)
    legs = trades(log)
    return -float(net_gains(legs, fair_value, end=end)[legs["owner"] == account].sum())
