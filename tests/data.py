"""Where recorded market data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def data_path(name: str) -> Path:
    """The file or folder `name` of the recorded data; skips the test where there is none, and fails in CI."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("MARKETSIM_DATA", beside)) / name
    if not path.exists():
        message = f"recorded data {name!r} is not at {path} (set MARKETSIM_DATA)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
