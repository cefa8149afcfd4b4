"""What a line, a finding and the command say; the checks themselves have files of their own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.validation import catalogue
from experiments.validation.check import Check, Finding, Line, Scale, mean_line
from experiments.validation.page import away, frame, page, said, verdict, write
from experiments.validation.run import run_check, run_checks
from marketsim import ConfigError

TESTS = Path(__file__).parent
QUICK, FULL = Scale(), Scale(full=True)
GOOD = Line(name="mean", predicted=2.0, measured=2.03, error=0.01, samples=50)
FAR = Line(name="mean", predicted=2.0, measured=2.05, error=0.01, samples=50)
WIDE = Line(name="mean", predicted=2.0, measured=2.0, error=0.04, samples=3)


def found(*lines, scale=QUICK, failure=""):
    return Finding("roll", "A title", lines, scale, failure)


def test_the_band_is_four_standard_errors():
    assert GOOD.holds
    assert not FAR.holds
    assert not Line(name="x", predicted=0.0, measured=float("nan"), error=1.0).holds


def test_without_an_error_the_comparison_is_exact():
    assert Line(name="x", predicted=1.0, measured=1.0 + 1e-10).holds
    assert not Line(name="x", predicted=1.0, measured=1.0 + 1e-8).holds
    assert Line(name="x", predicted=1.0, measured=1.01, allowed=0.02, because="whole ticks").holds
    with pytest.raises(ConfigError, match="without a reason"):
        Line(name="x", predicted=1.0, measured=1.0, allowed=0.02)


def test_a_wide_band_does_not_count_in_a_full_run():
    assert found(WIDE).holds
    assert not found(WIDE, scale=FULL).holds
    assert [verdict(WIDE, QUICK), verdict(WIDE, FULL), verdict(FAR, FULL)] == ["holds", "too wide", "differs"]


def test_no_lines_or_an_error_is_no_agreement():
    assert not found().holds
    assert not found(GOOD, failure="ValueError: no").holds
    assert found(GOOD).holds


def test_a_mean_has_the_error_of_its_samples():
    line = mean_line("x", 2.0, [1.0, 2.0, 3.0])
    assert (line.measured, line.samples) == (2.0, 3)
    assert line.error == pytest.approx(1 / 3**0.5)
    with pytest.raises(ConfigError, match="at least two"):
        mean_line("x", 0.0, [1.0])


def test_an_error_in_a_check_is_a_finding():
    def broken(_scale):
        raise ValueError("lost")

    finding = run_check(Check("roll", "A title", broken), QUICK)
    assert finding.failure == "ValueError: lost"
    assert not finding.holds
    assert frame([finding])["line"].tolist() == ["ValueError: lost"]


def test_every_name_is_a_module_and_every_module_has_a_name():
    names = {path.stem.removeprefix("test_").replace("_", "-") for path in TESTS.glob("test_*.py")} - {"framework"}
    assert names == set(catalogue.NAMES)
    for name in catalogue.NAMES:
        assert catalogue.check(name).name == name
        assert len((catalogue.module(name).__doc__ or "").splitlines()) > 5
    with pytest.raises(ConfigError, match="'rol'"):
        catalogue.check("rol")


def test_jobs_and_order_change_nothing():
    names = ["latency-window", "batch-waiting"]
    alone, together = (run_checks(names, QUICK, jobs=jobs) for jobs in (1, 2))
    assert alone == together
    assert [finding.check for finding in alone] == names


def test_words_of_a_line():
    assert away(GOOD) == "+3.0 s.e."
    assert away(Line(name="x", predicted=1.0, measured=1.0)) == "exact"
    assert away(Line(name="x", predicted=1.0, measured=1.01, allowed=0.02, because="ticks")) == "+0.01"
    assert said([found(GOOD), found(FAR)]).startswith("2 checks, 2 comparisons; these do not hold: roll")


def test_a_page_has_every_line_and_its_reasons(tmp_path):
    rounded = Line(name="E|x|", predicted=1.0, measured=1.01, allowed=0.02, because="whole ticks")
    text = page([found(GOOD, rounded)], {"roll": "roll.png"})
    assert "| mean | 2 | 2.03 | 0.01 | +3.0 s.e. | 50 | holds |" in text
    assert "`marketsim validate --quick --seed 1 --only roll` made this page" in text
    assert "E\\|x\\|" in text
    assert "Left open by the formula: at most 0.02 for whole ticks." in text
    assert "![A title](roll.png)" in text
    assert "Roll" in text
    write([found(GOOD, rounded)], tmp_path)
    assert len(pd.read_parquet(tmp_path / "validation.parquet")) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"validation.md", "validation.parquet", "manifest.json"}


def test_the_command_exits_by_the_verdict(monkeypatch, tmp_path):
    run = CliRunner()
    good = run.invoke(app, ["validate", "--only", "latency-window", "--jobs", "1", "--out", str(tmp_path)])
    assert good.exit_code == 0, good.output
    assert "all hold" in good.output
    assert (tmp_path / "validation-latency-window.png").stat().st_size > 1000
    monkeypatch.setattr("experiments.validation.check.BAND", -1.0)
    assert run.invoke(app, ["validate", "--only", "roll", "--jobs", "1", "--quiet"]).exit_code == 1


def test_the_page_in_docs_is_of_these_checks():
    text = (TESTS.parents[1] / "docs" / "validation.md").read_text(encoding="utf-8")
    assert [name for name in catalogue.NAMES if f"`marketsim validate --only {name}`" not in text] == []
    assert "--full" in text
    assert "all hold" in text
