"""Measures of a finished run: pure functions of its logs, a fair value and plain parameters.

A log is a table of a `Result`, its frame, or its columns. Units: prices and everything "per lot" are ticks, quantities
lots, sums of money tick-lots, times steps. `end` is the run's horizon; fair value and quotes beyond it are nan, and
every table counts what it leaves out for that reason. All of it works on an empty log.

Measures of trading take trades: give them `trades(result.fills)` where pools were minted or events settled.

Where several of these are wanted of one run, pass `result.fills.columns()` rather than `result.fills`: a table builds
its columns at every call.
"""

from marketsim.metrics.activity import activity_table, quoting_rows, quoting_table, volume
from marketsim.metrics.attribution import Attribution, attribute, bin_shares, counterparty_shares, quote_ages
from marketsim.metrics.discovery import (
    Discovery,
    HalfGaps,
    convergence_time,
    half_gaps,
    price_discovery,
    public_prices,
)
from marketsim.metrics.fit import nis_band
from marketsim.metrics.immediacy import immediacy_rows, immediacy_table, shortfall_legs, unfilled_orders
from marketsim.metrics.logs import (
    Columns,
    Log,
    QuoteHistory,
    columns_of,
    dot,
    fair_marks,
    fair_paths,
    trades,
    weighted_mean,
)
from marketsim.metrics.markout import markout_table, markouts, markouts_to_mid
from marketsim.metrics.order_flow import ImpactFit, event_imbalance, impact_regression, snapshot_imbalance
from marketsim.metrics.spreads import half_spreads, spread_columns, spread_legs, spread_table
from marketsim.metrics.wealth import (
    FEES,
    exact_wealth,
    net_gains,
    pnl_by_role,
    pnl_decomposition,
    role_transfers,
    transfer_matrix,
    wealth_table,
)
from marketsim.result import role_of

__all__ = [
    "FEES",
    "Attribution",
    "Columns",
    "Discovery",
    "HalfGaps",
    "ImpactFit",
    "Log",
    "QuoteHistory",
    "activity_table",
    "attribute",
    "bin_shares",
    "columns_of",
    "convergence_time",
    "counterparty_shares",
    "dot",
    "event_imbalance",
    "exact_wealth",
    "fair_marks",
    "fair_paths",
    "half_gaps",
    "half_spreads",
    "immediacy_rows",
    "immediacy_table",
    "impact_regression",
    "markout_table",
    "markouts",
    "markouts_to_mid",
    "net_gains",
    "nis_band",
    "pnl_by_role",
    "pnl_decomposition",
    "price_discovery",
    "public_prices",
    "quote_ages",
    "quoting_rows",
    "quoting_table",
    "role_of",
    "role_transfers",
    "shortfall_legs",
    "snapshot_imbalance",
    "spread_columns",
    "spread_legs",
    "spread_table",
    "trades",
    "transfer_matrix",
    "unfilled_orders",
    "volume",
    "wealth_table",
    "weighted_mean",
]
