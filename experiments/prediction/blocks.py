"""Means over rows that share their future, with errors over blocks of time that hardly do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from experiments.pages.numbers import Estimate, ratio

_HORIZONS = 6
"""Labels of rows within a horizon share returns, and so do those at the ends of two adjacent blocks, which the error
leaves out. Where rows share in proportion to their overlap, blocks of c horizons have an error too small by
sqrt(1 - 1 / 3c): 3 % with six, 9 % with two.
"""


def block_width(horizon: int, bucket_ms: int) -> int:
    """Milliseconds of a block for labels `horizon` buckets ahead."""
    return _HORIZONS * horizon * bucket_ms


def block_mean(values: npt.ArrayLike, open_time_ms: npt.ArrayLike, block_ms: int) -> Estimate:
    """The mean over rows, with its standard error over blocks of `block_ms`; `n` is the number of blocks.

    It is the ratio of the blocks' sums to their numbers of rows. A mean of block means would be another thing where
    the number of rows that a block has depends on what came next, as that of positions at a loss does.

    Args:
        values: shape (n,).
        open_time_ms: of each, shape (n,).
        block_ms: long enough that what rows of two blocks look at hardly overlaps.
    """
    known = np.asarray(values, dtype=np.float64)
    _, block = np.unique(np.asarray(open_time_ms, dtype=np.int64) // block_ms, return_inverse=True)
    sums, rows = np.bincount(block, weights=known), np.bincount(block)
    return ratio(np.asarray(sums, dtype=np.float64), np.asarray(rows, dtype=np.float64))
