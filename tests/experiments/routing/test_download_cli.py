"""`marketsim download` leaves a folder of trades that `marketsim route` reads."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.routing import live
from experiments.routing.tapes import read_folder
from marketsim.errors import ConfigError

from .exchanges import HOUR, KINDS, links, trade

START = 1_700_000_000_000 - 1_700_000_000_000 % HOUR
ARGUMENTS = ["download", "--symbol", "BTC/USD", "--start", "2023-11-14T22:00", "--end", "2023-11-14T23:00"]


def arguments(tmp_path, *exchanges):
    named = [part for exchange in exchanges for part in ("--exchange", exchange)]
    return [*ARGUMENTS, *named, "--out", str(tmp_path / "trades"), "--cache", str(tmp_path / "cache")]


@pytest.fixture
def opened(monkeypatch):
    trades = [trade(number, (START + 60_000 * number) * 10**6) for number in range(1, 60)]
    exchanges = {name: KINDS[name](trades, now=START + 2 * HOUR) for name in ("binanceus", "kraken")}
    open_link, names = links(*exchanges.items())
    defaults = live.download.__kwdefaults__ | {"open_link": open_link}
    monkeypatch.setattr(live.download, "__kwdefaults__", defaults)
    return names


def test_what_is_downloaded_can_be_routed_on(opened, tmp_path):
    done = CliRunner().invoke(cli.app, arguments(tmp_path, "binanceus", "kraken"))
    assert done.exit_code == 0, done.output
    tapes = read_folder(tmp_path / "trades")
    assert list(tapes.trades) == ["binanceus", "kraken"]
    assert [len(tape.times) for tape in tapes.trades.values()] == [59, 59]
    assert tapes.trades["kraken"].times[0] == START + 60_000
    assert (tapes.sources.symbol, tapes.sources.common) == ("BTC/USD", True)


def test_a_second_download_asks_for_nothing(opened, tmp_path):
    for _ in range(2):
        assert CliRunner().invoke(cli.app, [*arguments(tmp_path, "kraken"), "--quiet"]).exit_code == 0
    assert opened == ["kraken"]


def test_a_time_that_is_none_is_named(tmp_path):
    bad = [part if part != "2023-11-14T22:00" else "yesterday" for part in arguments(tmp_path, "kraken")]
    done = CliRunner().invoke(cli.app, bad)
    assert isinstance(done.exception, ConfigError)
    assert "--start: got 'yesterday'" in str(done.exception)
