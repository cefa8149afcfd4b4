"""Splits by time with an embargo between them."""

from __future__ import annotations

from itertools import accumulate
from math import isclose
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from experiments.features.windows import Integers
from marketsim.checks import integer, number
from marketsim.errors import ConfigError

SPLITS = ("fit", "tune", "validation_locked", "latest_stress")
EMBARGO = "embargo"


def _shares(instance: Any, attribute: Any, value: Any) -> None:
    number(above=0.0)(instance, attribute, min(value, default=0.0))
    if len(value) != len(SPLITS) or not isclose(sum(value), 1.0):
        wanted = f"{len(SPLITS)} shares above 0 that sum to 1"
        raise ConfigError(f"{type(instance).__name__}.{attribute.name}: got {value!r}, wanted {wanted}")


@frozen(kw_only=True)
class SplitPlan:
    """Which part of the data serves what: `SPLITS` in order of time.

    Args:
        embargo_ms: a row this close before the next split, or closer, is dropped. At least the horizon of the label: a
            row's label must not look into the next split.
        shares: of the distinct times, by split; they sum to 1.
    """

    embargo_ms: int = field(validator=integer(0))
    shares: tuple[float, ...] = field(default=(0.55, 0.15, 0.15, 0.15), converter=tuple, validator=_shares)

    def starts(self, open_time_ms: npt.ArrayLike) -> Integers:
        """The first time of every split but the first, shape (3,); a split without a time starts with the next."""
        times = np.unique(np.asarray(open_time_ms, dtype=np.int64))
        ends = [round(share * len(times)) for share in accumulate(self.shares)][:-1]
        return np.array([times[min(end, len(times) - 1)] for end in ends], dtype=np.int64)

    def split(self, open_time_ms: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """The split of every row by its time, or `EMBARGO`, shape (n,).

        Raises:
            ConfigError: no row at all.
        """
        times = np.asarray(open_time_ms, dtype=np.int64)
        if not len(times):
            raise ConfigError("SplitPlan.split: got no rows, wanted at least one")
        starts = self.starts(times)
        place = np.searchsorted(starts, times, side="right")
        names = np.array(SPLITS, dtype=object)[place]
        following = np.append(starts, np.iinfo(np.int64).max)[place]
        names[times >= following - self.embargo_ms] = EMBARGO
        return names


def split_counts(splits: npt.NDArray[np.object_]) -> dict[str, int]:
    """Rows of every split, and of the embargo."""
    return {name: int((splits == name).sum()) for name in (*SPLITS, EMBARGO)}
