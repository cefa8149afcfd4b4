"""Every bad file of the catalogue is refused by name, and says what came and what was wanted; none runs code."""

from __future__ import annotations

import gzip
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.commands import sweep
from experiments.features.books import read_books
from experiments.features.tapes import read_bars, read_trade_tape
from experiments.ofi import config as ofi
from experiments.pi_curve import config as pi_curve
from experiments.pi_curve.settings import World
from experiments.pi_curve.worlds import on_recorded_prices
from experiments.position import config as position
from experiments.position.entries import read_entries
from experiments.quotes.read import read_quotes
from experiments.routing import config as route
from experiments.routing.live_cache import HOUR, Shelf
from experiments.routing.tapes import read_folder
from experiments.sor import config as sor
from experiments.strict import SIZE_MAX
from experiments.sweep.cells import load_grid
from experiments.sweep.export import export
from marketsim.errors import ConfigError, InputError
from marketsim.gateway import check_quantity
from marketsim.table_files import Numbers, read_columns
from marketsim.tape import TradeTape, read_trades
from tests.trust import bad_files, bad_parquet, bad_settings, bad_stores, bad_tables
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
    "sor": lambda path: sor.load(str(path)),
    "ofi": lambda path: ofi.load(str(path)),
    "position": lambda path: position.load(str(path)),
    "grid": load_grid,
    "books": read_books,
    "bars": lambda path: read_bars(path, bucket_ms=60_000),
    "entries": lambda path: read_entries(path, "ms", ("A",)),
    "tape": lambda path: read_trade_tape(path, time="t", price="p", quantity="q", taker_sold="sold"),
    "status": sweep.status,
    "replay": lambda path: sweep.replay(bad_stores.TARGET, path, bad_stores.CELL),
    "export": lambda path: export(path, path.with_suffix(".parquet")),
}
DATA = [*bad_files.CATALOGUE, *bad_parquet.CATALOGUE, *bad_tables.CATALOGUE, *bad_stores.CATALOGUE]
CATALOGUE = [*DATA, *bad_settings.CATALOGUE]

PLACE = re.compile(r"(row|line) \d+|column '.+'|entry '.+'|cell \w+")
OF_PYTHON = re.compile(
    r"has no attribute|is not iterable|NoneType|<class|Errno|codec|sys\.|__|Error\(|[a-z]Error\b|Exception|Expecting"
    r"|invalid literal|constructor|positional|object of type|TProtocol|thrift|datetime\.| @ "
)
"""Words of Python and of libraries, which tell the owner of a file nothing."""
READ_MAX = 2**20
"""Bytes of a packed file that are unpacked at most before its refusal, where sound rows do not come before it."""


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
    for word in bad.words:
        assert word in message, message
    assert not (tmp_path / CANARY).exists(), "the file was run"
    assert not OF_PYTHON.search(message), message
    check_form(bad, message.replace(f"{tmp_path}/", "").replace(str(tmp_path), "."))


def check_form(bad: BadFile, message: str) -> None:
    """Where, what came and what was wanted, in this order and in these words."""
    if bad in bad_settings.CATALOGUE and not bad.named:
        form = rf"{re.escape(bad.file)}(, [^:]+)?(: [^:]+)?: got .+, wanted .+"
        assert bad.words[0] in message.partition("got ")[0], message
    else:  # within an entry about a store there may be a key of a grid
        place = ", ".join([bad.named or bad.file, *filter(PLACE.fullmatch, bad.words)])
        form = rf"{re.escape(place)}(, [\w.]+)?(: [^:]+)*: got .+, wanted .+"
    assert re.fullmatch(form, message, re.DOTALL), message


def test_the_catalogue_is_long_and_no_case_is_there_twice():
    assert len(CATALOGUE) >= 350
    assert Counter(bad.reader for bad in CATALOGUE).keys() == READERS.keys()
    assert [name for name, count in Counter(map(str, CATALOGUE)).items() if count > 1] == []


def test_what_the_bad_files_are_made_from_is_good(tmp_path: Path):
    """Else they would be refused for something else than what is said of them."""
    (tmp_path / "trades.csv").write_bytes(GOOD)
    assert len(READERS["trades"](tmp_path / "trades.csv")) == 4
    (tmp_path / "feeds.toml").write_text(bad_files.FEED)
    assert len(read_folder(tmp_path).trades["x"]) == 4
    (tmp_path / "book.csv").write_bytes(bad_tables.rows(1, 2))
    assert len(read_books(tmp_path / "book.csv").frame) == 2
    (tmp_path / "bars.csv").write_text(bad_tables.BARS_HEADER + "0,1,1,1,1\n")
    assert len(READERS["bars"](tmp_path / "bars.csv")) == 1
    (tmp_path / "entries.csv").write_text(bad_tables.ENTRIES_HEADER + "A,long,1,1,0.5\n")
    assert len(READERS["entries"](tmp_path / "entries.csv").table) == 1
    (tmp_path / "s.sqlite").write_bytes(bad_stores.store(row='{"y":1}', state="done"))
    assert READERS["export"](tmp_path / "s.sqlite").rows == 1
    READERS["status"](tmp_path / "s.sqlite")


@pytest.mark.parametrize("bad", [bad for bad in CATALOGUE if bad.file.endswith(".gz") and bad.content], ids=str)
def test_a_packed_file_is_refused_before_it_is_unpacked(bad: BadFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Time and memory in terms that no machine changes: a bomb of 50 million bytes is left after a fiftieth of them."""
    unpacked = []
    read1 = gzip.GzipFile.read1

    def counted(file: gzip.GzipFile, size: int = -1) -> bytes:
        content = read1(file, size)
        unpacked.append(len(content))
        return content

    monkeypatch.setattr(gzip.GzipFile, "read1", counted)
    path = placed(bad, tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            READERS[bad.reader](path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(unpacked) <= READ_MAX
    assert peak <= 16 * READ_MAX


def test_a_parquet_file_is_refused_at_the_first_batch_with_a_bad_row(tmp_path: Path):
    zeros = np.zeros(200_000)
    pq.write_table(pa.table({"p": zeros}), tmp_path / "prices.parquet")
    shown = []

    class Watched:
        name, wanted = "p", "a finite number above 0"

        def arrow(self, column: Any, path: str, rows: Any, /) -> Any:
            shown.append(len(column))
            return Numbers("p").arrow(column, path, rows)

    with pytest.raises(InputError, match="row 1, column 'p': got 0"):
        read_columns(tmp_path / "prices.parquet", [Watched()])  # type: ignore[list-item]  # reads no CSV
    assert shown == [0, 2**16]
    pq.write_table(pa.table({"p": zeros + np.arange(200_000) + 1}), tmp_path / "prices.parquet")
    (prices,), rows = read_columns(tmp_path / "prices.parquet", [Numbers("p")])
    assert (prices == rows).all()
    assert rows.tolist() == list(range(1, 200_001))


def test_settings_are_read_up_to_a_bound(tmp_path: Path):
    (tmp_path / "grid.toml").write_bytes(b"\n" * (SIZE_MAX + 1))
    with pytest.raises(ConfigError, match=rf"grid.toml: got more than {SIZE_MAX} bytes, wanted at most"):
        load_grid(tmp_path / "grid.toml")
    with pytest.raises(ConfigError, match=rf"got more than {SIZE_MAX} bytes"):
        load_grid(Path("/dev/zero"))


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
