"""A study that is stopped, or of which a cell fails, loses nothing that was finished."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from attrs import evolve
from typer.testing import CliRunner

from experiments.cli import app
from experiments.manifest import table_digest
from experiments.pi_curve import config
from experiments.pi_curve import run as pi_curve
from experiments.pi_curve.config import Snipers, Study, World
from experiments.pi_curve.runner import IncompleteStudyError, run_stored, run_study
from experiments.pi_curve.sweeping import settings_of, task_of
from experiments.sweep.export import table_hash
from experiments.sweep.records import counts, reading
from experiments.sweep.runner import version_here
from experiments.sweep.task import Version
from experiments.sweep.verify import verify
from marketsim.errors import ConfigError, InputError

SMALL = Study(
    name="small",
    horizon=300,
    seeds=4,
    pi=(5, 20),
    world=World(kind="jumps", n_markets=1, tick_size=0.01, lot_size=1.0),
    population=Snipers(investor_rate=20.0),
)


def counted(out: Path) -> dict[str, int]:
    with reading(out / "cells.sqlite") as connection:
        return counts(connection)


def call(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done.output


# A version takes a process that imports the study: a second each time.
_versions: dict[str, Version] = {}


def stored(study: Study, out: Path, fills: Path | None = None, **settings) -> pd.DataFrame:
    """The cells of a study in `out`, without the report."""
    task = task_of(settings_of(study, fills))
    if repr(task) not in _versions:
        _versions[repr(task)] = version_here(task)
    return run_stored(study, task, _versions[repr(task)], out / "cells.sqlite", **settings)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    return out, stored(SMALL, out)


def test_an_interrupted_study_continues_where_it_stopped(finished, tmp_path):
    def stop_after_four(finished: int) -> None:
        reported.append(finished)
        if sum(reported) >= 4:
            raise KeyboardInterrupt

    reported: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        stored(SMALL, tmp_path, advance=stop_after_four)
    assert counted(tmp_path)["done"] == sum(reported) < 12
    again: list[int] = []
    cells = stored(SMALL, tmp_path, advance=again.append)
    assert again[0] == sum(reported)  # what was there is not computed again
    assert sum(again) == 12
    out, whole = finished
    pd.testing.assert_frame_equal(cells, whole, check_exact=True)
    assert table_hash(tmp_path / "cells.sqlite") == table_hash(out / "cells.sqlite")


def test_ctrl_c_says_how_to_continue(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pi_curve, "run", interrupted)
    said = call("pi-curve", "--quiet", "--out", str(tmp_path), code=130)
    assert f"the same command continues with what is in {tmp_path / 'cells.sqlite'}" in said


def test_another_study_is_refused_with_what_changed_until_it_is_said_to_begin_anew(finished, tmp_path):
    out, cells = finished
    for name in ("cells.sqlite", "cells.sqlite.seal"):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    other = evolve(SMALL, seeds=1, pi=(5, 21))
    with pytest.raises(ConfigError) as refused:
        stored(other, tmp_path)
    said = str(refused.value)
    assert "config of study.seeds: was 4, is 1" in said
    assert "config of study.pi.2: was 20, is 21" in said
    assert "cells of cells: was 12 values, is " in said
    assert "--fresh" in said
    with pytest.raises(ConfigError, match='config of fills: was "", is '):
        stored(SMALL, tmp_path, fills=tmp_path)
    fresh = stored(other, tmp_path, fresh=True)
    pd.testing.assert_frame_equal(
        fresh[fresh["pi"] == 5].reset_index(drop=True),
        cells[(cells["pi"] == 5) & (cells["seed"] == 1)].reset_index(drop=True),
    )


def test_recorded_prices_are_part_of_what_decides_a_row(tmp_path):
    def data(content: bytes) -> dict[str, str]:
        path.write_bytes(content)
        return settings_of(study)["data"]

    path = tmp_path / "trades.parquet"
    study = evolve(SMALL, world=World(kind="historical", path=str(path)))
    assert data(b"one") != data(b"other")
    assert list(data(b"one")) == [str(path)]


def test_a_cell_that_fails_is_named_and_replayed_and_leaves_no_report(finished, tmp_path, undrawn):
    _, cells = finished
    in_the_way = tmp_path / "fills" / "base-fba-5-2.parquet"
    in_the_way.mkdir(parents=True)
    with pytest.raises(IncompleteStudyError, match="1 of 12 cells failed") as failed:
        pi_curve.run(SMALL, tmp_path, fills=True)
    said = str(failed.value)
    assert '{"mechanism":"fba","pi":5,"seed":2,"variant":"base"}' in said
    assert "Is a directory" in said
    assert counted(tmp_path) == {"done": 11, "failed": 1}
    assert not (tmp_path / "report.html").exists()
    [replay] = re.findall(r"marketsim (sweep replay .*)", said)
    assert "Is a directory" in call(*shlex.split(replay), code=1)
    in_the_way.rmdir()
    row = json.loads(call(*shlex.split(replay)))
    assert row["lp_pnl"] == cells.query("mechanism == 'fba' and pi == 5 and seed == 2")["lp_pnl"].item()
    assert table_digest(pi_curve.run(SMALL, tmp_path, fills=True)) == table_digest(cells)
    assert len(list((tmp_path / "fills").iterdir())) == 12


def test_a_failure_in_memory_is_the_error_itself():
    study = evolve(SMALL, world=World(kind="historical", path="nowhere.parquet"), population=Study().population)
    with pytest.raises(InputError, match=r"nowhere\.parquet"):
        run_study(study)
    with pytest.raises(IncompleteStudyError, match=r"12 of 12 cells failed(.|\n)*and 7 more"):
        run_study(study, jobs=2)


def test_the_sweep_commands_read_the_store_of_a_study(finished, tmp_path):
    out, cells = finished
    store = str(out / "cells.sqlite")
    assert "12 of 12 cells done, 0 failed" in call("sweep", "status", store)
    assert "12 rows are whole, 0 problems. Checked: every byte" in call("sweep", "verify", store)
    call("sweep", "export", store, "--out", str(tmp_path / "cells.parquet"))
    table = pd.read_parquet(tmp_path / "cells.parquet")
    assert sorted(table["fill_log_hash"]) == sorted(cells["fill_log_hash"])


def done(out: Path) -> int:
    try:
        return counted(out)["done"]
    except InputError:  # not there yet, or without tables yet
        return 0


def stopped(command: list[str], out: Path, how: signal.Signals, after: int) -> int:
    """Run a command and end it once the store holds `after` cells; its exit code."""
    with subprocess.Popen(command) as process:
        try:
            while done(out) < after:
                with suppress(subprocess.TimeoutExpired):
                    raise AssertionError(f"ended with {process.wait(0.05)} before it had {after} cells")
            process.send_signal(how)
            return process.wait(60)
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["local", "ray", "dask"])
def test_a_study_stopped_twice_has_the_table_of_one_that_was_not(tmp_path, backend):
    study = evolve(SMALL, horizon=1000, seeds=60)
    (tmp_path / "study.toml").write_text(config.dumps(study))
    pi_curve.run(study, tmp_path / "whole", jobs=2)
    out = tmp_path / "stopped"
    program = [sys.executable, "-c", "from experiments.cli import main; main()"]
    arguments = ["--config", str(tmp_path / "study.toml"), "--out", str(out), "--jobs", "2", "--backend", backend]
    command = [*program, "pi-curve", *arguments, "--quiet"]
    assert stopped(command, out, signal.SIGINT, after=20) == 130
    assert verify(out / "cells.sqlite").sealed
    assert stopped(command, out, signal.SIGKILL, after=80) == -signal.SIGKILL
    assert 80 <= counted(out)["done"] < 180
    subprocess.run(command, check=True, timeout=300)
    assert table_hash(out / "cells.sqlite") == table_hash(tmp_path / "whole" / "cells.sqlite")
    assert (out / "cells.parquet").read_bytes() == (tmp_path / "whole" / "cells.parquet").read_bytes()
