"""Good files with a few bytes changed are read or refused, and nothing else happens."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from experiments.pi_curve import config
from marketsim.errors import MarketsimError
from marketsim.streams import Streams
from tests.experiments.quotes.days import text
from tests.trust import bad_stores, bad_tables
from tests.trust.bad_parquet import PARQUET_GOOD
from tests.trust.test_bad_files import READERS

_ROWS = b"t,p,q\n" + b"".join(b"%d,%d.25,%d\n" % (10 * n, 100 + n % 7, 1 + n % 5) for n in range(60))
GOOD = {
    "trades.csv": ("trades", _ROWS),
    "trades.csv.gz": ("trades", gzip.compress(_ROWS, mtime=0)),
    "trades.parquet": ("trades", PARQUET_GOOD),
    "day.csv": ("quotes", text().encode()),
    "book.csv": ("books", bad_tables.rows(*range(4))),
    "bars.csv": ("bars", (bad_tables.BARS_HEADER + "".join(f"{60_000 * n},2,3,1,2\n" for n in range(60))).encode()),
    "entries.csv": ("entries", (bad_tables.ENTRIES_HEADER + "A,long,1,-1.5,0.5\n" * 60).encode()),
    "s.sqlite": ("status", bad_stores.store(row='{"error":"E"}')),
    "grid.toml": (
        "grid",
        b"seeds = 3\nfirst_seed = 7\n[axes]\npi = [1, 10, 100]\nname = ['a', 'b']\n[fixed]\nx = 1.5\n",
    ),
    "study.toml": ("pi-curve", config.dumps(config.Study()).encode()),
}
CHANGED = 10
"""Bytes changed, inserted or removed in a file at most."""


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """`content` with up to `CHANGED` bytes changed, inserted or removed."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, CHANGED + 1))):
        place, byte = int(rng.integers(len(changed))), int(rng.integers(256))
        kind = int(rng.integers(3))
        if kind == 0:
            changed[place] = byte
        elif kind == 1:
            changed.insert(place, byte)
        else:
            del changed[place]
    return bytes(changed)


def check(name: str, seeds: range, folder: Path) -> None:
    reader, content = GOOD[name]
    path = folder / name
    path.write_bytes(content)
    READERS[reader](path)
    refused = unnamed = 0
    for seed in seeds:
        path.write_bytes(mutated(content, Streams(seed).stream(f"mutations of {name}")))
        try:
            READERS[reader](path)
        except MarketsimError as error:
            refused += name in str(error)
            unnamed += name not in str(error)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {type(error).__name__}: {error}") from error
    assert unnamed == 0
    assert refused > len(seeds) / 4


@pytest.mark.parametrize("name", GOOD)
def test_two_hundred_mutations(name: str, tmp_path: Path):
    check(name, range(200), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_forty_thousand_mutations(name: str, tmp_path: Path):
    check(name, range(1000, 41_000), tmp_path)
