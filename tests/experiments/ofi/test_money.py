"""The agent that trades on imbalance: what it computes, when it trades, and what it earns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from agents import examples
from agents.imbalance import ImbalanceModel, ImbalanceTrader, imbalance
from experiments.features.books import snapshots
from experiments.features.market import book_rows, market_features
from experiments.features.ofi import ofi_features
from experiments.features.simulated import MARKET
from experiments.ofi.config import Market
from experiments.ofi.data import recorders_of, recording_of
from experiments.ofi.market import run_market
from experiments.ofi.money import SHUFFLED, TERMS, TRAINED, account_of, model_of, money_table, trader_of
from experiments.ofi.study import tables_of
from experiments.ofi.words import per_lot
from marketsim.errors import ConfigError
from marketsim.testing import check_agent
from marketsim.types import Side, VenueState
from tests.agents.desk import Desk
from tests.experiments.ofi.build import noise_tables, study_of


def state(bids, asks):
    return VenueState(bids[0][0], asks[0][0], tuple(bids), tuple(asks))


def states(frame):
    """What the agent would have seen at each snapshot."""
    found = []
    for row in frame.to_dict("records"):
        sides = [
            tuple(
                (int(row[f"{side}_{level}_price"]), int(row[f"{side}_{level}_size"]))
                for level in range(20)
                if row[f"{side}_{level}_size"] > 0
            )
            for side in ("bid", "ask")
        ]
        found.append(state(*sides))
    return found


def test_the_agent_passes_its_kit():
    check_agent(examples.imbalance_trader).raise_failures()


@pytest.mark.parametrize("venue", ["clob", "fba"])
def test_the_agent_computes_the_features_of_the_study(venue):
    study = study_of(market=Market(venue=venue, buckets=40, traders=40, effect=4, money_runs=0))
    books = snapshots(recording_of(study).frame, study.bucket_ms)
    market = market_features(book_rows(books), study.grid)
    wanted = ofi_features(books, market, study.grid)
    seen = states(books)
    for row in (16, 25, 39):
        for name, (levels, window) in TERMS.items():
            assert imbalance(seen[: row + 1], levels, window) == pytest.approx(wanted[name][row], rel=1e-12), name


def test_it_goes_with_the_prediction_holds_and_gives_back():
    agent = ImbalanceTrader("me", "A", ImbalanceModel(((1, 1, 100.0),), threshold=5.0), quantity=3, hold=2)
    desk = Desk()
    sent = []
    for bid_size in (10, 20, 20, 20, 20):
        desk.states["A"] = state([(99, bid_size)], [(101, 10)])
        agent.review(desk)
        sent.append([(order.side, order.quantity) for order in desk.sent])
        desk.sent.clear()
        for order in desk.open_orders.values():
            desk.held["A"] = desk.held.get("A", 0) + order.side * order.quantity
        desk.open_orders.clear()
    assert sent == [[], [(Side.BUY, 3)], [], [(Side.SELL, 3)], []]


def test_orders_on_their_way_count_as_filled():
    agent = ImbalanceTrader("me", "A", ImbalanceModel(((1, 1, 100.0),)), hold=50)
    desk = Desk()
    for bid_size in (10, 20, 30, 40):
        desk.states["A"] = state([(99, bid_size)], [(101, 10)])
        agent.review(desk)
    assert len(desk.sent) == 1


def test_a_level_that_appears_or_goes_is_all_new_or_all_gone():
    full, thin = state([(99, 4), (98, 5)], [(101, 6)]), state([(99, 4)], [(101, 6)])
    assert imbalance([thin, full], 2, 1) == pytest.approx(98 * 5 / (99 * 4 + 98 * 5 + 101 * 6))
    assert imbalance([full, thin], 2, 1) == pytest.approx(-98 * 5 / (99 * 4 + 101 * 6))


@pytest.mark.parametrize("terms", [(), ((0, 1, 1.0),), ((1, 1),), ((1, 1, float("nan")),)])
def test_a_model_that_makes_no_sense_is_refused(terms):
    with pytest.raises(ConfigError):
        ImbalanceModel(terms)


def test_the_model_is_the_regression_in_raw_units_and_trades_on_a_tenth():
    tables = noise_tables(3000, 1, effect=1.0)
    model = model_of(tables.rows)
    slopes = {name: slope for name, (_, _, slope) in zip(TERMS, model.terms, strict=True)}
    assert slopes["mlofi_l5_5m"] == pytest.approx(2.0 / np.sqrt(2.0), abs=0.2)
    assert max(abs(slope) for name, slope in slopes.items() if name != "mlofi_l5_5m") < 0.2
    fit = tables.rows[tables.rows["split"] == "fit"]
    predicted = model.intercept + fit[list(TERMS)].to_numpy() @ np.array(list(slopes.values()))
    assert (abs(predicted) >= model.threshold).mean() == pytest.approx(0.1, abs=0.01)
    shuffled = model_of(tables.rows, order=np.random.default_rng(1))
    assert max(abs(slope) for *_, slope in shuffled.terms) < 0.3


def test_profit_is_cash_and_what_the_rest_brings():
    study = study_of(market=Market(buckets=60, traders=60, money_buckets=60, effect=4))
    trader = trader_of(study, ImbalanceModel(((5, 1, 10.0),), threshold=0.5))
    result = run_market(study.market, 3, 60, [trader])
    profit, lots, spread = account_of(result, "imbalance")
    own = result.fills.frame().query("owner == 'imbalance'")
    held = int((own["side"] * own["quantity"]).sum())
    book = result.venues["venue"].state(MARKET)
    worth = book.estimate(Side.SELL if held > 0 else Side.BUY, abs(held))[1] * (1 if held > 0 else -1)
    assert lots == own["quantity"].sum() > 20
    assert profit == -(own["side"] * own["money"]).sum() + worth
    assert spread > 0


def test_the_spread_of_a_fill_that_met_no_mid_is_not_taken_for_none():
    fills = pd.DataFrame({"owner": ["me", "me"], "side": [1, -1], "quantity": [2, 2], "price": [101, 99]})

    def account(mids):
        frame = fills.assign(mid_before=mids)
        ledger = SimpleNamespace(inventory={"me": {}}, cash={"me": -4})
        return account_of(SimpleNamespace(fills=SimpleNamespace(frame=lambda: frame), ledger=ledger), "me")

    assert account([100.0, 100.0]) == (-4.0, 4, 4.0)
    profit, lots, spread = account([100.0, np.nan])
    assert (profit, lots, np.isnan(spread)) == (-4.0, 4, True)
    money = pd.DataFrame({"model": TRAINED, "lots": [4, 4, 4], "spread_paid": [4.0, spread, 8.0]})
    assert per_lot(money, TRAINED, "spread_paid").mean == 1.5


def test_an_agent_that_never_trades_earns_nothing_and_moves_nobody():
    study = study_of(market=Market(buckets=30, traders=40, effect=4))
    quiet = trader_of(study, ImbalanceModel(((1, 1, 0.0),), threshold=1.0))
    alone, beside = (run_market(study.market, 3, 30, agents) for agents in ([], [quiet]))
    assert account_of(beside, "imbalance") == (0.0, 0, 0.0)
    assert alone.fills.frame().equals(beside.fills.frame())


def test_money_has_a_row_for_each_seed_and_model_at_seeds_that_no_fit_saw():
    study = study_of(seed=5, market=Market(buckets=200, traders=60, money_runs=2, money_buckets=30, effect=6))
    money = money_table(study, tables_of(study, recording_of(study)))
    assert money[["seed", "model"]].to_numpy().tolist() == [[6, TRAINED], [6, SHUFFLED], [7, TRAINED], [7, SHUFFLED]]
    assert money["lots"].sum() > 0


def test_the_recorders_move_nobody_and_one_misses_nothing():
    study = study_of()
    recorders = recorders_of(study)
    alone, beside = (run_market(study.market, 3, 20, agents) for agents in ([], recorders))
    assert alone.fills.frame().equals(beside.fills.frame())
    looks, events = (recorder.frame(MARKET, step_ns=1) for recorder in recorders)
    assert (len(looks), len(events)) == (20 * 5, 20 * 100)
    best = looks[list(events.columns)]
    assert best.reset_index(drop=True).equals(
        events[events["origin_time"].isin(best["origin_time"])].reset_index(drop=True)
    )
    changes = [frame.drop(columns="origin_time").diff().any(axis=1).sum() for frame in (best, events)]
    assert changes[1] > 1.2 * changes[0] > 0
