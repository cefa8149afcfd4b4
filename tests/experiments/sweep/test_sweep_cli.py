"""The commands: the page's example runs word for word, resumes, and its failures replay."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.commands.sweep import app
from experiments.sweep import runner
from marketsim.errors import ConfigError

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sweeps.md").read_text(encoding="utf-8")
STORE = "out/auction.sqlite"


def block(mark: str, language: str) -> str:
    [found] = re.findall(rf"<!-- {mark} -->\n```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def call(line: str, code: int = 0) -> str:
    """Run a line of the page; `marketsim sweep` is left out."""
    done = CliRunner().invoke(app, shlex.split(line.removeprefix("marketsim sweep ")))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auction_sweep.py").write_text(block("run: sweep", "python"))
    (tmp_path / "grid.toml").write_text(block("grid", "toml"))
    return tmp_path


def test_the_example_is_as_short_as_promised():
    assert len([line for line in block("run: sweep", "python").splitlines() if line]) <= 20


def test_the_page_runs_word_for_word(folder):
    lines = [line.strip() for line in PAGE.splitlines() if line.startswith("    marketsim sweep")][:3]
    said = [call(line.replace("--jobs 8", "--jobs 2 --quiet")) for line in lines]
    assert "18 of 18 cells done, 0 failed" in said[1]
    table = pd.read_parquet("out/auction.parquet")
    assert list(table.columns) == [
        "cell_id", "horizon", "investors", "pi", "seed", "fills", "paid_ticks",
    ]  # fmt: skip
    assert table.groupby(["pi", "investors"])["seed"].apply(list).map(sorted).tolist() == [[0, 1, 2]] * 6
    # More investors trade more, and longer batches let them meet: the rows are those of the cells beside them.
    assert (table.groupby("investors")["fills"].mean().diff().dropna() > 0).all()
    assert (table.groupby("pi")["paid_ticks"].mean().diff().dropna() < 0).all()
    assert "18 rows are whole, 0 problems. Checked: every byte" in call(f"verify {STORE}")
    whole = Path("out/auction.parquet").read_bytes()
    call(f"run auction_sweep:run --grid grid.toml --store {STORE} --quiet")  # nothing left to do
    call(f"export {STORE} --out again.parquet")
    assert Path("again.parquet").read_bytes() == whole


def test_from_python(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(folder))
    exec(block("run: python", "python"), {"__name__": "__main__"})  # noqa: S102 - our own text
    assert "6 of 6 cells done" in call(f"status {STORE}")


def test_a_failure_names_the_command_that_replays_it_also_after_the_code_was_changed(folder):
    (folder / "mine.py").write_text("def run(cell):\n    return {'y': 1 / cell['x']}\n")
    (folder / "grid.toml").write_text("[axes]\nx = [0, 1]\n")
    command = "mine:run --grid grid.toml --store s.sqlite --quiet --jobs 1"
    call(command, code=1)
    said = call("status s.sqlite")
    assert "1 of 2 cells done, 1 failed" in said
    assert "ZeroDivisionError" in said
    [replay] = re.findall(r"marketsim sweep replay .*", said)
    assert 'mine.py", line 2' in call(replay, code=1)
    (folder / "mine.py").write_text("def run(cell):\n    return {'y': 0}\n")
    assert json.loads(call(replay)) == {"y": 0}
    with pytest.raises(ConfigError, match="cell 'nobody': the store has no row of it"):
        call("replay mine:run s.sqlite nobody")
    with pytest.raises(ConfigError, match=r"code of mine: was .*--fresh"):
        call(command)
    call(command + " --fresh")
    assert "2 of 2 cells done, 0 failed" in call("status s.sqlite")


def test_a_damaged_store_fails_verify(folder):
    (folder / "mine.py").write_text("def run(cell):\n    return {'y': 'unmistakable'}\n")
    (folder / "grid.toml").write_text("[axes]\nx = [0]\n")
    call("mine:run --grid grid.toml --store s.sqlite --quiet --jobs 1")
    store = folder / "s.sqlite"
    store.write_bytes(store.read_bytes().replace(b"unmistakable", b"unmistakably"))
    said = call("verify s.sqlite", code=1)
    assert "its content does not match its checksum" in said


def test_a_backend_that_cannot_run_throws_nothing_away(folder, monkeypatch):
    (folder / "mine.py").write_text("def run(cell):\n    return {'y': 1}\n")
    (folder / "grid.toml").write_text("[axes]\nx = [0]\n")
    command = "mine:run --grid grid.toml --store s.sqlite --quiet --jobs 1"
    call(command)
    with pytest.raises(ConfigError, match="got 'slurm', wanted one of local, ray, dask"):
        call(command + " --fresh --backend slurm")
    for library, backend in (("ray", "ray"), ("distributed", "dask")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(ConfigError, match=rf"backend '{backend}' needs {library} .*pip install '\.\[{backend}\]'"):
            call(f"{command} --fresh --backend {backend}")
    assert "1 of 1 cells done" in call("status s.sqlite")


def test_ctrl_c_says_how_to_continue(folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (folder / "mine.py").write_text("def run(cell):\n    return {'y': 1}\n")
    (folder / "grid.toml").write_text("[axes]\nx = [0]\n")
    monkeypatch.setattr(runner, "run_sweep", interrupted)
    said = call("mine:run --grid grid.toml --store s.sqlite --quiet", code=130)
    assert "the same command continues with what is in s.sqlite" in said


def test_an_error_with_brackets_in_it_is_an_error_like_any_other(folder):
    (folder / "mine.py").write_text("def run(cell):\n    raise ValueError('bad [/x] thing')\n")
    (folder / "grid.toml").write_text("[axes]\nx = [0]\n")
    call("mine:run --grid grid.toml --store s.sqlite --jobs 1", code=1)
    assert "bad [/x] thing" in call("status s.sqlite")
