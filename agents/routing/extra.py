"""The one door of routing to JAX and THRML, which are an extra."""

from __future__ import annotations

from typing import Any

from marketsim import extras


def load(name: str, needed_for: str) -> Any:
    """The module `name`.

    Raises:
        ConfigError: it is not installed; the message says how to get it.
    """
    return extras.load(name, needed_for, "route")
