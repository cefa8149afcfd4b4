"""The command `marketsim ofi` on recorded books, on a simulated market, and on too short a one."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiments.commands import ofi
from experiments.features.schema import FEATURES, names
from experiments.ofi.config import Market, OfiStudy, dumps, load
from tests.data import data_path
from tests.experiments.ofi.build import SHARES, book_recording

app = typer.Typer()
app.command()(ofi.ofi)

ALWAYS = {"features.parquet", "labels.parquet", "impact.parquet", "impact.svg", "schema.json", "verdict.json",
          "config.toml", "ofi.md", "report.html", "manifest.json"}  # fmt: skip
DIAGNOSED = {"predictions.parquet", "scores.parquet", "gains.parquet", "gains.svg"}
MONEY = {"money.parquet", "money.svg"}
SMALL = OfiStudy(
    bucket_ms=1000, zscore=20, spread_rank=30, horizon=5, cost_bps=1.0, shares=SHARES, rows_min=20,
    market=Market(buckets=300, traders=60, effect=6, money_runs=2, money_buckets=30),
)  # fmt: skip


def run(folder, *arguments, study=SMALL):
    path = folder / "small.toml"
    path.write_text(dumps(study), encoding="utf-8")
    return CliRunner().invoke(app, ["--config", str(path), "--jobs", "1", "--quiet", *map(str, arguments)])


def files(out):
    return {path.name for path in out.iterdir()}


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ofi")
    for name in ("one", "two"):
        done = run(folder, "--out", folder / name)
        assert done.exit_code == 0, done.output
    return folder


def test_a_simulated_market_leaves_everything_and_the_same_again(twice):
    out = twice / "one"
    assert files(out) == ALWAYS | DIAGNOSED | MONEY
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert files(out) - {"manifest.json"} == set(manifest["files"])
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
        assert (twice / "two" / name).read_bytes() == (out / name).read_bytes(), name
    assert manifest["seeds"] == [1, 2, 3]
    assert manifest["verdict"] == json.loads((out / "verdict.json").read_text(encoding="utf-8"))["verdict"]
    assert any("fit split alone" in line for line in manifest["leakage_policy"])
    schema = json.loads((out / "schema.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in schema] == names(FEATURES)
    assert load(str(out / "config.toml")) == SMALL


def test_the_report_says_what_the_tables_hold(twice):
    out = twice / "one"
    text, page = (out / "ofi.md").read_text(encoding="utf-8"), (out / "report.html").read_text(encoding="utf-8")
    verdict = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    passed = sum(check["passed"] for check in verdict["checks"])
    assert f"## Checks: {passed} of 26 passed" in text
    assert f"Answer: {verdict['verdict']}" in page
    money = pd.read_parquet(out / "money.parquet")
    profit = money.loc[money["model"] == "fitted", "profit"]
    said = next(line for line in text.splitlines() if line.startswith("| fitted model |")).split("|")[2].split("±")
    mean, error = (float(part.replace("\N{MINUS SIGN}", "-")) for part in said)
    assert mean == pytest.approx(profit.mean(), rel=0.02)
    assert error == pytest.approx(profit.std(ddof=1) / len(profit) ** 0.5, rel=0.05)
    table = money.pivot_table(index="seed", columns="model", values="profit")
    table["fitted - shuffled"] = table["fitted"] - table["shuffled"]
    assert set(verdict["money"]) == set(table)
    for name, each in verdict["money"].items():
        assert each["runs"] == 2
        assert (each["mean"], each["se"]) == pytest.approx((table[name].mean(), table[name].std() / 2**0.5))
    for picture in ("impact", "gains", "money"):
        assert f"({picture}.svg)" in text
    assert page.count("<img") == 3
    assert "http" not in page.replace("http://www.w3.org", "")


def test_recorded_books_with_a_grid_below_a_minute(tmp_path):
    folder = data_path("binance-btc-20240808")
    books = pd.read_parquet(folder / "book20_binance-usdm.parquet").iloc[:1600]
    books.to_parquet(tmp_path / "books.parquet")
    trades = pd.read_parquet(folder / "trades.parquet")
    early = (trades["venue"] == "binance-usdm") & (trades["trade_time_ms"] <= books["origin_time"].iloc[-1])
    trades[early].to_parquet(tmp_path / "trades.parquet")
    given = ["--data", tmp_path / "books.parquet", "--trades", tmp_path / "trades.parquet", "--trades-venue",
             "binance-usdm", "--bucket-ms", 100, "--cost-bps", 0.2]  # fmt: skip
    done = run(tmp_path, *given, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    assert files(out) == ALWAYS | DIAGNOSED
    features = pd.read_parquet(out / "features.parquet")
    assert 700 < len(features) < 1000
    assert features["taker_imbalance_1m"].notna().sum() > 700
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["trades"] == int(early.sum())
    digest = hashlib.sha256((tmp_path / "books.parquet").read_bytes()).hexdigest()
    assert manifest["data"]["files"]["books.parquet"] == digest
    assert manifest["data"]["bad_rows"] == 0
    verdict = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["verdict"] == "not ready"
    assert any("under 200 rows" in check["reason"] for check in verdict["checks"])


def test_minutes_of_eleven_minutes_are_too_few_rows(tmp_path):
    path = data_path("binance-btc-20240808") / "book20_binance-spot.parquet"
    done = CliRunner().invoke(app, ["--data", str(path), "--quiet", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    assert files(out) == ALWAYS
    verdict = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["verdict"] == "too few rows"
    assert verdict["checks"] == []
    assert verdict["money"] is None
    assert "400 rows are needed" in verdict["reasons"][-1]
    assert "Too few rows for a verdict" in (out / "ofi.md").read_text(encoding="utf-8")


def test_rows_that_are_no_books_are_listed_or_refuse_the_file(tmp_path):
    frame = book_recording(60, 1).frame
    frame.loc[7, "bid_0_size"] = -1.0
    frame["origin_time"] = frame["origin_time"].astype("int64") // 10**6
    frame.to_csv(tmp_path / "books.csv", index=False)
    done = run(tmp_path, "--data", tmp_path / "books.csv", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "ofi.md").read_text(encoding="utf-8")
    assert "Rows that are no books: 1" in text
    assert "bid_0_size" in text
    strict = OfiStudy(data=str(tmp_path / "books.csv"), bad="refuse")
    refused = run(tmp_path, "--out", tmp_path / "refused", study=strict)
    assert refused.exit_code != 0
    assert "bid_0_size" in str(refused.exception)


def test_options_are_written_to_a_configuration_that_reads_back(tmp_path):
    path = tmp_path / "saved.toml"
    done = run(tmp_path, "--effect", 9, "--mechanism", "fba", "--seeds", 4, "--horizon", 7, "--save-config", path)
    assert done.exit_code == 0, done.output
    study = load(str(path))
    assert (study.market.effect, study.market.venue, study.market.money_runs, study.horizon) == (9, "fba", 4, 7)


def test_help_has_an_example():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "marketsim ofi --data" in shown


@pytest.mark.slow
def test_a_planted_effect_in_a_simulated_market_is_ready_and_pays(tmp_path):
    """The same market without the effect is not ready and does not pay."""
    found = {}
    for effect in (20, 0):
        study = OfiStudy(cost_bps=9.0, market=Market(effect=effect))
        out = tmp_path / str(effect)
        assert run(tmp_path, "--out", out, study=study).exit_code == 0
        money = pd.read_parquet(out / "money.parquet").pivot_table(index="seed", columns="model", values="profit")
        verdict = json.loads((out / "verdict.json").read_text(encoding="utf-8"))["verdict"]
        found[effect] = verdict, float((money["fitted"] - money["shuffled"]).mean()) > 0, money["fitted"].mean() > 0
    assert found[20] == ("ready", True, True)
    assert found[0][0] == "not ready"


def test_the_example_of_the_page_runs(capsys):
    page = (Path(__file__).parents[3] / "docs" / "order-flow-imbalance.md").read_text(encoding="utf-8")
    [code] = re.findall(r"<!-- run: ofi -->\n```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/order-flow-imbalance.md", "exec"), {})  # noqa: S102
    assert "snapshot" in capsys.readouterr().out
