"""Pictures of a position-state report, as SVG without a date: scores against their bounds, the edge by gain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.pages import picture_of
from experiments.position.bars import TIME
from experiments.position.entries import SIDES
from experiments.position.labels import EDGE
from experiments.position.study import EVALUATED, MARKET_ONLY, MARKET_PLUS_STATE
from experiments.position.verdict import AUC_MIN, MAE_RATIO_MAX
from experiments.prediction.blocks import block_mean

_BINS = 10


def scores_picture(scores: pd.DataFrame) -> bytes:
    """AUC and MAE ratio by side and split, of both feature sets, with the bounds of the verdict."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.07, right=0.99, bottom=0.2, top=0.9, wspace=0.2)
        panels = figure.subplots(1, 2)
        bounds = (("auc", "AUC: higher is better", AUC_MIN), ("mae_ratio", "MAE ratio: lower is better", MAE_RATIO_MAX))
        places = [(side, split) for side in SIDES for split in EVALUATED]
        for panel, (measure, title, bound) in zip(panels, bounds, strict=True):
            own = scores[scores["measure"] == measure].set_index(["feature_set", "side", "split"])["value"]
            for name, marker, color in ((MARKET_ONLY, "o", "0.5"), (MARKET_PLUS_STATE, "D", "C0")):
                values = [own.get((name, *place), np.nan) for place in places]
                panel.plot(range(len(places)), values, marker, color=color, label=name)
            panel.axhline(bound, color="C3", linewidth=1, linestyle="--", label=f"bound of the verdict, {bound:.2f}")
            panel.set_xticks(range(len(places)), [f"{side}\n{split.replace('_', chr(10))}" for side, split in places])
            panel.tick_params(axis="x", labelsize=7.5)
            panel.set_title(title, fontsize=10)
            panel.margins(x=0.08)
        panels[0].legend(frameon=False, fontsize=8)

    return picture_of((9.0, 4.0), draw)


def edge_table(rows: pd.DataFrame, block_ms: int) -> pd.DataFrame:
    """Mean continue edge by tenths of unrealised gain, tenths of the rows of each side.

    Args:
        rows: of `Tables`.
        block_ms: of the blocks of the errors.

    Returns:
        `side`, `gain` (mean, bps), `mean` and `se` over `n` blocks.
    """
    found = []
    for side in SIDES:
        own = rows[rows["side"] == side]
        order = own["unrealized_pnl_bps"].rank(method="first") - 1
        tenth = (order * _BINS // max(1, len(own))).astype(int)
        for _, part in own.groupby(tenth):
            edge = block_mean(part[EDGE], part[TIME], block_ms)
            found.append((side, float(part["unrealized_pnl_bps"].mean()), edge.mean, edge.se, edge.n))
    return pd.DataFrame(found, columns=["side", "gain", "mean", "se", "n"])


def edge_picture(edges: pd.DataFrame) -> bytes:
    """The table of `edge_table`, with two standard errors."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.09, right=0.99, bottom=0.15, top=0.97)
        panel = figure.subplots()
        for side, color in zip(SIDES, ("C0", "C1"), strict=True):
            own = edges[edges["side"] == side]
            panel.errorbar(own["gain"], own["mean"], yerr=2 * own["se"], fmt="o-", capsize=3, color=color, label=side)
        panel.axhline(0.0, color="0.5", linewidth=1)
        panel.set_xlabel("unrealised gain after the cost, bps (mean of a tenth of the rows)")
        panel.set_ylabel("continue edge, bps")
        panel.legend(frameon=False)

    return picture_of((9.0, 3.5), draw)
