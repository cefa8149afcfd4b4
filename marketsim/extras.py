"""The one door to libraries that are extras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from marketsim.errors import ConfigError


def load(name: str, needed_for: str, extra: str) -> Any:
    """The module `name`, which comes with the extra `extra`.

    Raises:
        ConfigError: it is not installed; the message says how to get it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        # By the folder, not by name: on PyPI the name belongs to another project.
        how = f"install the extra with `pip install '.[{extra}]'` in the folder of the source"
        raise ConfigError(f"{needed_for} needs {name} ({error}): {how}") from error
