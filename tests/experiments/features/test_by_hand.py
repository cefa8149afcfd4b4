"""Every feature and label against plain loops over Python lists, written from the specification alone."""

from __future__ import annotations

from math import isnan, nan, sqrt

import pytest

from experiments.features.books import snapshots
from experiments.features.labels import LabelPlan, direction_labels, future_adverse_bps
from experiments.features.market import book_rows, market_features
from experiments.features.ofi import ofi_features
from experiments.features.schema import MARKET_FEATURES, OFI_FEATURES, names
from experiments.features.tapes import tape_bars
from experiments.features.windows import Grid, segments
from tests.experiments.features.build import BUCKET, GAP_AT, book_frame, opening, tape_frame

ROWS = 64
GRID = Grid(bucket_ms=BUCKET, zscore=12, spread_rank=9)
TIMES = opening(ROWS)


def back(row, count):
    """Rows of a window of `count` that ends at `row`; None where it would reach over the gap or the start."""
    first = row - count + 1
    start = GAP_AT if row >= GAP_AT else 0
    return None if first < start else list(range(first, row + 1))


def over(function, row, count, values):
    window = back(row, count)
    known = [nan] if window is None else [values[each] for each in window]
    return nan if any(isnan(each) for each in known) else function(known)


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    centre = mean(values)
    return sqrt(sum((each - centre) ** 2 for each in values) / (len(values) - 1))


@pytest.fixture(scope="module")
def data():
    frame = book_frame(ROWS)
    books = snapshots(frame, BUCKET)
    bars = tape_bars(tape_frame(ROWS), BUCKET, books=books, quiet=2)
    rows = book_rows(books, bars)
    market = market_features(rows, GRID)
    return frame, books, bars, rows, market, ofi_features(books, market, GRID)


@pytest.fixture(scope="module")
def hand(data):
    """Lists by hand: the last snapshot of every bucket, mid, spread, basis, and trades by bucket."""
    frame, _, bars, *_ = data
    last = {}
    for record in frame.to_dict("records"):
        last[record["origin_time"].value // (BUCKET * 10**6) * BUCKET] = record
    books = [last[time] for time in TIMES]
    bids, asks = [book["bid_0_price"] for book in books], [book["ask_0_price"] for book in books]
    mids = [(bid + ask) / 2 for bid, ask in zip(bids, asks, strict=True)]
    basis = []
    for book, mid in zip(books, mids, strict=True):
        bid_size, ask_size = book["bid_0_size"], book["ask_0_size"]
        micro = (book["ask_0_price"] * bid_size + book["bid_0_price"] * ask_size) / (bid_size + ask_size)
        basis.append((micro / mid - 1) * 1e4)
    spreads = [(ask - bid) / mid * 1e4 for bid, ask, mid in zip(bids, asks, mids, strict=True)]
    traded = {bar["open_time_ms"]: bar for bar in bars.to_dict("records")}
    none = {"volume": nan, "taker_buy_volume": nan}
    volumes = [traded.get(time, none)["volume"] for time in TIMES]
    buys = [traded.get(time, none)["taker_buy_volume"] for time in TIMES]
    return {"books": books, "mid": mids, "basis": basis, "spread": spreads, "volume": volumes, "buys": buys}


def taker(hand, row, count):
    traded, bought = over(sum, row, count, hand["volume"]), over(sum, row, count, hand["buys"])
    if isnan(traded):
        return nan
    return 0.0 if traded == 0 else (bought - (traded - bought)) / traded


def spread_rank(values):
    below = sum(each < values[-1] for each in values)
    equal = sum(each == values[-1] for each in values)
    return (below + (equal + 1) / 2) / len(values)


def hand_market(hand, row):
    mids, basis = hand["mid"], hand["basis"][row]
    moves = [over(lambda pair: (pair[1] / pair[0] - 1) * 1e4, each, 2, mids) for each in range(len(mids))]
    return {
        "ret_1m_bps": moves[row],
        "ret_5m_bps": over(lambda path: (path[-1] / path[0] - 1) * 1e4, row, 6, mids),
        "ret_15m_bps": over(lambda path: (path[-1] / path[0] - 1) * 1e4, row, 16, mids),
        "volatility_15m_bps": over(deviation, row, 15, moves),
        "taker_imbalance_1m": taker(hand, row, 1),
        "taker_imbalance_5m": taker(hand, row, 5),
        "spread_rank_24h_pct": over(spread_rank, row, GRID.spread_rank, hand["spread"]),
        "book_microprice_basis_bps": basis,
        "book_pressure_taker_1m": basis * taker(hand, row, 1),
        "book_pressure_taker_5m": basis * taker(hand, row, 5),
    }


def part(side, level, now, before):
    """Snapshot imbalance of one side of one level; an empty level is a price that nobody would come down to."""
    worst = -1.0 if side == "bid" else 1e12
    size, size_before = now[f"{side}_{level}_size"], before[f"{side}_{level}_size"]
    price = now[f"{side}_{level}_price"] if size else worst
    price_before = before[f"{side}_{level}_price"] if size_before else worst
    better = price > price_before if side == "bid" else price < price_before
    if better:
        value = size * price
    elif price == price_before:
        value = (size - size_before) * price
    else:
        value = -size_before * price_before
    return value if side == "bid" else -value


def flows(hand, levels):
    books = hand["books"]
    found = [nan]
    for row in range(1, len(books)):
        total = sum(part(side, level, books[row], books[row - 1]) for level in range(levels) for side in ("bid", "ask"))
        found.append(nan if row == GAP_AT else total)
    return found


def depths(hand, levels):
    sides = [(f"{side}_{level}_price", f"{side}_{level}_size") for level in range(levels) for side in ("bid", "ask")]
    return [sum(book[price] * book[size] if book[size] else 0.0 for price, size in sides) for book in hand["books"]]


def ratio(hand, levels, count):
    flow, depth = flows(hand, levels), depths(hand, levels)
    return [
        over(sum, row, count, flow) / max(1e-12, over(mean, row, count, depth) if back(row, count) else 1.0)
        for row in range(ROWS)
    ]


def score(values):
    return (values[-1] - mean(values)) / deviation(values)


def hand_ofi(hand):
    """Columns by name, lists over rows."""
    found = {f"ofi_l1_{count}m": ratio(hand, 1, count) for count in (1, 3, 5, 15)}
    found |= {f"mlofi_l{levels}_{count}m": ratio(hand, levels, count) for levels in (5, 20) for count in (1, 5)}
    near_and_deep = zip(found["mlofi_l5_1m"], found["mlofi_l20_1m"], strict=True)
    found["mlofi_l5_l20_gap_1m"] = [near - deep for near, deep in near_and_deep]
    for count in (1, 5):
        changes = [over(lambda path: path[-1] - path[0], row, count + 1, hand["basis"]) for row in range(ROWS)]
        found[f"microprice_basis_change_{count}m_bps"] = changes
    for name in ("ofi_l1_5m", "mlofi_l20_5m"):
        found[f"{name}_zscore_240m"] = [over(score, row, GRID.zscore, found[name]) for row in range(ROWS)]
    clipped = [value if isnan(value) else max(-5.0, min(5.0, value)) for value in found["ofi_l1_5m"]]
    market = [hand_market(hand, row) for row in range(ROWS)]
    found["ofi_l1_5m_clipped"] = clipped
    for name, by in (("ofi_l1_taker_5m", "taker_imbalance_5m"), ("ofi_l1_spread_rank_5m", "spread_rank_24h_pct")):
        found[name] = [value * features[by] for value, features in zip(clipped, market, strict=True)]
    return found


def same(got, wanted):
    assert list(got) == pytest.approx(list(wanted), rel=1e-9, abs=1e-9, nan_ok=True)


def test_market_features(data, hand):
    market = data[4]
    wanted = [hand_market(hand, row) for row in range(ROWS)]
    assert list(market.columns) == ["open_time_ms", *names(MARKET_FEATURES)] == ["open_time_ms", *wanted[0]]
    assert market["open_time_ms"].tolist() == TIMES
    for name in names(MARKET_FEATURES):
        same(market[name], [row[name] for row in wanted])
        assert market[name].notna().sum() > 10, name


def test_order_flow_features(data, hand):
    ofi, wanted = data[5], hand_ofi(hand)
    assert list(ofi.columns) == ["open_time_ms", *names(OFI_FEATURES)] == ["open_time_ms", *wanted]
    for name in names(OFI_FEATURES):
        same(ofi[name], wanted[name])
        assert ofi[name].notna().sum() > 10, name


def test_labels(data):
    rows = data[3]
    plan = LabelPlan(horizon=7, cost_bps=8.0)
    labels = direction_labels(rows, BUCKET, plan)
    seen = []
    for row, label in enumerate(labels.to_dict("records")):
        ahead = row + plan.horizon
        if ahead >= ROWS or (row < GAP_AT <= ahead):
            assert labels.loc[row].drop("open_time_ms").isna().all()
            continue
        gain = (rows["close"][ahead] / rows["close"][row] - 1) * 1e4
        direction = "long" if gain > 8 else "short" if gain < -8 else "neutral"
        wanted = [gain, gain - 8, -gain - 8, float(gain > 8), float(-gain > 8)]
        columns = ["future_return_bps", "long_net_edge_bps", "short_net_edge_bps", "long_entry", "short_entry"]
        assert [label[column] for column in columns] == pytest.approx(wanted)
        assert label["direction"] == direction
        seen.append(direction)
    assert sorted(set(seen)) == ["long", "neutral", "short"]


def test_adverse_excursions(data):
    bars, horizon = data[2], 4
    segment = segments(bars["open_time_ms"], BUCKET)
    adverse = future_adverse_bps(bars, segment, horizon)
    known = 0
    for row in range(len(bars)):
        following = range(row + 1, row + horizon + 1)
        if following[-1] >= len(bars) or segment[following[-1]] != segment[row]:
            assert isnan(adverse["long"][row])
            assert isnan(adverse["short"][row])
            continue
        close = bars["close"][row]
        low, high = min(bars["low"][each] for each in following), max(bars["high"][each] for each in following)
        assert adverse["long"][row] == pytest.approx(max(0.0, (close / low - 1) * 1e4))
        assert adverse["short"][row] == pytest.approx(max(0.0, (high / close - 1) * 1e4))
        known += 1
    assert known > 10
