"""Poisoned futures: whatever happens after t changes no row that was known at t, through the whole study."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve

from experiments.position.bars import Source
from experiments.position.entries import Entries
from experiments.position.labels import EDGE, TARGET
from experiments.position.study import FIT, diagnose, tables_of
from tests.experiments.position.build import BUCKET, bars_of, entries_of, regular, study

STUDY = study(cost_bps=0.5)
ROWS = 240
BARS = bars_of(ROWS)
GIVEN = Source({"made": BARS}, entries_of(BARS, 120))
REGULAR = regular(BARS, 3)
FUTURE = [EDGE, TARGET]


def known(tables, moment):
    """The rows whose bucket has closed by then, without what only the future says."""
    rows = tables.states
    return rows[rows["open_time_ms"] + BUCKET <= moment].drop(columns=FUTURE).reset_index(drop=True)


def poisoned(source, moment, rng):
    """All bars that close after `moment`, and all entries and adds after it, made wild."""
    bars = source.bars["made"].copy()
    late = (bars["open_time_ms"] + BUCKET > moment).to_numpy()
    columns = [name for name in bars if name != "open_time_ms"]
    bars.loc[late, columns] *= rng.lognormal(0, 1, (int(late.sum()), len(columns)))
    table, adds = source.entries.table.copy(), source.entries.adds.copy()
    after = (table["time_ms"] > moment).to_numpy()
    table.loc[after, "side"] = table.loc[after, "side"].map({"long": "short", "short": "long"})
    table.loc[after, ["predicted_edge_bps", "probability"]] *= 100
    adds.loc[adds["time_ms"] > moment, "time_ms"] += 3 * BUCKET
    return Source({"made": bars}, Entries(table, adds))


# The model of regular entries is fitted anew on what is poisoned: the dearer of the two, so half the moments each.
@pytest.mark.parametrize(("source", "seed"), [(GIVEN, 5), (REGULAR, 7)], ids=["predicted", "scored"])
def test_no_row_known_at_t_depends_on_what_comes_after(source, seed):
    rng = np.random.default_rng(seed)
    clean = tables_of(STUDY, source)
    first, last = int(BARS["open_time_ms"].iloc[5]), int(BARS["open_time_ms"].iloc[-2])
    changed = rows = scored = 0
    for moment in rng.integers(first, last, 50).tolist():
        found = tables_of(STUDY, poisoned(source, moment, rng))
        wanted = known(clean, moment)
        # Entries that no frozen model has scored make no row to learn from.
        unscored = wanted["entry_predicted_edge_bps"].isna()
        assert known(found, moment)[~unscored].equals(wanted[~unscored]), moment
        changed += not found.states.drop(columns=FUTURE).equals(clean.states.drop(columns=FUTURE))
        rows, scored = rows + len(wanted), scored + int((~unscored).sum())
    assert changed >= 45  # the poison reaches what it should
    assert scored > rows / 3
    assert scored == rows or source is REGULAR


def test_the_model_of_the_entries_ends_before_the_first_that_it_scores():
    tables = tables_of(STUDY, REGULAR)
    scored = tables.entries.dropna()
    assert scored["time_ms"].min() - BUCKET >= tables.frozen_ms
    assert tables.entries["predicted_edge_bps"].isna().sum() > 20
    # What comes in the embargo before that is in no label of its fit: only later bars are changed here.
    source = regular(BARS.assign(close=BARS["close"].where(BARS["open_time_ms"] < tables.frozen_ms, 1.0)), 3)
    assert tables_of(STUDY, source).model.coefficients() == tables.model.coefficients()


def test_labels_look_one_horizon_ahead_and_no_further():
    clean = tables_of(STUDY, GIVEN).states
    rng = np.random.default_rng(9)
    for moment in BARS["open_time_ms"].iloc[rng.integers(60, ROWS - 20, 5)].tolist():
        found = tables_of(STUDY, poisoned(GIVEN, moment, rng)).states
        ends = clean["open_time_ms"] + (STUDY.horizon + 1) * BUCKET
        assert found.loc[ends <= moment, FUTURE].equals(clean.loc[ends <= moment, FUTURE])
        crossing = (ends > moment) & (clean["open_time_ms"] + BUCKET <= moment) & clean[EDGE].notna()
        assert (found.loc[crossing, EDGE] != clean.loc[crossing, EDGE]).all()
        assert crossing.any()


def test_only_the_fit_split_fits_and_gives_the_constants():
    plan = study(cost_bps=0.0, continue_edge_bps=1.0, regressor="ridge", horizon=2)
    tables = tables_of(plan, regular(bars_of(400, gap=False), 1))
    found = diagnose(plan, tables)
    rng = np.random.default_rng(3)
    rows = tables.rows.copy()
    later = (rows["split"] != FIT).to_numpy()
    for name in (*tables.sets["market_plus_state"], EDGE):
        rows.loc[later, name] = rng.normal(50, 9, int(later.sum()))
    rows.loc[later, TARGET] = 1.0
    again = diagnose(plan, evolve(tables, rows=rows))
    for key, models in found.models.items():
        for one, other in zip(models, again.models[key], strict=True):
            for before, after in zip(one.coefficients(), other.coefficients(), strict=True):
                assert np.array_equal(before, after), key
    for row in again.scores.to_dict("records"):
        own = rows[rows["side"] == row["side"]]
        fitted, scored = own[own["split"] == FIT], own[own["split"] == row["split"]]
        if row["measure"] == "mae":
            assert row["constant"] == pytest.approx((scored[EDGE] - fitted[EDGE].median()).abs().mean())
        elif row["measure"] == "log_loss":
            assert row["constant"] == pytest.approx(-np.log(fitted[TARGET].mean()))
