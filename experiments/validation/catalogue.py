"""Every check, in the order of the table."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from experiments.validation.check import Check
from marketsim.errors import ConfigError

NAMES = (
    "budish-cramton-shim",
    "adaptive-maker",
    "depth-spreads",
    "first-batch",
    "latency-window",
    "private-monopolist",
    "stale-diffusion",
    "batched-diffusion",
    "kalman",
    "glosten-milgrom",
    "kyle",
    "roll",
    "queue-race",
    "lvr",
    "lmsr-loss",
    "batch-waiting",
    "flow-imbalance",
)


def module(name: str) -> ModuleType:
    """The module that holds a check.

    Raises:
        ConfigError: no check has this name.
    """
    if name not in NAMES:
        raise ConfigError(f"--only: got {name!r}, wanted one of {', '.join(NAMES)}")
    return import_module(f"experiments.validation.{name.replace('-', '_')}")


def check(name: str) -> Check:
    """A check by its name.

    Raises:
        ConfigError: no check has this name.
    """
    found: Check = module(name).CHECK
    return found
