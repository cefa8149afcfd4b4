"""A store of a sweep is data: no function runs that the command does not name, whatever checksums say."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.sweep.cells import canonical
from experiments.sweep.store import Store
from experiments.sweep.task import Task, Version
from experiments.sweep.verify import verify
from marketsim.errors import ConfigError, InputError
from tests.experiments.sweep.kit import MADE_UP, record
from tests.trust.bad_files import CANARY
from tests.trust.bad_stores import CELL, store


@pytest.mark.parametrize("named", ["module:run", "os:system"])
def test_a_store_that_asks_for_a_shell_gets_none_even_from_a_user_who_names_it(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    evil = store(target=canonical("os:system"), config=canonical(f"touch {CANARY}"))
    (tmp_path / "s.sqlite").write_bytes(evil)
    done = CliRunner().invoke(app, ["sweep", "replay", named, "s.sqlite", CELL])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize("config", ["touch it", 7, ["a"]])
def test_settings_of_a_task_are_a_table(config: object):
    with pytest.raises(ConfigError, match=r"settings of a sweep: got .*, wanted a table, or none"):
        Task("module:run", config)  # type: ignore[arg-type]


def test_what_a_store_says_of_itself_is_read_before_it_is_written(tmp_path: Path):
    path, cut = tmp_path / "s.sqlite", Version({**MADE_UP.parts, "code": '{"module'})
    with Store.open(path, cut, {}) as kept:
        kept.write([record(1, version=cut)])
    assert verify(path).problems == ()
    with pytest.raises(InputError, match=r"s\.sqlite, entry 'code': got .*, wanted JSON text"):
        Store.open(path, MADE_UP, {})


def test_verify_names_a_cell_that_is_no_json(tmp_path: Path):
    (tmp_path / "s.sqlite").write_bytes(store(cell='{"x', state="done"))
    [problem] = verify(tmp_path / "s.sqlite").problems[:1]
    assert problem.startswith(f"row 1, cell {CELL}: its cell: got")
