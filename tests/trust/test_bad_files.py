"""Every bad file of the catalogue is refused by name, and says what came and what was wanted; none runs code."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.pi_curve import config as pi_curve
from experiments.pi_curve.settings import World
from experiments.pi_curve.worlds import on_recorded_prices
from experiments.quotes.read import read_quotes
from experiments.routing import config as route
from experiments.routing.live_cache import HOUR, Shelf
from experiments.routing.tapes import read_folder
from marketsim.errors import ConfigError, InputError
from marketsim.gateway import check_quantity
from marketsim.tape import TradeTape, read_trades
from tests.trust import bad_files, bad_parquet, bad_settings
from tests.trust.bad_files import CANARY, GOOD, BadFile

AUGUST = 478_536  # hours from 1970 to 2024-08-04T00
READERS: dict[str, Callable[[Path], object]] = {
    "trades": lambda path: read_trades(path, time="t", price="p", quantity="q"),
    "quotes": read_quotes,
    "folder": lambda path: read_folder(path.parent),
    "recorded": lambda path: on_recorded_prices(pi_curve.Study(), World(kind="historical", path=str(path))),
    "cache": lambda path: Shelf(path.parent.parent, path.parent.name).spans(AUGUST * HOUR, (AUGUST + 240) * HOUR),
    "pi-curve": lambda path: pi_curve.load(str(path)),
    "route": lambda path: route.load(str(path)),
}
CATALOGUE = [*bad_files.CATALOGUE, *bad_parquet.CATALOGUE, *bad_settings.CATALOGUE]


def placed(bad: BadFile, folder: Path) -> Path:
    """The file and those beside it, written."""
    path = folder / bad.file
    for name, content in bad.beside:
        (folder / name).write_bytes(content)
    if bad.content is None:
        path.mkdir()
    else:
        path.write_bytes(bad.content)
    return path


@pytest.mark.parametrize("bad", CATALOGUE, ids=str)
def test_a_bad_file_is_refused_and_named(bad: BadFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = placed(bad, tmp_path)
    with pytest.raises((InputError, ConfigError)) as caught:
        READERS[bad.reader](path)
    message = str(caught.value)
    assert len(message) < 2000, "a message that nobody reads"
    for word in (bad.file if bad.reader != "folder" else str(tmp_path), *bad.words):
        assert word in message, message[:2000]
    assert not (tmp_path / CANARY).exists(), "the file was run"


def test_the_catalogue_is_long_and_no_case_is_there_twice():
    assert len(CATALOGUE) >= 120
    assert Counter(bad.reader for bad in CATALOGUE).keys() == READERS.keys()
    assert [name for name, count in Counter(map(str, CATALOGUE)).items() if count > 1] == []


def test_what_the_bad_files_are_made_from_is_good(tmp_path: Path):
    """Else they would be refused for something else than what is said of them."""
    (tmp_path / "trades.csv").write_bytes(GOOD)
    assert len(READERS["trades"](tmp_path / "trades.csv")) == 4
    (tmp_path / "feeds.toml").write_text(bad_files.FEED)
    assert len(read_folder(tmp_path).trades["x"]) == 4


def test_a_bomb_is_refused_before_it_has_gone_off(tmp_path: Path):
    (tmp_path / "bomb.csv.gz").write_bytes(bad_files.BOMB)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            READERS["trades"](tmp_path / "bomb.csv.gz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < bad_files.BOMB_SIZE / 3


def test_parquet_and_csv_read_the_same_number(tmp_path: Path):
    """An integer that no float64 holds goes to the nearest one, as its decimals in a CSV file do."""
    odd = 2**53 + 1
    pq.write_table(pa.table({"t": [1], "p": [odd], "q": [1]}), tmp_path / "trades.parquet")
    (tmp_path / "trades.csv").write_text(f"t,p,q\n1,{odd},1\n")
    tapes = [READERS["trades"](tmp_path / name) for name in ("trades.parquet", "trades.csv")]
    assert [tape.prices.tolist() for tape in tapes] == [[float(odd)]] * 2


def test_ids_that_only_look_like_numbers_keep_the_order_of_the_file(tmp_path: Path):
    (tmp_path / "trades.csv").write_text("t,p,q,id\n1,1,1,\u00b2\n1,2,1,1\n", encoding="utf-8")
    (tmp_path / "feeds.toml").write_text(bad_files.FEED + 'trade_id = "id"\n')
    assert read_folder(tmp_path).trades["x"].prices.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "arrays",
    [([1], ["ten"]), ([1], [[1.0], [1.0, 2.0]]), ([1], [10**400]), (np.array([2**64 - 5], dtype=np.uint64), [1.0])],
    ids=["text", "ragged", "beyond float64", "an unsigned time beyond 2**63"],
)
def test_arrays_that_are_no_tape_are_refused(arrays: tuple[Any, Any]):
    with pytest.raises(InputError, match="got"):
        TradeTape(*arrays)


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["huge", "huge and below 0"])
def test_a_refusal_can_be_written_whatever_the_number(value: int):
    refusal = check_quantity(value)
    assert refusal is not None
    assert "bits" in refusal[1]


def test_a_pickle_would_have_left_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import pickle

    monkeypatch.chdir(tmp_path)
    pickle.loads(bad_files.PICKLE).close()  # noqa: S301 the trap itself
    assert (tmp_path / CANARY).exists()
