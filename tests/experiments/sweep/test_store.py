"""The store: what was committed is there, whatever happens to the process or to the file."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from attrs import evolve

from experiments.sweep.export import export, table_hash
from experiments.sweep.records import reading
from experiments.sweep.seal import remove_seal, seal_path
from experiments.sweep.store import Store, StoreError
from experiments.sweep.task import Version
from experiments.sweep.verify import verify
from marketsim.errors import ConfigError, InputError

from .kit import MADE_UP, counted, filled, record, records_of

ROWS = 20


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store.sqlite", ROWS)


def flipped_bytes_not_found(path, places):
    """Flip each byte of the store or its seal, one at a time; those that `verify` lets pass."""
    files = [path, seal_path(path)]
    whole = [file.read_bytes() for file in files]
    sizes = [len(content) for content in whole]
    missed = []
    for place in places(sum(sizes)):
        which, offset = (0, place) if place < sizes[0] else (1, place - sizes[0])
        damaged = bytearray(whole[which])
        damaged[offset] ^= 1 << place % 8
        files[which].write_bytes(damaged)
        if not verify(path).problems:
            missed.append(place)
        files[which].write_bytes(whole[which])
    assert not verify(path).problems
    return missed


def test_a_flipped_byte_is_found(store):
    assert flipped_bytes_not_found(store, lambda size: random.Random(1).sample(range(size), 200)) == []


@pytest.mark.slow
def test_every_flipped_byte_is_found(store):
    assert flipped_bytes_not_found(store, range) == []


@pytest.mark.parametrize("sealed", [True, False])
def test_a_byte_flipped_in_a_row_names_the_row(store, sealed):
    if not sealed:
        remove_seal(store)  # the checksum of the row alone
    whole = store.read_bytes()
    for number in range(ROWS):
        hit = record(number)
        for text in (hit.row, hit.cell + hit.row, hit.checksum):
            damaged = bytearray(whole)
            damaged[whole.index(text.encode()) + 3] ^= 1
            store.write_bytes(damaged)
            assert any(hit.id in problem for problem in verify(store).problems)


def test_an_id_flipped_names_what_is_left_of_it(store):
    remove_seal(store)
    whole, hit = store.read_bytes(), record(5)
    damaged = bytearray(whole)
    damaged[whole.index(hit.id.encode())] ^= 1
    store.write_bytes(damaged)
    assert any((hit.id[1:] in problem and hit.cell) or hit.id[1:] in problem for problem in verify(store).problems)


def change(path, *statements):
    connection = sqlite3.connect(path)
    for statement, values in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_swapped_rows_are_both_named(store):
    remove_seal(store)
    one, other = record(3), record(4)
    update = "UPDATE cells SET row = ?, checksum = ? WHERE id = ?"
    change(store, (update, [other.row, other.checksum, one.id]), (update, [one.row, one.checksum, other.id]))
    problems = " ".join(verify(store).problems)
    assert one.id in problems
    assert other.id in problems


def test_a_row_that_is_gone_is_missed(store):
    remove_seal(store)
    change(store, ("DELETE FROM cells WHERE id = ?", [record(3).id]))
    assert any(problem.startswith("totals") for problem in verify(store).problems)


def test_a_row_of_another_cell_is_found_although_its_checksum_is_right(store):
    remove_seal(store)
    wrong = evolve(record(3), cell='{"x":99}')
    change(store, ("UPDATE cells SET cell = ?, checksum = ? WHERE id = ?", [wrong.cell, wrong.checksum, wrong.id]))
    assert any(wrong.id in problem and "its id" in problem for problem in verify(store).problems)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_store_is_refused_with_what_to_do(store, part):
    whole = store.read_bytes()
    store.write_bytes(whole[: max(1, int(len(whole) * part))])
    assert verify(store).problems
    with pytest.raises(InputError, match=r"damaged.*--fresh"):
        Store.open(store, MADE_UP, {})
    with Store.open(store, MADE_UP, {}, fresh=True):
        pass
    assert counted(store) == {"done": 0, "failed": 0}


def test_a_torn_log_loses_nothing_before_the_tear(tmp_path):
    live = tmp_path / "live.sqlite"
    store, sizes = Store.open(live, MADE_UP, {}), []
    log = tmp_path / "live.sqlite-wal"
    for number in range(ROWS):
        store.write([record(number)])
        sizes.append(log.stat().st_size)
    whole, rng = log.read_bytes(), random.Random(2)
    for trial in range(40):
        torn = tmp_path / f"torn{trial}.sqlite"
        shutil.copy(live, torn)
        cut = rng.randrange(len(whole))
        tail = rng.randbytes(rng.choice([0, 100, 5000]))
        torn.with_name(torn.name + "-wal").write_bytes(whole[:cut] + tail)
        kept = sum(size <= cut for size in sizes)
        with Store.open(torn, MADE_UP, {}) as again:
            found = counted(torn)["done"]
            assert found >= kept
            ids = [record(number).id for number in range(found)]
            assert sorted(again.done(ids)) == sorted(ids)
            again.write([record(number) for number in range(found, ROWS)])
        assert verify(torn).problems == ()
        assert table_hash(torn) == table_hash(live)
    store.close()


def test_the_same_rows_give_the_same_file_in_any_order(tmp_path):
    order = list(range(ROWS))
    random.Random(3).shuffle(order)
    with Store.open(tmp_path / "b.sqlite", MADE_UP, {}) as store:
        store.write([record(order[0], "failed")])
        store.write([record(number) for number in order])  # a failed cell is replaced
    filled(tmp_path / "a.sqlite", ROWS)
    for name in "ab":
        assert export(tmp_path / f"{name}.sqlite", tmp_path / f"{name}.parquet").rows == ROWS
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert table_hash(tmp_path / "a.sqlite") == table_hash(tmp_path / "b.sqlite")
    ids = [found.id for found in records_of(tmp_path / "b.sqlite", "done")]
    assert ids == sorted(ids)
    assert verify(tmp_path / "b.sqlite").problems == ()


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("code", '{"module":"other"}', 'code of module: was "abc", is "other"'),
        ("code", "{}", 'code of module: was "abc", is absent'),
        ("plugins", '{"venues/mine":"1.0"}', 'plugins of venues/mine: was absent, is "1.0"'),
        ("libraries", '{"numpy":"2.0.0"}', 'libraries of numpy: was absent, is "2.0.0"'),
        ("config", '{"scale":2}', 'config: was absent, is {"scale":2}'),
        ("target", '"module:other"', 'target: was "module:run", is "module:other"'),
    ],
)
def test_another_version_is_refused_with_what_changed(store, part, value, said):
    with pytest.raises(ConfigError) as refused:
        Store.open(store, Version({**MADE_UP.parts, part: value}), {})
    assert said in str(refused.value)
    assert "--fresh" in str(refused.value)
    assert not verify(store).problems


def test_other_cells_are_refused_with_what_changed(store):
    with pytest.raises(ConfigError, match=r"cells of seeds: was absent, is 3"):
        Store.open(store, MADE_UP, {"seeds": 3})


def test_there_is_one_writer_and_any_number_of_readers(store):
    with Store.open(store, MADE_UP, {}) as writer:
        with pytest.raises(StoreError, match="another sweep"):
            Store.open(store, MADE_UP, {})
        writer.write([record(ROWS)])
        assert counted(store)["done"] == ROWS + 1
    with Store.open(store, MADE_UP, {}):
        pass


def test_a_full_disk_loses_nothing_that_was_written(store):
    with Store.open(store, MADE_UP, {}) as kept:
        pages = kept._connection.execute("PRAGMA page_count").fetchone()[0]
        kept._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"full.*What was committed before is safe"):
            kept.write([record(number) for number in range(ROWS, 300)])
        kept._connection.execute("PRAGMA max_page_count = 100000")
        kept.write([record(ROWS)])  # nothing of the refused commit is counted
    assert verify(store).problems == ()
    assert counted(store)["done"] == ROWS + 1


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no store at all, but long enough to be looked at" * 100)
    with pytest.raises(InputError, match="not a database"):
        Store.open(path, MADE_UP, {})
    with pytest.raises(InputError, match="no such store"), reading(tmp_path / "nothing"):
        pass


def test_a_store_killed_while_its_journal_mode_changes_is_rolled_back(store, tmp_path):
    remove_seal(store)
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("UPDATE cells SET row = ? WHERE id = ?", [("x" * 9000, record(n).id) for n in range(ROWS)])
    killed = tmp_path / "killed.sqlite"
    for suffix in ("", "-journal"):
        shutil.copy(store.with_name(store.name + suffix), killed.with_name(killed.name + suffix))
    connection.close()
    with Store.open(killed, MADE_UP, {}) as again:
        assert again.counts()["done"] == ROWS
    assert verify(killed).problems == ()


def test_a_reader_at_the_end_leaves_a_store_that_is_no_worse_for_it(store):
    writer = Store.open(store, MADE_UP, {})
    with reading(store) as connection:
        connection.execute("SELECT count(*) FROM cells").fetchone()
        writer.write([record(number) for number in range(ROWS, 50)])
        writer.close()
    assert not verify(store).sealed
    change(store)  # anybody who may write and has nothing to say merges the log
    assert verify(store).problems == ()
    with Store.open(store, MADE_UP, {}) as again:
        assert again.counts()["done"] == 50
    assert verify(store).sealed


def test_a_flipped_byte_in_the_log_is_found_with_the_rows_that_it_costs(tmp_path):
    live = tmp_path / "live.sqlite"
    store = Store.open(live, MADE_UP, {})
    for number in range(ROWS):
        store.write([record(number)])
    assert verify(live).problems == ()
    whole, damaged = (tmp_path / "live.sqlite-wal").read_bytes(), tmp_path / "damaged.sqlite"
    for place in [*range(0, 32, 5), *random.Random(4).sample(range(32, len(whole) - 4120), 20)]:
        shutil.copy(live, damaged)
        log = bytearray(whole)
        log[place] ^= 1
        damaged.with_name("damaged.sqlite-wal").write_bytes(log)
        said = " ".join(verify(damaged).problems)
        if "no such table" not in said:  # else the log was all there is: nothing of it is left to name
            there = {found.id for found in records_of(damaged, "done")}
            assert "log: " in said
            assert all(record(number).id in said for number in range(ROWS) if record(number).id not in there)
    store.close()


def test_a_link_leads_to_the_same_lock_and_seal(store, tmp_path):
    link = tmp_path / "link.sqlite"
    link.symlink_to(store)
    with Store.open(link, MADE_UP, {}) as writer:
        with pytest.raises(StoreError, match="another sweep"):
            Store.open(store, MADE_UP, {})
        writer.write([record(ROWS)])
    assert verify(store).sealed
    assert verify(store).problems == verify(link).problems == ()


def test_a_table_is_not_written_over_its_store(store):
    with pytest.raises(ConfigError, match="the store itself"):
        export(store, store)
    assert not verify(store).problems


def test_a_folder_that_cannot_be_written_is_not_blamed_on_another_sweep():
    with pytest.raises(StoreError, match="cannot be written: unable to open"):
        Store.open(Path("/proc/store.sqlite"), MADE_UP, {})
