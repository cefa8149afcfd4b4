"""The execution agents, in one place."""

from __future__ import annotations

from agents.execution.cont_kukanov import ContKukanov
from agents.execution.schedules import TWAP, VWAP, FixedSplit, PercentOfVolume, SweepBest

__all__ = ["TWAP", "VWAP", "ContKukanov", "FixedSplit", "PercentOfVolume", "SweepBest"]
