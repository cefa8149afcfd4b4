"""Fewer repetitions than a quick run, for engines that are broken on purpose."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from experiments.validation.check import Scale


@frozen
class Few(Scale):
    """A third of the repetitions of a quick run: a band of errors that is wider by half still has to turn red."""

    def pick(self, *, quick: Any, full: Any) -> Any:
        if type(quick) is tuple:
            return max(2, quick[0] // 3), *quick[1:]
        return max(2, quick // 3)
