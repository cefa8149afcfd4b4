"""What tests of the router study share."""

from __future__ import annotations

import pytest

from experiments.sor import study


@pytest.fixture(autouse=True, scope="module")
def few_draws():
    """The published approximation takes most of the time of a run; how close it comes is tested where it is made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "DRAWS", 500)
        yield
