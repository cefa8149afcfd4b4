"""Pictures of an order-flow imbalance report, as SVG without a date: impact, gains of the features, money."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.features.splits import SPLITS
from experiments.ofi.money import SHUFFLED, TRAINED
from experiments.ofi.study import HEADS
from experiments.pages import picture_of

_POINTS_MAX = 1500
_SAID = {"event": "summed over all snapshots", "snapshot": "last snapshots of two buckets"}


def impact_picture(pairs: pd.DataFrame, table: pd.DataFrame) -> bytes:
    """Mid changes against imbalance, with the fitted line and, dashed, that of the stylised book."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.08, right=0.99, bottom=0.15, top=0.9, wspace=0.15)
        shown = pairs.iloc[:: max(1, -(-len(pairs) // _POINTS_MAX))]
        panels = figure.subplots(1, 2, sharey=True)
        for panel, row in zip(panels, table.to_dict("records"), strict=False):
            kind = row["imbalance"]
            panel.plot(shown[kind], shown["mid_change"], ".", color="0.6", markersize=3)
            ends = np.array([shown[kind].min(), shown[kind].max()])
            panel.plot(ends, row["slope"] * ends, color="C0", label=f"fitted, R² = {row['r_squared']:.2f}")
            panel.plot(ends, row["predicted"] * ends, "--", color="C3", label="tick / (2 x depth)")
            # The stylised slope can be far off: the data set the scale.
            panel.set_ylim(1.1 * shown["mid_change"].min(), 1.1 * shown["mid_change"].max())
            panel.set_title(_SAID[kind], fontsize=10)
            panel.set_xlabel("imbalance at the best prices in a bucket, lots")
            panel.legend(frameon=False)
        panels[0].set_ylabel("change of the mid, units of price")

    return picture_of((9.0, 4.0), draw)


def gains_picture(gains: pd.DataFrame) -> bytes:
    """Loss of market_only less that of market_plus_ofi, each with two standard errors; above 0 the features help."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.08, right=0.99, bottom=0.15, top=0.9, wspace=0.25)
        panels = figure.subplots(1, 2, width_ratios=(3, 2))
        parts = (("log loss, nats a row", HEADS[:3]), ("absolute error, bps a row", HEADS[3:]))
        for panel, (unit, heads) in zip(panels, parts, strict=True):
            for place, split in enumerate(SPLITS[1:]):
                own = gains[gains["split"] == split].set_index("head")
                known = [head for head in heads if head in own.index]
                x = np.array([heads.index(head) for head in known]) + 0.2 * (place - 1)
                rows = own.loc[known]
                panel.errorbar(x, rows["mean"], yerr=2 * rows["se"], fmt="o", capsize=3, color=f"C{place}", label=split)
            panel.axhline(0.0, color="0.5", linewidth=1)
            words = [head.removesuffix("_bps").replace("_", " ") for head in heads]
            panel.set_xticks(range(len(heads)), words)
            panel.set_title(f"gain in {unit}", fontsize=10)
        panels[0].legend(frameon=False)

    return picture_of((9.0, 4.0), draw)


def money_picture(money: pd.DataFrame) -> bytes:
    """Profit of every run, of the fitted model against the shuffled one at the same seed."""

    def draw(figure: Any) -> None:
        figure.subplots_adjust(left=0.12, right=0.99, bottom=0.15, top=0.97)
        panel = figure.subplots()
        table = money.pivot_table(index="seed", columns="model", values="profit")
        for place, model in enumerate((TRAINED, SHUFFLED)):
            panel.plot(table.index, table[model], "o", color=f"C{3 * place}", label=f"{model} model")
        panel.vlines(table.index, table[SHUFFLED], table[TRAINED], color="0.8", zorder=0)
        panel.axhline(0.0, color="0.5", linewidth=1)
        panel.set_xlabel("seed of the run")
        panel.set_ylabel("profit after the spread, tick-lots")
        panel.legend(frameon=False)

    return picture_of((9.0, 3.5), draw)
