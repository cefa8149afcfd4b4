"""A plugin from a folder of its own is installed, found by name and proven by the kit, as a stranger would do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "plugin_example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, folder / "source")
    site = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(folder / "source")], check=True, capture_output=True)
    return site


def marketsim(site: Path, *commands: str) -> tuple[list[str], str]:
    """What each command printed, with its exit code at the end, and all errors; one process, for its imports."""
    program = f"""
import sys
from experiments.cli import main
for command in {commands!r}:
    sys.argv = ["marketsim", *command.split()]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, end="=====")
"""
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split("=====")[:-1], done.stderr


def test_the_command_line_lists_it_and_the_kit_passes_it_by_name(installed: Path):
    said, errors = marketsim(installed, "plugins", "check venue posted-price", "check agent momentum")
    assert [words[-1] for words in said] == ["0"] * 3, (said, errors)
    listed, venue, agent = said
    assert "posted-price 0.3.0" in listed
    assert "momentum" in listed
    assert "conservation" in venue
    assert "failed" not in venue + agent


def test_it_trades_in_a_simulation(installed: Path):
    program = """
from agents.flow import Investor
from marketsim import Simulation, registry
from venues.clob import ContinuousBook
from agents.bootstrap import BootstrapLadder

posted = registry.example("venues", "posted-price")()
result = Simulation(venues={"posted": posted}, agents=[Investor("ann", "ACME", arrival_rate=20.0)]).run(1000)
result.ledger.check()
print(len(result.fills), result.ledger.cash["ann"] + result.ledger.cash["house"])

momentum = registry.example("agents", "momentum")()
ladder, flow = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=3), Investor("flow", "ACME", arrival_rate=9.0)
book = ContinuousBook(("ACME",))
fills = Simulation(venues={"book": book}, agents=[ladder, flow, momentum], seed=1).run(2000).fills.frame()
print(int((fills["owner"] == "momentum").sum()))
"""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    fills, money, followed = map(int, done.stdout.split())
    assert fills > 10
    assert money == 0
    assert followed > 0


def test_without_plugins_it_is_gone(installed: Path, monkeypatch):
    monkeypatch.setenv("MARKETSIM_NO_PLUGINS", "1")
    said, errors = marketsim(installed, "check venue posted-price")
    assert said == ["2"]
    assert "no venue plugin 'posted-price'" in errors
