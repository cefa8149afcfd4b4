"""What tests of studies share."""

from __future__ import annotations

import pytest

from experiments.pi_curve.report import figures


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures take most of the time of a report; where a test is about something else they are left out."""
    monkeypatch.setattr(figures, "picture_of", lambda *_: b"")
    monkeypatch.setattr(figures, "draw", lambda _found, path: path.write_bytes(b""))
