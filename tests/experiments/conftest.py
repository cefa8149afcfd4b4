"""What tests of studies share."""

from __future__ import annotations

import pytest

from experiments.pi_curve import figures, picture


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures take most of the time of a report; where a test is about something else they are left out."""
    monkeypatch.setattr(figures, "picture_of", lambda *_: b"")
    monkeypatch.setattr(picture, "draw", lambda _study, _cells, _summary, path: path.write_bytes(b""))
