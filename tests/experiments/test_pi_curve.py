"""The study end to end, from the command line, as a user runs it."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.manifest import table_digest
from experiments.pi_curve import config
from experiments.pi_curve import run as pi_curve
from experiments.pi_curve.cell import cells_of, run_cell
from experiments.pi_curve.config import Informed, Snipers, Study, Variant, World
from experiments.pi_curve.runner import run_study
from experiments.pi_curve.worlds import on_recorded_prices
from marketsim import ConfigError
from tests.data import data_path

SMALL = Study(
    name="small",
    horizon=1500,
    seeds=3,
    pi=(5, 20),
    population=Informed(lp_requote=100, review_interval=400, noise_rate=10.0),
    variants=(
        Variant(name="walk"),
        Variant(
            name="jumps",
            change={
                "world": {"kind": "jumps", "n_markets": 1, "tick_size": 0.01, "lot_size": 1.0},
                "population": {"kind": "lp_vs_snipers", "investor_rate": 20.0},
            },
        ),
    ),
)
STORE = ["cells.sqlite", "cells.sqlite.lock", "cells.sqlite.seal"]
RESULTS = [
    "cells.parquet",
    "config.toml",
    "manifest.json",
    "pi_curve.png",
    "report.html",
    "summary.md",
    "summary.parquet",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    cells = pi_curve.run(SMALL, out, fills=True)
    return out, cells


def test_results_are_all_there(finished):
    out, cells = finished
    assert sorted(path.name for path in out.iterdir()) == sorted([*RESULTS, *STORE, "fills"])
    assert len(list((out / "fills").iterdir())) == len(cells) == 2 * 3 * 3
    pd.testing.assert_frame_equal(pd.read_parquet(out / "cells.parquet"), cells)
    assert (out / "pi_curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_named_columns_exist(finished):
    _, cells = finished
    named = {
        "mechanism", "pi", "seed", "lp_pnl", "lp_fills", "lp_markout_0", "lp_markout_1000", "informed_pnl", "noise_pnl",
        "bootstrap_pnl", "fees", "volume", "effective_spread", "realised_spread", "discovery_lag", "wait_mean",
        "fill_log_hash",
    }  # fmt: skip
    assert named <= set(cells.columns)
    assert (cells.loc[cells["mechanism"] == "clob", "pi"] == 0).all()


def test_wealth_sums_to_zero_exactly_in_every_cell(finished):
    _, cells = finished
    assert (cells["wealth_sum"] == 0).all()
    roles = [name for name in cells.columns if name.endswith("_wealth")]
    assert cells[roles].sum(axis=1).abs().max() < 1e-6


def test_gains_at_fair_value_sum_to_zero(finished):
    _, cells = finished
    gains = [f"{role}_pnl" for role in ("lp", "informed", "sniper", "noise", "investor", "bootstrap")]
    assert cells[gains].sum(axis=1).abs().max() < 1e-6
    assert cells["lp_pnl"].abs().max() > 0


def test_the_cost_of_immediacy_is_execution_plus_delay(finished):
    _, cells = finished
    known = cells.dropna(subset=["immediacy_cost"])
    assert len(known)
    assert (known["immediacy_cost"] - known["execution_cost"] - known["delay_cost"]).abs().max() < 1e-9
    assert (known["effective_spread"] - known["realised_spread"] - known["impact"]).abs().max() < 1e-6


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_table_is_the_same_from_memory_from_a_store_and_for_any_number_of_jobs(finished, jobs):
    out, cells = finished
    again = run_study(config.load(str(out / "config.toml")), jobs=jobs)
    pd.testing.assert_frame_equal(again, cells, check_exact=True)
    assert table_digest(again) == table_digest(cells)


def test_the_manifest_says_what_made_the_results(finished):
    out, cells = finished
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["cells_digest"] == table_digest(cells)
    assert manifest["seeds"] == [1, 2, 3]
    assert {"clob", "fba"} <= {plugin["name"] for plugin in manifest["plugins"]}
    assert set(manifest["files"]) == set(RESULTS) - {"manifest.json"}
    assert config.from_dict(manifest["config"], "manifest") == config.load(str(out / "config.toml")) == SMALL


def test_the_summary_speaks_of_every_variant_and_of_its_caveats(finished):
    out, _ = finished
    text = (out / "summary.md").read_text()
    assert "## walk" in text
    assert "## jumps" in text
    assert "What to keep in mind" in text
    assert "exactly zero in all 18 runs" in text
    assert "min(1, 49 / pi)" in text


def test_command_line(tmp_path, undrawn):
    arguments = ["pi-curve", "--seeds", "2", "--mechanism", "fba", "--pi", "50", "--horizon", "600", "--quiet"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    assert cells[["mechanism", "pi", "seed"]].to_numpy().tolist() == [["fba", 50, 1], ["fba", 50, 2]]


def test_axis_options_hold_for_variants_too(tmp_path):
    saved = tmp_path / "saved.toml"
    done = CliRunner().invoke(app, ["pi-curve", "--config", "demo.toml", "--pi", "7", "--save-config", str(saved)])
    assert done.exit_code == 0, done.output
    assert {study.pi for study in config.load(str(saved)).resolved().values()} == {(7,)}


def test_plugins_are_listed():
    done = CliRunner().invoke(app, ["plugins"])
    assert done.exit_code == 0
    assert "clob" in done.output
    assert "sniper" in done.output


def test_a_recorded_path_as_fair_value(tmp_path, undrawn):
    trades = pd.DataFrame({"time": range(0, 5000, 5), "price": [100 + (k % 7) * 0.1 for k in range(1000)]})
    trades.to_parquet(tmp_path / "trades.parquet")
    arguments = ["pi-curve", "--fair-value", str(tmp_path / "trades.parquet"), "--column", "price", "--step", "5"]
    options = ["--seeds", "2", "--pi", "10", "--quiet", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*arguments, *options])
    assert done.exit_code == 0, done.output
    assert config.load(str(tmp_path / "out" / "config.toml")).horizon == 999


def test_bitcoin_trades_as_fair_value():
    world = World(
        kind="historical",
        path=str(data_path("binance-btc-20240808/trades.parquet")),
        time_column="trade_time_ms",
        where={"venue": "binance-spot"},
    )
    study = on_recorded_prices(Study(seeds=1, pi=(50,)), world)
    assert study.horizon > 6000
    for cell in cells_of(study):
        row, result = run_cell(study, cell)
        assert len(result.fills) > 0
        assert row["lp_fills"] > 0
        assert row["wealth_sum"] == 0


def test_news_cannot_be_sniped_on_recorded_prices(tmp_path):
    pd.DataFrame({"time": [0, 500], "price": [5.0, 6.0]}).to_parquet(tmp_path / "trades.parquet")
    world = World(kind="historical", path=str(tmp_path / "trades.parquet"))
    with pytest.raises(ConfigError, match="lp_vs_informed"):
        on_recorded_prices(Study(population=Snipers()), world)
