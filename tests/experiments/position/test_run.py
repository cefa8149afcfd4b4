"""The command end to end: both recorded data sets, a simulated tape, a file of entries, and what it leaves."""

from __future__ import annotations

import gzip
import hashlib
import json

import pandas as pd
import pytest
import typer
from attrs import evolve
from typer.testing import CliRunner

from experiments.commands.position import position
from experiments.features.schema import names
from experiments.position import config
from experiments.position.bars import source_of
from experiments.position.config import Market, PositionStudy
from experiments.position.report import bars_sheet
from experiments.position.run import find
from experiments.position.schema import POSITION_FEATURES
from experiments.position.words import answer, question
from marketsim.errors import ConfigError, InputError
from tests.data import data_path

APP = typer.Typer()
APP.command()(position)
BTC = "btcperp-1m-202201/btc-perp-20211231-20220201_1m.csv.gz"
BID, ASK = (f"fxcm-gbpusd-m1-201202/gbpusd-m1-{side}-2012.csv.gz" for side in ("bid", "ask"))


def sliced(source, path, rows):
    """The first rows of a recorded file."""
    with gzip.open(data_path(source), "rt") as file:
        path.write_text("".join(line for line, _ in zip(file, range(rows + 1), strict=False)))
    return str(path)


def run(*arguments):
    result = CliRunner().invoke(APP, [*map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_recorded_bars(tmp_path):
    file = sliced(BTC, tmp_path / "btc.csv", 5000)
    out = tmp_path / "out"
    said = run("--data", file, "--regressor", "ridge", "--out", out)
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["verdict"] in said
    assert len(verdict["checks"]) == 18
    made = json.loads((out / "manifest.json").read_text())
    for name, digest in made["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest, name
    assert set(made["files"]) | {"manifest.json"} == {path.name for path in out.iterdir()}
    assert list(made["data"]["files"]) == ["btc.csv"]
    assert len(made["leakage_policy"]) > 3
    states = pd.read_parquet(out / "states.parquet")
    assert made["cells"] == len(states)
    assert [row["name"] for row in json.loads((out / "schema.json").read_text())] == names(POSITION_FEATURES)
    page, text = (out / "report.html").read_text(), (out / "position.md").read_text()
    for name in ("scores", "edges"):
        assert f"({name}.svg)" in text
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "Not ready" in text
    # The same configuration gives the same bytes.
    run("--config", out / "config.toml", "--out", tmp_path / "again", "--quiet")
    assert (tmp_path / "again" / "manifest.json").read_bytes() == (out / "manifest.json").read_bytes()


def test_bid_and_ask_bars_with_negative_spreads(tmp_path):
    files = [sliced(source, tmp_path / f"{name}.csv", 4000) for source, name in ((BID, "bid"), (ASK, "ask"))]
    out = tmp_path / "out"
    run("--bid", files[0], "--ask", files[1], "--cost-bps", 1, "--spread-rank", 60, "--ages", "5,15", "--out", out)
    symbol = json.loads((out / "manifest.json").read_text())["data"]["symbols"]["bid"]
    asks, bids = (pd.read_csv(path)["close"] for path in (files[1], files[0]))
    assert symbol["negative_spreads"] == int((asks < bids).sum()) > 20
    text = (out / "position.md").read_text()
    assert f"In {symbol['negative_spreads']} bars the ask closes below the bid" in text
    assert "Too few rows for a verdict" in text
    assert "checks" not in [path.stem for path in out.iterdir()]
    assert not (out / "scores.parquet").exists()


def test_two_symbols_and_a_file_of_entries(tmp_path):
    files = [sliced(BTC, tmp_path / f"{name}.csv", 400) for name in ("one", "two")]
    entries = tmp_path / "entries.csv"
    entries.write_text(
        "symbol,side,time,predicted_edge_bps,probability\n"
        "one,long,2022-01-01 01:00:00,2,0.6\n"
        "two,short,2022-01-01 02:00:00,-1,0.4\n"
    )
    out = tmp_path / "out"
    run("--data", files[0], "--data", files[1], "--entries", entries, "--ages", "5,30", "--out", out)
    states = pd.read_parquet(out / "states.parquet")
    assert states[["symbol", "side", "time_in_position_minutes"]].to_numpy().tolist() == [
        ["one", "long", 5.0], ["one", "long", 30.0], ["two", "short", 5.0], ["two", "short", 30.0],
    ]  # fmt: skip
    assert states["entry_predicted_edge_bps"].tolist() == [2.0, 2.0, -1.0, -1.0]
    assert not (out / "entry_model.json").exists()
    assert "Too few rows" in (out / "position.md").read_text()


def test_bars_of_two_symbols_in_one_file(tmp_path):
    """The layout of the study itself: symbol, open_time_ms, high, low, close, spread_bps."""
    lines = ["symbol,open_time_ms,high,low,close,spread_bps"]
    for minute in range(90):
        for symbol, price in (("b", 10.0), ("a", 20.0)):
            close = price + 0.01 * (minute % 7)
            lines.append(f"{symbol},{minute * 60_000},{close + 0.02},{close - 0.02},{close},{1 + minute % 3}")
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines) + "\n")
    study = PositionStudy(data=(str(file),), ages=(2, 5), horizon=4, spread_rank=6)
    source = source_of(study)
    assert {symbol: len(bars) for symbol, bars in source.bars.items()} == {"b": 90, "a": 90}
    assert source.bars["a"]["close"].min() == 20.0
    out = tmp_path / "out"
    run("--data", file, "--ages", "2,5", "--horizon", 4, "--spread-rank", 6, "--out", out)
    assert set(json.loads((out / "manifest.json").read_text())["data"]["symbols"]) == {"a", "b"}
    features = pd.read_parquet(out / "states.parquet")
    assert features.groupby("symbol")["spread_rank_24h_pct"].count().min() > 0
    with pytest.raises(InputError, match=r"bars\.csv, row 4, column 'open_time_ms': .*a multiple of 120000000000 ns"):
        source_of(evolve(study, bucket_ms=120_000))
    again = tmp_path / "again.csv"
    again.write_text(file.read_text())
    with pytest.raises(ConfigError, match="the symbol 'b' twice"):
        source_of(evolve(study, data=(str(file), str(again))))
    file.write_text(lines[0] + "\n")
    with pytest.raises(ConfigError, match="got no bar"):
        source_of(study)


def test_a_simulated_tape(tmp_path):
    out = tmp_path / "out"
    plan = config.dumps(
        PositionStudy(
            market=Market(buckets=400, holders=30, hold=10, effect=4, run=60),
            ages=(2, 5),
            horizon=5,
            spread_rank=30,
            rows_min=30,
            regressor="ridge",
        )
    )
    (tmp_path / "plan.toml").write_text(plan)
    run("--config", tmp_path / "plan.toml", "--out", out)
    made = json.loads((out / "manifest.json").read_text())
    assert made["seeds"] == [1]
    assert made["data"]["entries"] > 100
    assert made["data"]["adds"] > 10
    # Everything is known on a simulated tape: all features have a source.
    assert len(made["feature_sets"]["market_plus_state"]) == len(POSITION_FEATURES)
    states = pd.read_parquet(out / "states.parquet")
    assert states["add_count"].max() >= 1
    assert states["open_time_ms"].max() < 400 * 60_000
    assert len(json.loads((out / "verdict.json").read_text())["checks"]) == 18


@pytest.mark.parametrize(
    ("bucket_ms", "ages", "ahead"), [(60_000, "5, 15, 30 and 60 min", "15 min"), (1000, "5, 15, 30 and 60 s", "15 s")]
)
def test_the_report_converts_buckets_to_time(bucket_ms, ages, ahead):
    quiet = Market(buckets=60, traders=5, holders=0, effect=4, entries_of="")
    found = find(PositionStudy(market=quiet, bucket_ms=bucket_ms))
    said = f"{question(found)} {' '.join(answer(found))}"
    assert f", {ages} after its entry" in said
    assert f"the next {ahead} bring" in said
    unit = ahead.partition(" ")[2]
    assert f"lots a bucket of 1 {unit}," in said
    assert f"are made every 5 {unit} on" in said
    assert bars_sheet(found).heads[-1] == ("move", f"s.d. over {ahead}, bps")


def test_configuration_round_trip_and_refusals(tmp_path):
    saved = tmp_path / "study.toml"
    run("--data", "a.csv", "--data", "b.csv", "--ages", "1,2", "--stop-bps", 20, "--save-config", saved)
    study = config.load(str(saved))
    assert (study.data, study.ages, study.stop_bps) == (("a.csv", "b.csv"), (1, 2), 20.0)
    assert config.loads(config.dumps(study), "here") == study
    for wrong, said in (
        ({"data": ()}, "wanted files of bars"),
        ({"data": ("synthetic", "a.csv")}, "wanted files of bars"),
        ({"bid": "a.csv"}, "wanted both or neither"),
        ({"ages": (5, 5)}, "wanted different whole numbers"),
        ({"ages": (0,)}, "wanted different whole numbers"),
        ({"horizon": 10, "embargo": 5}, "wanted at least the horizon"),
        ({"regressor": "forest"}, "wanted one of 'huber', 'ridge'"),
        ({"shares": (0.5, 0.5)}, "wanted 4 shares"),
    ):
        with pytest.raises(ConfigError, match=said):
            PositionStudy(**wrong)
    with pytest.raises(ConfigError, match=r"wanted one of .*holder-1"):
        source_of(PositionStudy(market=Market(buckets=20, holders=1, entries_of="nobody")))
