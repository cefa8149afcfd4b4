"""The command `marketsim route`: files, determinism, refusals."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.routing.config import load

pytest.importorskip("jax")

CONFIG = """
seeds = 3
steps = 60
agents = ["hidden-markov", "chance"]
information = ["own"]
engine_steps = 20
samples = 50
control_seeds = 2
[made]
duration_ms = 80000
"""


def route(folder, *arguments):
    path = folder / "small.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return CliRunner().invoke(app, ["route", "--config", str(path), "--quiet", *arguments])


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("route")
    for name, jobs in (("one", "1"), ("two", "2")):
        done = route(folder, "--context", "random", "--jobs", jobs, "--out", str(folder / name))
        assert done.exit_code == 0, done.output
    return folder / "one", folder / "two"


def test_a_run_leaves_its_tables_its_report_and_what_made_them(twice):
    out = twice[0]
    files = {"cells.parquet", "curves.parquet", "summary.md", "report.html", "config.toml", "manifest.json"}
    assert {path.name for path in out.iterdir()} == files
    cells = pd.read_parquet(out / "cells.parquet")
    columns = {"agent", "context", "window", "seed", "regret", "hit_rate", "shortfall"}
    assert columns <= set(cells)
    assert len(cells) == 2 * (3 + 19 * 2)
    made = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert made["config"]["seeds"] == 3
    assert made["versions"]["jax"] != "not installed"
    assert set(made["files"]) == files - {"manifest.json"}
    assert made["seconds"]["batched"] > 0
    assert load(str(out / "config.toml")).contexts == ("random",)


def test_two_runs_are_alike_whatever_the_threads(twice):
    for name in ("cells.parquet", "curves.parquet", "summary.md", "config.toml"):
        assert (twice[0] / name).read_bytes() == (twice[1] / name).read_bytes(), name


def test_the_configuration_is_saved_with_what_the_command_line_says(tmp_path):
    saved = tmp_path / "saved.toml"
    said = "--agents ising --rule source --knows label --windows 2 --save-config"
    done = route(tmp_path, *said.split(), str(saved))
    assert done.exit_code == 0, done.output
    study = load(str(saved))
    assert (study.agents, study.rule, study.knows) == (("ising",), "source", ("label",))
    assert (study.windows, study.steps) == (2, 60)


@pytest.mark.parametrize(
    "arguments", [("--agents", "isng"), ("--context", "none"), ("--data", "/nowhere"), ("--steps", "1000000")]
)
def test_what_cannot_be_studied_is_refused(tmp_path, arguments):
    done = route(tmp_path, *arguments, "--out", str(tmp_path / "out"))
    assert done.exit_code != 0
    assert type(done.exception).__name__ in {"ConfigError", "InputError"}


def test_progress_is_shown_unless_quiet(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(CONFIG.replace("samples = 50", "samples = 0").replace("= 20", "= 0"), encoding="utf-8")
    arguments = ["route", "--config", str(path), "--agents", "chance", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "82/82" in done.output  # two contexts of 3 seeds, and 2 of each of the 19 orders of the control
    assert "Results are in" in done.output
