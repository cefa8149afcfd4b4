"""Every column and label of a row against plain loops over Python numbers, written from the specification alone."""

from __future__ import annotations

from math import ceil, isnan

import pandas as pd
import pytest

from experiments.features.market import market_features
from experiments.features.schema import MARKET_FEATURES, names
from experiments.position.labels import continue_labels
from experiments.position.schema import POSITION_FEATURES, PRESSURE, STATE_FEATURES
from experiments.position.state import NEVER_ADDED, state_rows
from tests.experiments.position.build import BUCKET, GAP_AT, bars_of, entries_of, study

STUDY = study(ages=(1, 3, 7), cost_bps=2.5, stop_bps=12.0, target_bps=18.0, continue_edge_bps=1.5)
ROWS = 72


@pytest.fixture(scope="module")
def data():
    bars = bars_of(ROWS)
    market = market_features(bars, STUDY.grid)
    entries = entries_of(bars, 60)
    rows = state_rows(bars, market, entries.table, entries.adds, STUDY)
    return bars.to_dict("records"), market.to_dict("records"), entries, rows


def path(bars, opened, age):
    """The bars from the entry's to that of the row; None where one of them is not there."""
    by_time = {bar["open_time_ms"]: bar for bar in bars}
    wanted = [opened + each * BUCKET for each in range(age + 1)]
    return None if any(time not in by_time for time in wanted) else [by_time[time] for time in wanted]


def adds_by(entries, number, opened, age):
    """Ages of the position at its adds."""
    own = entries.adds[entries.adds["entry"] == number]["time_ms"].tolist()
    ages = [ceil(time / BUCKET) - 1 - opened // BUCKET for time in own]
    return [each for each in ages if each <= age]


def by_hand(bars, market, entries, number, age):
    entry = entries.table.iloc[number]
    opened = (ceil(entry["time_ms"] / BUCKET) - 1) * BUCKET
    held = path(bars, opened, age)
    if held is None:
        return None
    paid, now = held[0]["close"], held[-1]["close"]
    high, low = max(bar["high"] for bar in held[1:]), min(bar["low"] for bar in held[1:])
    long = entry["side"] == "long"
    pnl = (now / paid - 1 if long else paid / now - 1) * 1e4 - 2.5
    mfe = max(0.0, (high / paid - 1 if long else paid / low - 1) * 1e4)
    mae = max(0.0, (paid / low - 1 if long else high / paid - 1) * 1e4)
    stop, target = (paid * 0.9988, paid * 1.0018) if long else (paid * 1.0012, paid * 0.9982)
    added = adds_by(entries, number, opened, age)
    features = next(row for row in market if row["open_time_ms"] == held[-1]["open_time_ms"])
    sign = 1 if long else -1
    state = {
        "position_side_sign": sign,
        "time_in_position_minutes": age,
        "unrealized_pnl_bps": pnl,
        "mfe_since_entry_bps": mfe,
        "mae_since_entry_bps": mae,
        "distance_to_stop_bps": (now / stop - 1 if long else stop / now - 1) * 1e4,
        "distance_to_target_bps": (target / now - 1 if long else now / target - 1) * 1e4,
        "entry_predicted_edge_bps": entry["predicted_edge_bps"],
        "entry_direction_prob": entry["probability"],
        "path_efficiency": pnl / (mfe + mae + 1),
        "giveback_from_mfe_bps": mfe - max(pnl, 0),
        "recovery_from_mae_bps": pnl + mae,
        "mfe_mae_ratio": mfe / (mae + 1),
        **{f"side_{name}": sign * features[name] for name in PRESSURE},
        "add_count": len(added),
        "minutes_since_last_add": age - max(added) if added else NEVER_ADDED,
    }
    return {"open_time_ms": opened + age * BUCKET, **{name: features[name] for name in names(MARKET_FEATURES)}, **state}


def test_every_column_of_every_row(data):
    bars, market, entries, rows = data
    wanted = {}
    for age in STUDY.ages:
        for number in range(len(entries.table)):
            row = by_hand(bars, market, entries, number, age)
            if row is not None:
                wanted[number, age] = row
    found = {(row["entry"], row["time_in_position_minutes"]): row for row in rows.to_dict("records")}
    assert list(found) == list(wanted)
    assert len(found) > 100
    for key, row in wanted.items():
        got = {name: found[key][name] for name in row}
        assert got == pytest.approx(row, rel=1e-9, abs=1e-9, nan_ok=True), key
    assert list(rows.columns) == ["entry", "side", "open_time_ms", *names(POSITION_FEATURES)]
    assert {row["add_count"] for row in wanted.values()} >= {0, 1, 2}
    for name in names(STATE_FEATURES):
        assert len(rows[name].unique()) > 1, name


def test_no_path_reaches_over_the_gap(data):
    bars, _, entries, rows = data
    before, after = bars[GAP_AT - 1]["open_time_ms"], bars[GAP_AT]["open_time_ms"]
    opened = rows["open_time_ms"] - rows["time_in_position_minutes"].astype(int) * BUCKET
    assert not ((opened <= before) & (rows["open_time_ms"] >= after)).any()
    # Positions near the gap are there, so the test can fail.
    assert ((opened <= before) & (opened > before - 7 * BUCKET)).any()
    assert ((opened >= after) & (opened < after + 7 * BUCKET)).any()
    times = entries.table["time_ms"]
    assert (times < bars[0]["open_time_ms"]).any()
    assert (times > bars[-1]["open_time_ms"] + BUCKET).any()


def test_labels(data):
    bars, *_ = data
    labels = continue_labels(pd.DataFrame(bars), STUDY)
    seen = {0.0: 0, 1.0: 0, "far": 0}
    for row in labels.to_dict("records"):
        ahead = path(bars, row["open_time_ms"], STUDY.horizon)
        if ahead is None:
            assert isnan(row["expected_continue_edge_bps"])
            assert isnan(row["continue_target"])
            continue
        now, then = ahead[0]["close"], ahead[-1]["close"]
        high, low = max(bar["high"] for bar in ahead[1:]), min(bar["low"] for bar in ahead[1:])
        long = row["side"] == "long"
        edge = (then / now - 1 if long else now / then - 1) * 1e4 - 2.5
        adverse = (now / low - 1 if long else high / now - 1) * 1e4
        right = float(edge >= 1.5 and adverse < 12.0)
        assert row["expected_continue_edge_bps"] == pytest.approx(edge, rel=1e-9, abs=1e-9)
        assert row["continue_target"] == right
        seen[right] += 1
        seen["far"] += edge >= 1.5 and adverse >= 12.0
    assert min(seen.values()) > 0, seen
    assert len(labels) == 2 * ROWS


def test_a_short_is_a_long_on_the_reciprocal_of_the_path(data):
    records, _, entries, _ = data
    bars = pd.DataFrame(records)
    mirror = bars.assign(close=1 / bars["close"], high=1 / bars["low"], low=1 / bars["high"], open=1 / bars["open"])
    flipped = entries.table.assign(side=entries.table["side"].map({"long": "short", "short": "long"}))
    market = market_features(bars, STUDY.grid)
    one = state_rows(bars, market, entries.table, entries.adds, STUDY)
    other = state_rows(mirror, market, flipped, entries.adds, STUDY)
    for name in ("unrealized_pnl_bps", "mfe_since_entry_bps", "mae_since_entry_bps", "path_efficiency"):
        assert other[name].tolist() == pytest.approx(one[name].tolist(), rel=1e-9, abs=1e-9)
    same, turned = continue_labels(bars, STUDY), continue_labels(mirror, STUDY)
    half = len(bars)
    swapped = pd.concat([turned.iloc[half:], turned.iloc[:half]])["expected_continue_edge_bps"]
    assert swapped.tolist() == pytest.approx(same["expected_continue_edge_bps"].tolist(), abs=1e-8, nan_ok=True)


def test_schema_names_every_feature_with_its_leakage():
    assert len(STATE_FEATURES) == 22
    assert [row.order for row in STATE_FEATURES] == list(range(1, 23))
    assert all(row.leakage for row in POSITION_FEATURES)
    assert len(set(names(POSITION_FEATURES))) == len(POSITION_FEATURES)
