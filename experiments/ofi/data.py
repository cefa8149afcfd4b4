"""What a study looks at: book snapshots and trades, of files or of a simulated market."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from attrs import frozen

from agents.recorder import BookRecorder
from experiments.features.books import TIME, read_books
from experiments.features.simulated import MARKET
from experiments.features.tapes import read_trade_tape, trade_tape
from experiments.ofi.config import SYNTHETIC, OfiStudy
from experiments.ofi.market import run_market
from experiments.quotes.tape import BadRow

LOOKS = 5
"""Snapshots of a simulated market in a bucket; the last is taken a fifth of the bucket before its close."""


@frozen(eq=False)
class Recording:
    """Snapshots and trades of one market.

    Args:
        frame: `origin_time` (UTC) and `agents.recorder.snapshot_columns()`, in order of time.
        events: the same of the best level alone at every step of a simulated market; of a file its snapshots, which are
            all that there is.
        tape: as of `experiments.features.tapes.trade_tape`; None: no trades are known.
        bad: rows of the file that are no books.
        files: that it was read from.
    """

    frame: pd.DataFrame
    events: pd.DataFrame
    tape: pd.DataFrame | None
    bad: tuple[BadRow, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def end_ns(self) -> int:
        """When the last snapshot was taken, nanoseconds since 1970."""
        return int(self.frame[TIME].to_numpy(dtype="datetime64[ns]")[-1].astype(np.int64))


def recording_of(study: OfiStudy) -> Recording:
    """Read the files of a study, or simulate its market.

    Raises:
        InputError: a file cannot be read, naming file, row and column.
    """
    if study.data == SYNTHETIC:
        market = study.market
        recorders = recorders_of(study)
        result = run_market(market, study.seed, market.buckets, recorders)
        frame, events = (recorder.frame(MARKET, step_ns=study.step_ns) for recorder in recorders)
        return Recording(frame, events, trade_tape(result.fills, MARKET, step_ns=study.step_ns))
    books = read_books(study.data, unit=study.unit, bad=study.bad)
    if not study.trades:
        return Recording(books.frame, books.frame, None, books.bad, (Path(study.data),))
    time, price, quantity, taker_sold = study.trade_columns
    tape = read_trade_tape(
        study.trades,
        time=time,
        price=price,
        quantity=quantity,
        taker_sold=taker_sold,
        unit=study.unit,
        where={"venue": study.trades_venue} if study.trades_venue else None,
    )
    return Recording(books.frame, books.frame, tape, books.bad, (Path(study.data), Path(study.trades)))


def recorders_of(study: OfiStudy) -> tuple[BookRecorder, BookRecorder]:
    """One takes `LOOKS` snapshots of the simulated market in a bucket, one sees its best level at every step."""
    looks = max(1, study.market.bucket_steps // LOOKS)
    return (
        BookRecorder("recorder", (MARKET,), review_interval=looks),
        BookRecorder("events", (MARKET,), levels=1, review_interval=1),
    )
