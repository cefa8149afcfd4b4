"""What the features are worth in money: an agent trades on a model of the recording, at other seeds than it was fitted.

Its control is the same agent on a model of the same features fitted to returns in random order, a new order a run. Both
trade where a prediction is as large as the largest tenth on the fit split, which at other seeds need not be as often:
the profit a lot stands beside the profit a run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from agents.imbalance import ImbalanceModel, ImbalanceTrader
from experiments.features.simulated import MARKET, VENUE
from experiments.ofi.config import OfiStudy
from experiments.ofi.market import run_market
from experiments.ofi.study import FIT, Tables
from experiments.prediction.models import HUBER, Floats, fit
from experiments.prediction.scores import TOP_SHARE
from marketsim.result import Result
from marketsim.streams import Streams
from marketsim.types import Side

TRAINED, SHUFFLED = "fitted", "shuffled"
TERMS = {
    "ofi_l1_1m": (1, 1), "ofi_l1_3m": (1, 3), "ofi_l1_5m": (1, 5), "ofi_l1_15m": (1, 15),
    "mlofi_l5_1m": (5, 1), "mlofi_l5_5m": (5, 5), "mlofi_l20_1m": (20, 1), "mlofi_l20_5m": (20, 5),
}  # fmt: skip
"""The features that the agent computes for itself: (levels, window in looks)."""
COLUMNS = ["seed", "model", "profit", "lots", "spread_paid"]


def model_of(rows: pd.DataFrame, *, order: np.random.Generator | None = None) -> ImbalanceModel:
    """The agent's model: a Huber regression of future returns on its features, over the fit split.

    Args:
        rows: of `Tables`.
        order: shuffles the returns; None leaves them.

    Raises:
        InputError: no rows in the fit split.
    """
    own = rows[rows["split"] == FIT]
    given = own[list(TERMS)].to_numpy(dtype=np.float64)
    returns = own["future_return_bps"].to_numpy(dtype=np.float64)
    model = fit(HUBER, tuple(TERMS), given, returns if order is None else order.permutation(returns))
    slopes, intercept = model.coefficients()
    terms = [(*term, float(slope)) for term, slope in zip(TERMS.values(), slopes[0], strict=True)]
    threshold = float(np.quantile(np.abs(model.values(given)), 1 - TOP_SHARE))
    return ImbalanceModel(terms, float(intercept[0]), threshold)


def trader_of(study: OfiStudy, model: ImbalanceModel) -> ImbalanceTrader:
    """An agent that looks once a bucket, as the features do, and holds for the label's horizon."""
    return ImbalanceTrader(
        "imbalance",
        MARKET,
        model,
        quantity=study.market.quantity,
        hold=study.horizon,
        review_interval=study.market.bucket_steps,
    )


def money_table(
    study: OfiStudy, tables: Tables, *, jobs: int = 1, advance: Callable[[int], None] = lambda _finished: None
) -> pd.DataFrame:
    """One row a run and model.

    Args:
        study: of a simulated market.
        tables: of the recording at the study's seed; the runs are at the seeds after it.
        jobs: processes.
        advance: told the number of runs that finished.

    Returns:
        `seed`, `model` ("fitted" or "shuffled"), `profit` (tick-lots; what is held at the end is valued at what taking
        the book's other side brings), `lots` (traded) and `spread_paid` (tick-lots against the mid before each fill,
        nan where one met none).
    """
    fitted = model_of(tables.rows)
    calls = []
    for seed in range(study.seed + 1, study.seed + 1 + study.market.money_runs):
        shuffled = model_of(tables.rows, order=Streams(seed).stream("shuffle"))
        calls += [delayed(run_once)(study, name, seed, one) for name, one in ((TRAINED, fitted), (SHUFFLED, shuffled))]
    rows = []
    for row in Parallel(n_jobs=jobs, return_as="generator")(calls):
        rows.append(row)
        advance(1)
    return pd.DataFrame(rows, columns=COLUMNS)


def run_once(study: OfiStudy, name: str, seed: int, model: ImbalanceModel) -> tuple[int, str, float, int, float]:
    """The row of `money_table` of one run."""
    trader = trader_of(study, model)
    result = run_market(study.market, seed, study.market.money_buckets, [trader])
    return seed, name, *account_of(result, trader.agent_id)


def account_of(result: Result, owner: str) -> tuple[float, int, float]:
    """(profit, lots traded, spread paid) of an agent, in tick-lots, lots and tick-lots.

    The spread of a fill that met no mid is not known, and so that of all lots is not: it is nan.
    """
    fills = result.fills.frame()
    own = fills[fills["owner"] == owner]
    signed = own["side"].to_numpy(dtype=np.float64) * own["quantity"].to_numpy(dtype=np.float64)
    paid: Floats = signed * (own["price"].to_numpy(dtype=np.float64) - own["mid_before"].to_numpy(dtype=np.float64))
    held = result.ledger.inventory[owner].get(MARKET, 0)
    worth = _worth(result, held)
    return result.ledger.cash[owner] + worth, int(own["quantity"].sum()), float(paid.sum())


def _worth(result: Result, held: int) -> float:
    """What lots bring, or cost to buy back, at the end; beyond the book's depth at its last price."""
    if not held:
        return 0.0
    state = result.venues[VENUE].state(MARKET)
    side = Side.SELL if held > 0 else Side.BUY
    lots, money = state.estimate(side, abs(held))
    rest = (abs(held) - lots) * (state.last_price or 0)
    return float(-side * (money + rest))
