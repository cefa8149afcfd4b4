"""What a routing study found."""

from __future__ import annotations

import pandas as pd
from attrs import frozen

from experiments.routing.config import RouteStudy
from experiments.routing.generative import Generative
from experiments.routing.study import Data, Results


@frozen(eq=False)
class Findings:
    """All that a study found; `sampling`, `engine` and `generative` are None where they were not asked for."""

    study: RouteStudy
    data: Data
    results: Results
    sampling: pd.DataFrame | None
    engine: pd.DataFrame | None
    generative: Generative | None
    seconds: float
    """Wall time of the batched study."""
