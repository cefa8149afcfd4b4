"""The documented path from nothing to an own venue, word for word, in an environment that has only what is installed.

Dependencies are borrowed from the environment that runs the tests, by a path file, so that nothing is downloaded;
marketsim itself, the command and the plugin are installed by the commands of the pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, files, runs, walks

pytestmark = pytest.mark.slow
SKIPPED = shutil.ignore_patterns(".*", "out", "build", "dist", "site", "*.egg-info", "__pycache__", "tests")


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("walk") / "marketsim"
    shutil.copytree(ROOT, folder, ignore=SKIPPED)
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    (site,) = (folder / ".venv").glob("lib/python*/site-packages")
    # A new environment may bring a setuptools of its own that is too old to build with.
    python = folder / ".venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"], check=True)
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return folder


def walk(checkout: Path, command: str, folder: Path) -> str:
    """Run one command of a page as its reader would, with the environment of the checkout active."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "PYTEST"))},
        "PATH": f"{checkout / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(checkout / ".venv"),
        "COLUMNS": "160",
        # Nothing is downloaded: what would be is there already.
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # the variable says what the option `--no-build-isolation` sets to false
    }
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_first_run_then_an_own_agent_and_an_own_venue(checkout: Path, tmp_path: Path):
    first, venue, agent = page("first-run"), page("write-a-venue"), page("write-an-agent")
    for command in walks(first)["demo"]:
        walk(checkout, command, checkout)
    for command in walks(first)["install"]:
        walk(checkout, command, checkout)
    for out in ("demo", "first"):
        assert (checkout / "out" / out / "report.html").stat().st_size > 10_000
    where = walk(checkout, "python -c 'import marketsim; print(marketsim.__file__)'", tmp_path)
    assert where.startswith(str(checkout / ".venv"))
    for path, content in {**files(venue), **files(agent)}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    said = {command: walk(checkout, command, tmp_path) for command in walks(venue)["plugin"]}
    assert "my-market 0.1.0" in said["marketsim plugins"]
    assert "conservation" in said["marketsim check venue dealer"]
    assert "determinism" in said["marketsim check agent quoter"]
    assert "passed" in said["python -m pytest tests"]
    for name, text in {"first": first, "venue": venue, "agent": agent}.items():
        (tmp_path / f"{name}.py").write_text("\n".join(["from my_market.venue import Dealer", *runs(text).values()]))
        assert walk(checkout, f"python {name}.py", tmp_path)
