"""Every column of a position-state row with its meaning, unit, formula and why it does not leak."""

from __future__ import annotations

from experiments.features.schema import BARS, BOOK, MARKET_FEATURES, TRADES, FeatureRow

ENTRY, PLAN, FROZEN = "the entry", "price plan", "model of the entry, or the entries' file"
PRESSURE = {
    "ret_1m_bps": BARS,
    "ret_5m_bps": BARS,
    "taker_imbalance_1m": TRADES,
    "taker_imbalance_5m": TRADES,
    "book_microprice_basis_bps": BOOK,
    "book_pressure_taker_1m": f"{BOOK} and {TRADES}",
    "book_pressure_taker_5m": f"{BOOK} and {TRADES}",
}
"""Market features that a row repeats from the position's side, and their sources."""

_KNOWN = "known when the position is opened"
_PATH = "uses bars after the entry's up to the row's own; known when that one closes"
_NOW = "uses the entry's close and the row's own"
_SCORED = (
    "the model is fitted on a part of the fit split that ends, with the embargo, before the first entry; a file's "
    "predictions are taken as made by the time of the entry"
)
_NONE = "no row where the entry, or a bar since, is not there; such positions are dropped, never filled"
_MARKET = "nan where the market feature is nan; such rows are dropped"


def _rows(*rows: tuple[str, str, str, str, str, str, str]) -> tuple[FeatureRow, ...]:
    fields = ("name", "meaning", "unit", "source", "window", "formula", "leakage")
    found = []
    for place, row in enumerate(rows, start=1):
        handling = _MARKET if row[0].startswith("side_") else _NONE
        found.append(FeatureRow(**dict(zip(fields, row, strict=True)), null_handling=handling, order=place))
    return tuple(found)


def _pressure() -> list[tuple[str, str, str, str, str, str, str]]:
    units = {row.name: (row.unit, row.window) for row in MARKET_FEATURES}
    return [
        (f"side_{name}", f"{name} in the position's direction", units[name][0], source, units[name][1],
         f"position_side_sign x {name}", "uses the market feature of the row's own bucket, known when that closes")
        for name, source in PRESSURE.items()
    ]  # fmt: skip


STATE_FEATURES = _rows(
    ("position_side_sign", "side of the position", "+1 or -1", ENTRY, "", "+1 long, -1 short", _KNOWN),
    ("time_in_position_minutes", "age of the position", "buckets", ENTRY, "",
     "row's close - entry's close, in buckets", _KNOWN),
    ("unrealized_pnl_bps", "what closing now would bring, after the cost", "bps", BARS, "since entry",
     "long: (close / entry - 1) x 1e4 - cost; short: (entry / close - 1) x 1e4 - cost", _NOW),
    ("mfe_since_entry_bps", "best excursion", "bps", BARS, "since entry",
     "max(0, long: (highest high / entry - 1) x 1e4; short: (entry / lowest low - 1) x 1e4)", _PATH),
    ("mae_since_entry_bps", "worst excursion", "bps", BARS, "since entry",
     "max(0, long: (entry / lowest low - 1) x 1e4; short: (highest high / entry - 1) x 1e4)", _PATH),
    ("distance_to_stop_bps", "how far the price is from the stop; below 0 beyond it", "bps", f"{BARS}, {PLAN}", "",
     "stop = entry x (1 -+ stop_bps / 1e4); long: (close / stop - 1) x 1e4; short: (stop / close - 1) x 1e4", _NOW),
    ("distance_to_target_bps", "how far the price is from the target; below 0 beyond it", "bps", f"{BARS}, {PLAN}", "",
     "target = entry x (1 +- target_bps / 1e4); long: (target / close - 1) x 1e4; short: (close / target - 1) x 1e4",
     _NOW),
    ("entry_predicted_edge_bps", "net edge that was predicted at the entry", "bps", FROZEN, "",
     "the model's regression for the side, of the market features at the entry", _SCORED),
    ("entry_direction_prob", "chance of the side's direction that was predicted at the entry", "probability", FROZEN,
     "", "the model's class probability for the side, of the market features at the entry", _SCORED),
    ("path_efficiency", "gain against the whole range of the path", "ratio", BARS, "since entry",
     "unrealized_pnl_bps / (mfe_since_entry_bps + mae_since_entry_bps + 1)", _PATH),
    ("giveback_from_mfe_bps", "what was given back of the best", "bps", BARS, "since entry",
     "mfe_since_entry_bps - max(unrealized_pnl_bps, 0)", _PATH),
    ("recovery_from_mae_bps", "what was won back of the worst", "bps", BARS, "since entry",
     "unrealized_pnl_bps + mae_since_entry_bps", _PATH),
    ("mfe_mae_ratio", "best against worst", "ratio", BARS, "since entry",
     "mfe_since_entry_bps / (mae_since_entry_bps + 1)", _PATH),
    *_pressure(),
    ("add_count", "adds to the position", "count", ENTRY, "since entry", "adds by the row's close",
     "uses adds by the row's close"),
    ("minutes_since_last_add", "time since the last add", "buckets", ENTRY, "since entry",
     "row's close - close of the bucket of the last add, in buckets; 9999 where nothing was added",
     "uses adds by the row's close"),
)  # fmt: skip
"""The 22 of spec 5, in its order."""

POSITION_FEATURES = MARKET_FEATURES + STATE_FEATURES
