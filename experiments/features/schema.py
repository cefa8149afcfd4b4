"""Every feature with its meaning, unit, source, window, formula, null handling and why it does not leak."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from attrs import field, frozen

from marketsim import checks

BOOK, TRADES, BARS = "book snapshots", "trade tape", "bars"
_WARM_UP = "nan until the window is full within a segment, and where an input is nan; such rows are dropped"
_DIRECT = "nan where an input is nan; such rows are dropped"
_PAST = "uses rows up to its own bucket only; known when that bucket closes"


@frozen(kw_only=True)
class FeatureRow:
    """What a reader of a study must know of one feature.

    Attributes:
        name: of its column.
        meaning: in a few words.
        unit: "ratio", "bps", "zscore" ...
        source: what data it needs.
        window: in buckets, written as the minutes of the default width; "" where it has none.
        formula: over rows of the feature frame.
        null_handling: when it is nan, and what then happens.
        leakage: why it knows nothing of the future.
        order: its place, from 1.
    """

    name: str = field(validator=checks.name)
    meaning: str = field(validator=checks.name)
    unit: str = field(validator=checks.name)
    source: str = field(validator=checks.name)
    window: str
    formula: str = field(validator=checks.name)
    null_handling: str = field(validator=checks.name)
    leakage: str = field(validator=checks.name)
    order: int = field(validator=checks.integer(1))


def feature_rows(
    *rows: tuple[str, str, str, str, str, str], null_handling: str = _WARM_UP, leakage: str = _PAST
) -> tuple[FeatureRow, ...]:
    """Rows in order, from (name, meaning, unit, source, window, formula)."""
    fields = ("name", "meaning", "unit", "source", "window", "formula")
    return tuple(
        FeatureRow(
            **dict(zip(fields, row, strict=True)),
            null_handling=null_handling if row[4] else _DIRECT,
            leakage=leakage,
            order=place,
        )
        for place, row in enumerate(rows, start=1)
    )


_BASIS = "basis = (microprice / mid - 1) x 1e4, microprice = (ask x bid size + bid x ask size) / (bid size + ask size)"
_TAKER = "(bought - sold by takers) / volume, summed over the window; 0 without a trade; a trade without a taker adds 0"
_SOURCE = "close is the mid where a book is recorded, else the last trade's price"

MARKET_FEATURES = feature_rows(
    ("ret_1m_bps", "return of a bucket", "bps", BARS, "1m", f"(close / close 1 before - 1) x 1e4; {_SOURCE}"),
    ("ret_5m_bps", "return of 5 buckets", "bps", BARS, "5m", "(close / close 5 before - 1) x 1e4"),
    ("ret_15m_bps", "return of 15 buckets", "bps", BARS, "15m", "(close / close 15 before - 1) x 1e4"),
    ("volatility_15m_bps", "size of recent moves", "bps", BARS, "15m", "sample standard deviation of ret_1m_bps"),
    ("taker_imbalance_1m", "which side took", "ratio", TRADES, "1m", _TAKER),
    ("taker_imbalance_5m", "which side took, 5 buckets", "ratio", TRADES, "5m", _TAKER),
    ("spread_rank_24h_pct", "how wide the spread is against the last day", "share in (0, 1]", BOOK, "24h",
     "rank of spread_bps = (ask - bid) / mid x 1e4 among the window's, ties at their mean rank, / rows of the window"),
    ("book_microprice_basis_bps", "where the sizes at the best prices lean", "bps", BOOK, "", _BASIS),
    ("book_pressure_taker_1m", "lean of the book times what takers did; above 0 where both agree", "bps",
     f"{BOOK} and {TRADES}", "1m", "book_microprice_basis_bps x taker_imbalance_1m"),
    ("book_pressure_taker_5m", "lean of the book times what takers did in 5 buckets; above 0 where both agree", "bps",
     f"{BOOK} and {TRADES}", "5m", "book_microprice_basis_bps x taker_imbalance_5m"),
)  # fmt: skip
"""The market features of both studies. The sources name them without a formula: returns, imbalance, rank and basis have
their standard form; book pressure is read as the product of its two named parts, as their unit (bps) and the sources'
other crosses suggest, so that its sign says whether book and takers agree and not which way."""

_LEVELS = {"ofi_l1": "the best level", "mlofi_l5": "levels 0 to 4", "mlofi_l20": "levels 0 to 19"}
_MEANING = "net demand added to the book, against what stands there"


def _flow(feature: str, minutes: int) -> tuple[str, str, str, str, str, str]:
    formula = (
        f"sum of snapshot imbalance (size x price) of {_LEVELS[feature]} over the window / max(1e-12, mean over the "
        "window of bid price x size + ask price x size of these levels)"
    )
    return f"{feature}_{minutes}m", f"{_MEANING}, {_LEVELS[feature]}", "ratio", BOOK, f"{minutes}m", formula


def _zscore(feature: str) -> tuple[str, str, str, str, str, str]:
    meaning = f"how unusual {feature} is against the last 240 buckets"
    formula = f"({feature} - mean) / sample standard deviation, over the window; nan where it is 0"
    return f"{feature}_zscore_240m", meaning, "zscore", BOOK, "240m", formula


OFI_FEATURES = feature_rows(
    *(_flow("ofi_l1", minutes) for minutes in (1, 3, 5, 15)),
    *(_flow("mlofi_l5", minutes) for minutes in (1, 5)),
    *(_flow("mlofi_l20", minutes) for minutes in (1, 5)),
    ("mlofi_l5_l20_gap_1m", "near against deep levels", "ratio", BOOK, "1m", "mlofi_l5_1m - mlofi_l20_1m"),
    ("microprice_basis_change_1m_bps", "change of the lean", "bps", BOOK, "1m", f"basis - basis 1 before; {_BASIS}"),
    ("microprice_basis_change_5m_bps", "change of the lean", "bps", BOOK, "5m", f"basis - basis 5 before; {_BASIS}"),
    _zscore("ofi_l1_5m"),
    _zscore("mlofi_l20_5m"),
    ("ofi_l1_5m_clipped", "ofi_l1_5m without its tails", "ratio", BOOK, "5m", "ofi_l1_5m clipped to [-5, 5]"),
    ("ofi_l1_taker_5m", "whether book and takers agree", "ratio", f"{BOOK} and {TRADES}", "5m",
     "ofi_l1_5m_clipped x taker_imbalance_5m"),
    ("ofi_l1_spread_rank_5m", "imbalance where the spread is wide", "ratio", BOOK, "5m",
     "ofi_l1_5m_clipped x spread_rank_24h_pct"),
)  # fmt: skip
"""The sixteen of the order-flow imbalance study, in their order."""

FEATURES = MARKET_FEATURES + OFI_FEATURES
"""All of this package."""


def names(rows: Iterable[FeatureRow]) -> list[str]:
    """Column names in order."""
    return [row.name for row in rows]


def available(frame: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Those of `columns` with a value in some row; a source that is not there leaves its features nan throughout."""
    return [column for column in columns if frame[column].notna().any()]
