"""Entries from files and from fills, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.features.simulated import MARKET
from experiments.position.config import Market
from experiments.position.entries import positions_of, read_entries, regular_entries
from experiments.position.market import run_market
from marketsim.errors import InputError

HEAD = "symbol,side,time,predicted_edge_bps,probability"


def written(folder, *lines, head=HEAD):
    path = folder / "entries.csv"
    path.write_text("\n".join((head, *lines)) + "\n")
    return path


def test_a_file_of_entries_and_adds(tmp_path):
    path = written(
        tmp_path,
        "a,long,2022-01-01 00:05:00,-1.5,0.25,p2",
        "b,short,2022-01-01 00:00:00.5,2e1,1,p1",
        "a,long,2022-01-01 00:07:00,3,0.5,p2",
        head=HEAD + ",position",
    )
    entries = read_entries(path, "iso", ("a", "b"))
    start = 1_640_995_200_000
    assert entries.table.to_numpy().tolist() == [
        ["b", "short", start + 500, 20.0, 1.0],
        ["a", "long", start + 300_000, -1.5, 0.25],
    ]
    assert entries.adds.to_numpy().tolist() == [[1, start + 420_000]]
    assert entries.scored
    whole = entries.table.rename(columns={"time_ms": "time"})
    whole.to_parquet(tmp_path / "entries.parquet")
    again = read_entries(tmp_path / "entries.parquet", "ms", ("a", "b"))
    assert again.table.equals(entries.table)
    assert again.adds.empty


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("c,long,1,0,0.5,p", "row 3, column 'symbol': got 'c', wanted one of a, b"),
        ("a,LONG,1,0,0.5,p", "row 3, column 'side': got 'LONG', wanted long or short"),
        ("a,long,1,0,1.5,p", "row 3, column 'probability': got 1.5, wanted a number from 0 to 1"),
        ("a,long,1,0,-0.5,p", "row 3, column 'probability'"),
        ("a,long,1,nan,0.5,p", "row 3, column 'predicted_edge_bps': got 'nan', wanted a finite number"),
        ("a,long,x,0,0.5,p", "row 3, column 'time'"),
        ("a,short,1,0,0.5,first", "row 3, column 'side': got 'short', wanted 'long', as in the row that opens"),
        ("b,long,1,0,0.5,first", "row 3, column 'symbol': got 'b', wanted 'a'"),
    ],
)
def test_bad_rows_are_named(tmp_path, line, said):
    path = written(tmp_path, "a,long,0,0,0.5,first", line, head=HEAD + ",position")
    with pytest.raises(InputError, match=r"entries\.csv") as caught:
        read_entries(path, "ms", ("a", "b"))
    assert said in str(caught.value)


def test_regular_entries_are_at_closes_of_the_clock():
    opening = pd.Series([0, 10, 20, 30, 50, 60])
    entries = regular_entries({"a": opening}, 10, 2)
    assert entries.table[["side", "time_ms"]].to_numpy().tolist() == [
        [side, time] for time in (10, 30, 70) for side in ("long", "short")
    ]
    assert not entries.scored


def fills_of(*legs):
    """A fill log of (time, owner, side, quantity)."""
    columns = {
        "time": [leg[0] for leg in legs],
        "owner": [leg[1] for leg in legs],
        "side": [leg[2] for leg in legs],
        "quantity": [leg[3] for leg in legs],
    }
    rows = len(legs)
    columns |= {"market": ["m"] * rows, "liquidity": ["taker"] * rows}
    return {name: np.array(values, dtype=object if name in {"owner", "market", "liquidity"} else None)
            for name, values in columns.items()}  # fmt: skip


def test_positions_of_fills_by_hand():
    fills = fills_of(
        (1, "ann", 1, 2),  # opens a long
        (2, "bob", -1, 1),  # opens a short
        (3, "ann", 1, 1),  # adds
        (4, "ann", -1, 2),  # reduces
        (5, "ann", -1, 3),  # crosses zero: a short
        (5, "bob", -1, 2),  # adds
        (5, "bob", 1, 1),  # in the same step: the add is of one lot
        (6, "ann", -1, 1),  # adds
        (7, "ann", 1, 3),  # closes
        (9, "ann", 1, 1),  # opens a long
        (9, "cat", 1, 1),  # not asked for
    )
    entries = positions_of(fills, "m", ["ann", "bob"], step_ns=10**6, origin_ns=100)
    assert entries.table[["symbol", "side", "time_ms"]].to_numpy().tolist() == [
        ["m", "long", 2], ["m", "short", 3], ["m", "short", 6], ["m", "long", 10],
    ]  # fmt: skip
    assert sorted(entries.adds.to_numpy().tolist()) == [[0, 4], [1, 6], [2, 7]]
    assert not entries.scored
    assert positions_of(fills, "m", ["dan"], step_ns=1).table.empty


def test_positions_of_a_simulated_agent_follow_its_inventory():
    result, _ = run_market(Market(buckets=150, holders=3, hold=10, traders=20), 3)
    for owner in ("holder-1", "investor"):
        entries = positions_of(result.fills, MARKET, [owner], step_ns=10**6)
        legs = result.fills.frame()
        legs = legs[legs["owner"] == owner]
        held, opened, adds = 0, [], 0
        for time, own in legs.groupby("time"):
            after = held + int((own["side"] * own["quantity"]).sum())
            if after and np.sign(after) != np.sign(held):
                opened.append((int(time), "long" if after > 0 else "short"))
            elif abs(after) > abs(held) > 0:
                adds += 1
            held = after
        assert list(zip(entries.table["time_ms"], entries.table["side"], strict=True)) == opened
        assert len(entries.adds) == adds
        assert len(opened) > 3
