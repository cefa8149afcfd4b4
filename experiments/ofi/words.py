"""What an order-flow imbalance study says in words: its question, its answer, its caveats."""

from __future__ import annotations

from math import isnan

import pandas as pd

from experiments.features.splits import SPLITS
from experiments.ofi.config import SYNTHETIC, OfiStudy
from experiments.ofi.money import SHUFFLED, TRAINED
from experiments.pages.numbers import Estimate, listed, mean_of, plain, ratio, spans, with_error
from experiments.prediction.verdict import LOCKED, NOT_READY, READY, Verdict

LEAKAGE_POLICY = (
    "A feature row uses books and trades up to the close of its own bucket, and is known then.",
    "Windows, differences and labels never cross a gap; warm-up rows are dropped, never filled.",
    "A label looks at the mids of its bucket and of the bucket one horizon later; features never look ahead.",
    "Splits are shares of the recorded buckets in order of time; before each split at least a horizon is dropped.",
    "Scales, coefficients, constants and thresholds come from the fit split alone; nothing was tuned on another.",
)


def question(study: OfiStudy) -> str:
    """What is asked, of which data."""
    where = _market(study) if study.data == SYNTHETIC else study.data.rpartition("/")[2]
    ahead = spans([study.horizon], study.bucket_ms)
    return (
        f"Do the order-flow imbalance features predict the return of {where} over the next {ahead} "
        f"({study.horizon} buckets of {study.bucket_ms} ms), beyond a cost of {plain(study.cost_bps)} bps, better than "
        "market features alone?"
    )


def _market(study: OfiStudy) -> str:
    market = study.market
    venue = "continuous book" if market.venue == "clob" else "batch auction"
    effect = f"with a planted effect of {market.effect} lots a look" if market.effect else "without a planted effect"
    return f"a simulated {venue} of zero-intelligence flow {effect}"


def answer(
    study: OfiStudy, verdict: Verdict, scores: pd.DataFrame | None, impact: pd.DataFrame, money: pd.DataFrame
) -> list[str]:
    """The verdict, how both models do against a constant, the impact regression, the money."""
    constant = [] if scores is None else [_constant(scores)]
    return [_verdict(verdict), *constant, *_impact(impact), *_money(study, money)]


def _verdict(verdict: Verdict) -> str:
    if verdict.said == READY:
        return f"Ready: market_plus_ofi beats market_only in all {len(verdict.checks)} checks on both locked splits."
    if verdict.said == NOT_READY:
        failed = [check for check in verdict.checks if not check.passed]
        unknown = sum(isnan(check.before) or isnan(check.after) for check in failed)
        missing = f", {unknown} of them because a score cannot be computed" if unknown else ""
        return f"Not ready: {len(failed)} of {len(verdict.checks)} checks did not pass{missing}. All of them must."
    return f"Too few rows for a verdict: {'; '.join(verdict.reasons)}."


def _constant(scores: pd.DataFrame) -> str:
    locked = scores[scores["split"].isin(LOCKED) & scores["measure"].isin(["log_loss", "mae_ratio"])]
    better = (locked["value"] < locked["constant"]).groupby(locked["feature_set"]).agg(["sum", "size"])
    parts = [f"{name} in {better.loc[name, 'sum']} of {better.loc[name, 'size']}" for name in better.index]
    return (
        "On the locked splits the models have a lower loss than the constant of the fit, over all predictions, "
        f"{listed(parts)}."
    )


def _impact(impact: pd.DataFrame) -> list[str]:
    if impact.empty:
        return ["No impact regression: there are too few windows, or the imbalance never varies."]
    row = impact.iloc[0]
    times = row["slope"] / row["predicted"]
    said = (
        f"One lot of imbalance at the best prices moves the mid by {with_error(row['slope'], row['standard_error'])} "
        f"units of price within its bucket (R² {row['r_squared']:.2f}), {times:.3g} times the tick / (2 x depth) = "
        f"{row['predicted']:.3g} of a book with as much at every price."
    )
    return [said]


def _money(study: OfiStudy, money: pd.DataFrame) -> list[str]:
    if study.data != SYNTHETIC:
        return ["No money: an agent's own orders have no place in a recording. Money is measured on simulated markets."]
    if money.empty:
        return []
    fitted, shuffled = (per_run(money, model) for model in (TRAINED, SHUFFLED))
    gap = paired(money)
    lots = per_lot(money, TRAINED)
    told = "beyond chance" if gap.told() else "which can be chance"
    said = (
        f"In money: the agent on the fitted model makes {fitted} tick-lots a run ({lots} ticks a lot) after the "
        f"spread, on the shuffled model {shuffled}; the difference at the same seeds is {gap}, {told}."
    )
    return [said]


def per_run(money: pd.DataFrame, model: str, column: str = "profit") -> Estimate:
    """Mean of a column over the runs of a model."""
    return mean_of(money.loc[money["model"] == model, column])


def per_lot(money: pd.DataFrame, model: str, column: str = "profit") -> Estimate:
    """Ratio of a column's total to the lots traded, ticks a lot."""
    own = money[money["model"] == model]
    return ratio(own[column].to_numpy(dtype=float), own["lots"].to_numpy(dtype=float))


def paired(money: pd.DataFrame) -> Estimate:
    """Profit on the fitted model less that on the shuffled one, at the same seeds."""
    table = money.pivot_table(index="seed", columns="model", values="profit")
    return mean_of(table[TRAINED] - table[SHUFFLED])


def caveats(study: OfiStudy, impact: pd.DataFrame) -> list[str]:
    """What the numbers do not say."""
    lines = [
        f"The two locked splits ({SPLITS[2]}, {SPLITS[3]}) are two stretches of one recording, not two markets.",
        "The checks compare plain numbers; how far from chance they are is in the gains, over blocks of six horizons.",
        "The label is the return of the mid beyond a cost: nobody traded at it.",
        "A z-score or a rank over a shortened window is another feature than over 240 or 1440 minutes.",
    ]
    if not impact.empty:
        lines.append(
            "The stylised book has the same size at every price and no hidden orders; a slope above it says that the "
            "prices beyond the best hold less, or that the mid moves without the best sizes being used up."
        )
    if study.data == SYNTHETIC:
        lines.append("Zero-intelligence traders price around the mid they see: moves are partly undone by themselves.")
        if study.market.venue == "fba":
            lines.append(
                "In an auction nobody takes: taker imbalance is 0. The book shown, and the mid from which the spread "
                "paid is counted, are of orders that wait for the next clear."
            )
    elif not study.trades:
        lines.append("Without trades no taker flow is known: features of it are left out of both sets.")
    return lines
