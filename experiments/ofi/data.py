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
from marketsim.result import Result

LOOKS = 5
"""Snapshots that the recorder of a simulated market takes in a bucket."""


@frozen(eq=False)
class Recording:
    """Snapshots and trades of one market.

    Args:
        frame: `origin_time` (UTC) and `agents.recorder.snapshot_columns()`, in order of time.
        tape: as of `experiments.features.tapes.trade_tape`; None: no trades are known.
        bad: rows of the file that are no books.
        files: that it was read from.
    """

    frame: pd.DataFrame
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
        recorder = recorder_of(study)
        return recorded(study, recorder, run_market(market, study.seed, market.buckets, [recorder]))
    books = read_books(study.data, unit=study.unit, bad=study.bad)
    if not study.trades:
        return Recording(books.frame, None, books.bad, (Path(study.data),))
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
    return Recording(books.frame, tape, books.bad, (Path(study.data), Path(study.trades)))


def recorder_of(study: OfiStudy) -> BookRecorder:
    """Takes `LOOKS` snapshots of the simulated market in a bucket."""
    return BookRecorder("recorder", (MARKET,), review_interval=max(1, study.market.bucket_steps // LOOKS))


def recorded(study: OfiStudy, recorder: BookRecorder, result: Result) -> Recording:
    """What the recorder saw in a run, and its trades."""
    tape = trade_tape(result.fills, MARKET, step_ns=study.step_ns)
    return Recording(recorder.frame(MARKET, step_ns=study.step_ns), tape)
