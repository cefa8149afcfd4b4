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


def marketsim(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "200"}
    command = [sys.executable, "-c", "from experiments.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_lists_it(installed: Path):
    listed = marketsim(installed, "plugins")
    assert listed.returncode == 0, listed.stderr
    assert "posted-price 0.3.0" in listed.stdout
    assert "momentum" in listed.stdout


@pytest.mark.parametrize(("kind", "name"), [("venue", "posted-price"), ("agent", "momentum")])
def test_the_kit_passes_it_by_name(installed: Path, kind: str, name: str):
    checked = marketsim(installed, "check", kind, name)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "conservation" in checked.stdout or kind == "agent"
    assert "failed" not in checked.stdout


def test_it_runs_in_a_simulation(installed: Path):
    program = """
from marketsim import Simulation, registry
venue, agent = registry.example("venues", "posted-price")(), registry.example("agents", "momentum")()
result = Simulation(venues={"posted": venue}, agents=[agent]).run(1000)
print(result.horizon, len(result.fills))
"""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000", "0"]


def test_without_plugins_it_is_gone(installed: Path, monkeypatch):
    monkeypatch.setenv("MARKETSIM_NO_PLUGINS", "1")
    checked = marketsim(installed, "check", "venue", "posted-price")
    assert checked.returncode == 2
    assert "no venue plugin 'posted-price'" in checked.stderr
