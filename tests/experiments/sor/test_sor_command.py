"""The command `marketsim sor` on a made-up day in the source's layout: every number again, by other code."""

from __future__ import annotations

import csv
import gzip
import json
from itertools import groupby

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiments.commands import sor
from experiments.pages.numbers import NONE
from tests.data import data_path
from tests.experiments.sor import day

app = typer.Typer()
app.command()(sor.sor)

QUANTITY = 120
CONFIG = """
horizon = 60
interval = 5
slices = 4
decisions = 3
fee = 0.004
rebate = 0.001
[grid]
over = [0.002]
under = [0.0005, 0.05]
impact = [0.0001]
"""


def run(folder, *arguments):
    path = folder / "small.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return CliRunner().invoke(app, ["--config", str(path), "--jobs", "1", "--quiet", *arguments])


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sor")
    data = day.write(folder / "l1_day.csv", bad=True)
    for name in ("one", "two"):
        done = run(folder, "--data", str(data), "--quantity", str(QUANTITY), "--out", str(folder / name))
        assert done.exit_code == 0, done.output
    return folder / "one"


def numbers(text: str, head: str) -> list[str]:
    """The cells of the first Markdown row with that head."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {head} |"))
    return [cell.strip().replace("\N{MINUS SIGN}", "-") for cell in line.split("|")[2:-1]]


def by_hand(rows):
    """Naive, TWAP and VWAP of (second, publisher, bid, bid size, ask, ask size), as the source has them."""
    first, last = rows[0][0], rows[-1][0]
    naive = min(float(each[4]) for each in rows if each[0] == first)
    minutes = max(1, (last - first) // 60)
    means = []
    for minute in range(minutes):
        asks = [float(each[4]) for each in rows if first + 60 * minute <= each[0] < first + 60 * minute + 60]
        means.append(sum(asks) / len(asks))
    weight = sum(each[5] for each in rows)
    return naive, sum(means) / minutes, sum(float(each[4]) * each[5] for each in rows) / weight


def test_first_rows_of_the_source_give_its_naive_price_and_cost(tmp_path):
    """Published: naive average 222.83, cost 1,114,150.0."""
    path = data_path("l1-aapl-20240801-head5") / "l1_head5.csv"
    done = run(tmp_path, "--data", str(path), "--quantity", "5000", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert [float(cell) for cell in numbers(text, "naive price")[:2]] == [1_114_150.0, 222.83]
    rule = numbers(text, "published rule")
    assert "no execution" in rule[-1]
    assert rule[4:7] == [NONE] * 3
    assert "not compared" in rule[-1]
    assert float(rule[2]) + float(rule[3]) == pytest.approx(5000)
    assert "No order was executed" in text
    assert pd.read_parquet(tmp_path / "out" / "policies.parquet").empty


def test_benchmarks_and_the_published_rule_by_hand(out):
    text = (out / "summary.md").read_text(encoding="utf-8")
    rows = day.good_rows()
    benchmarks = by_hand(rows)
    for name, price in zip(("naive", "twap", "vwap"), benchmarks, strict=True):
        printed = [float(cell) for cell in numbers(text, f"{name} price")[:2]]
        assert printed == pytest.approx([price * QUANTITY, price], rel=1e-12)
    left, cost, filled = float(QUANTITY), 0.0, 0.0
    for _, group in groupby(rows, key=lambda each: each[0]):
        venues = [(float(each[4]), each[5]) for each in group]
        if left <= 0:
            break
        market = left * (0.1 if left < 1000 else 0.4)
        limit = (left - market) / len(venues)
        fills = []
        for price, size in sorted(venues, key=lambda venue: venue[0]):
            fills.append((min(market, size), price))
            market -= min(market, size)
        fills += [(min(limit * min(1.0, size / (size + limit)), size), price) for price, size in venues]
        filled += sum(shares for shares, _ in fills)
        cost += sum(shares * price for shares, price in fills)
        left -= sum(shares for shares, _ in fills)
    found = [float(cell) for cell in numbers(text, "published rule")[:7]]
    assert found[:4] == pytest.approx([cost, cost / filled, filled, 0.0], abs=1e-9)
    saved = [(price / (cost / filled) - 1) * 1e4 for price in benchmarks]
    assert found[4:] == pytest.approx(saved, abs=1e-7)


def standing(second):
    """(ask in cents, publisher, size) by price."""
    asks = []
    for publisher in day.PUBLISHERS:
        _, _, ask, size = day.quote(second - second % 5, publisher)
        asks.append((round(float(ask) * 100), publisher, size))
    return sorted(asks)


def taken(asks, wanted, prices):
    """(cost in cents, shares) of taking up to `wanted` at the best `prices` prices."""
    best = sorted({price for price, _, _ in asks})[:prices]
    cost = shares = 0
    for price, _, size in asks:
        if price in best:
            take = min(size, wanted - shares)
            cost, shares = cost + take * price, shares + take
    return cost, shares


def executed(policy, start):
    """TWAP takes a quarter each 15 s, the sweep all at the best price each 5 s; sizes change between the looks."""
    cost = shares = 0
    for second in range(0, 61, 15 if policy == "twap" else 5):
        due = min(QUANTITY, QUANTITY // 4 * (second // 15 + 1)) if policy == "twap" else QUANTITY
        more = taken(standing(start + second), due - shares, 2 if policy == "twap" or second == 60 else 1)
        cost, shares = cost + more[0], shares + more[1]
    return cost / 100, shares


def test_executions_and_what_they_saved_by_hand(out):
    orders = pd.read_parquet(out / "policies.parquet")
    assert orders["number"].nunique() == 3
    for order in orders[orders["policy"].isin(["twap", "sweep-best"])].to_dict("records"):
        start = (int(pd.Timestamp(order["label"]).value) - day.START_NS) // day.SECONDS_NS
        cost, shares = executed(order["policy"], start)
        assert (order["filled"], order["unfilled"], order["complete"]) == (shares, 0, True) == (QUANTITY, 0, True)
        assert order["total_cost"] == pytest.approx(cost, rel=1e-12)
        assert order["fees"] == pytest.approx(0.004 * shares)
        window = [each for each in day.good_rows() if start <= each[0] <= start + 60]
        benchmarks = by_hand(window)
        average = cost / shares
        for name, price in zip(("naive", "twap", "vwap"), benchmarks, strict=True):
            assert order[name] == pytest.approx(price, rel=1e-12)
            assert order[f"savings_{name}"] == pytest.approx((price / average - 1) * 1e4, abs=1e-7)
        now = window[:2]
        arrival = (max(float(each[2]) for each in now) + min(float(each[4]) for each in now)) / 2
        assert order["arrival"] == pytest.approx(arrival)
        assert order["slippage"] == pytest.approx((average / arrival - 1) * 1e4, abs=1e-7)
        assert order["shortfall"] == pytest.approx(average + 0.004 - arrival, abs=1e-9)


def test_the_printed_means_are_those_of_the_orders(out):
    orders = pd.read_parquet(out / "policies.parquet")
    text = (out / "summary.md").read_text(encoding="utf-8")
    for policy, own in orders.groupby("policy"):
        average, *_, shortfall = (cell.split(" ")[0] for cell in numbers(text, policy))
        assert float(average) == pytest.approx(own["average_price"].mean(), abs=5.1e-5)
        assert float(shortfall) == pytest.approx(100 * own["shortfall"].mean(), rel=0.02, abs=0.02)


def test_child_orders_add_up_to_the_orders(out):
    orders = pd.read_parquet(out / "policies.parquet").set_index(["number", "policy"])
    children = pd.read_parquet(out / "children.parquet")
    # One level is displayed: what is taken or fills at rest does so at the limit.
    limited = children[children["kind"] != "market"]
    assert (limited["money"] - limited["filled"] * limited["price"]).abs().max() < 1e-6
    sums = children.groupby(["number", "policy"])[["filled", "money"]].sum().loc[orders.index]
    assert sums["filled"].tolist() == orders["filled"].tolist()
    assert sums["money"].tolist() == pytest.approx(orders["total_cost"].tolist())
    passive = children[children["kind"] == "limit"].groupby(["number", "policy"])["filled"].sum()
    assert (orders["passive"] == passive.reindex(orders.index, fill_value=0.0)).all()
    assert orders["passive"].sum() > 0
    fees = 0.004 * (orders["filled"] - orders["passive"]) - 0.001 * orders["passive"]
    assert orders["fees"].tolist() == pytest.approx(fees.tolist())


def test_rows_that_are_no_quotes_are_named(out):
    text = (out / "summary.md").read_text(encoding="utf-8")
    page = (out / "report.html").read_text(encoding="utf-8")
    named = [line for line in text.splitlines() if line.startswith("- ") and ", row " in line]
    assert [next(word for word in ("crossed", "'-5'", "backwards") if word in line) for line in named] == [
        "crossed", "'-5'", "backwards",
    ]  # fmt: skip
    assert "3 rows that are no quotes" in page
    again = "Of several quotes of one publisher and time stamp the first counts: 1 left out."
    assert again in text
    assert again in page
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["data"]["bad_rows"] == 3


def test_a_run_leaves_its_files_and_repeats_to_the_byte(out):
    files = {"policies.parquet", "children.parquet", "search.parquet", "summary.md", "report.html", "config.toml"}
    assert {path.name for path in out.iterdir()} == files | {"manifest.json"}
    for name in sorted(files):
        assert (out / name).read_bytes() == (out.parent / "two" / name).read_bytes(), name


def test_an_order_beyond_all_depth_reports_the_rest_and_is_not_compared(tmp_path):
    data = day.write(tmp_path / "day.csv")
    done = run(tmp_path, "--data", str(data), "--quantity", "1000000", "--no-search", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    orders = pd.read_parquet(tmp_path / "out" / "policies.parquet")
    assert (orders["unfilled"] > 0).all()
    assert (orders["filled"] + orders["unfilled"] == 1_000_000).all()
    assert not orders["complete"].any()
    assert orders[["savings_naive", "savings_twap", "savings_vwap", "slippage", "shortfall"]].isna().all().all()
    assert orders["reason"].str.contains("of 1000000 shares unfilled").all()
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "No policy can be ranked" in text
    assert numbers(text, "twap")[0].startswith(NONE)


@pytest.mark.parametrize(
    "arguments",
    [("--policy", "best"), ("--quantity", "0"), ("--data", "/nowhere.csv"), ("--queue", "long"), ("--bad", "drop")],
)
def test_what_cannot_be_studied_is_refused(tmp_path, arguments):
    done = run(tmp_path, *arguments, "--out", str(tmp_path / "out"))
    assert type(done.exception).__name__ in {"ConfigError", "InputError"}
    assert not (tmp_path / "out").exists()


def test_a_bad_row_refuses_the_file_where_that_is_asked(tmp_path):
    data = day.write(tmp_path / "day.csv", bad=True)
    done = run(tmp_path, "--data", str(data), "--bad", "refuse", "--out", str(tmp_path / "out"))
    assert "crossed" in str(done.exception)
    assert "bid_px_00" in str(done.exception)


def test_the_saved_configuration_is_the_run(tmp_path):
    saved = tmp_path / "saved.toml"
    done = run(tmp_path, "--policy", "twap", "--lambda-under", "0.5", "--save-config", str(saved))
    assert done.exit_code == 0, done.output
    study = sor.config.load(str(saved))
    assert (study.policies, study.under, study.horizon) == (("twap",), 0.5, 60)
    assert sor.config.loads(sor.config.dumps(study), "again") == study


def test_an_interrupt_writes_nothing(tmp_path, monkeypatch):
    from experiments.sor import study

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "execute", stop)
    data = day.write(tmp_path / "day.csv")
    done = run(tmp_path, "--data", str(data), "--quantity", "100", "--out", str(tmp_path / "out"))
    assert done.exit_code == 130
    assert not (tmp_path / "out").exists()


def test_a_compressed_file_without_bids_leaves_out_what_rests_there(tmp_path):
    with day.write(tmp_path / "day.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = ["ts_event", "publisher_id", "ask_px_00", "ask_sz_00"]
    with gzip.open(tmp_path / "asks.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join([",".join(names), *(",".join(each[name] for name in names) for each in rows)]) + "\n")
    arguments = ["--data", str(tmp_path / "asks.csv.gz"), "--quantity", "100", "--out", str(tmp_path / "out")]
    assert run(tmp_path, *arguments).exit_code == 0
    orders = pd.read_parquet(tmp_path / "out" / "policies.parquet")
    assert set(orders["policy"]) == {"twap", "vwap", "percent-of-volume", "sweep-best"}
    assert "left out: fixed-split, cont-kukanov" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
