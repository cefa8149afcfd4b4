"""All that a position-state study found."""

from __future__ import annotations

import pandas as pd
from attrs import frozen

from experiments.features.labels import future_return_bps
from experiments.features.splits import EMBARGO
from experiments.features.windows import segments
from experiments.position.bars import TIME, Source
from experiments.position.config import PositionStudy
from experiments.position.study import Diagnosis, Tables
from experiments.prediction.verdict import Verdict


@frozen(eq=False)
class Findings:
    """All that a study found.

    Args:
        study: what was asked.
        source: what was looked at.
        tables: rows, labels and splits.
        diagnosis: of the models; None where there are too few rows.
        verdict: on the state of the position.
    """

    study: PositionStudy
    source: Source
    tables: Tables
    diagnosis: Diagnosis | None
    verdict: Verdict

    @property
    def title(self) -> str:
        """Of the page."""
        if self.study.title:
            return self.study.title
        where = "a simulated market" if self.study.synthetic else ", ".join(self.source.bars)
        return f"Continue or exit on {where}"


def dropped(found: Findings) -> dict[str, int]:
    """How many (entry, age) rows were wanted, why some were left out, and how many were used."""
    tables, study = found.tables, found.study
    wanted = len(tables.entries) * len(study.ages)
    states = tables.states
    unscored = states["entry_predicted_edge_bps"].isna()
    return {
        "wanted": wanted,
        "a bar of the path is not there": wanted - len(states),
        "no prediction at the entry": int(unscored.sum()),
        "embargo": int((~unscored & (states["split"] == EMBARGO)).sum()),
        "a feature or the label is not known": int((~unscored & (states["split"] != EMBARGO)).sum() - len(tables.rows)),
        "used": len(tables.rows),
    }


def bars_table(found: Findings) -> pd.DataFrame:
    """A row a symbol.

    Columns: `symbol`, `bars`, `gaps`, `negative_spreads` (bars whose ask closes below the bid), `move_bps` (standard
    deviation of the return over a horizon).
    """
    rows = []
    for symbol, bars in found.source.bars.items():
        segment = segments(bars[TIME], found.study.bucket_ms)
        moves = pd.Series(future_return_bps(bars["close"], segment, found.study.horizon))
        negative = int((bars["spread_bps"] < 0).sum())
        rows.append((symbol, len(bars), int(segment[-1]), negative, float(moves.std())))
    return pd.DataFrame(rows, columns=["symbol", "bars", "gaps", "negative_spreads", "move_bps"])


def closed_share(rows: pd.DataFrame, study: PositionStudy) -> float:
    """Share of rows whose position had reached its stop or target before: they ask about a position past its plan."""
    over = (rows["mae_since_entry_bps"] >= study.stop_bps) | (rows["mfe_since_entry_bps"] >= study.target_bps)
    return float(over.mean())
