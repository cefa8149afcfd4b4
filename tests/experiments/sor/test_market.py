"""Decisions, what is known at them, and the simulated books."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from experiments.sor import books, compare, config, market, run, search, study, words
from experiments.sor.config import Books, SorStudy
from marketsim.errors import ConfigError
from tests.experiments.sor import day

RECORDED = SorStudy(quantity=150, horizon=60, interval=5, slices=4, decisions=8)
MADE = SorStudy(
    quantity=600, seeds=2, horizon=60, interval=5, slices=4, under=0.05,
    books=Books(activity=(1.0, 0.7, 0.5, 0.4, 0.4), lookback=120),
)  # fmt: skip


def tape_of(path):
    return market.read(evolve(RECORDED, data=str(path)))


def placed(agent):
    order = agent.parent
    return [(each.venue, each.kind, each.quantity, each.price) for each in order.children.values() if each.time == 0]


def test_what_comes_after_the_decision_changes_nothing_that_is_decided(tmp_path):
    """All quotes after the decision time are poisoned, in price and size."""
    tape = tape_of(day.write(tmp_path / "day.csv"))
    decision = market.decisions_of(RECORDED, tape)[3]
    last = (decision.at - day.START_NS) // day.SECONDS_NS

    def poison(second, values):
        return values if second <= last else ("150.00", 7000 + second, "300.00", 9000 - second)

    other = tape_of(day.write(tmp_path / "poisoned.csv", change=poison))
    found = []
    for each in (tape, other):
        episode = market.episode_of(RECORDED, each, decision)
        agent = study.cont_kukanov(RECORDED, episode, episode.parent(150), study.own_prices(RECORDED))
        episode.run([agent])
        found.append((episode, agent))
    (one, agent), (two, poisoned) = found
    assert one.sample.tolist() == two.sample.tolist()
    assert (one.sample.sum(), len(one.sample)) > (0, 1)
    assert (one.queues, one.curve, one.arrival) == (two.queues, two.curve, two.arrival)
    assert agent.solution == poisoned.solution
    assert placed(agent) == placed(poisoned) != []
    # The poison is there: the market after the decision is another.
    assert agent.parent.money != poisoned.parent.money


def test_outflows_before_a_time_do_not_overlap_it(tmp_path):
    tape = tape_of(day.write(tmp_path / "day.csv"))
    time = day.START_NS + 300 * day.SECONDS_NS
    rows = [each for each in day.good_rows() if each[0] < 300]
    for place, publisher in enumerate(day.PUBLISHERS):
        left = 0
        own = [each for each in rows if each[1] == publisher]
        for before, after in pairwise(own):
            if after[0] >= 240:
                gone = before[3] - after[3] if before[2] == after[2] else before[3]
                left += max(0, gone) if float(after[2]) <= float(before[2]) else 0
        assert market.past_outflows(RECORDED, tape, time)[-1, place] == left > 0


def test_no_order_of_one_part_is_at_work_in_the_other(tmp_path):
    tape = tape_of(day.write(tmp_path / "day.csv"))
    horizon = RECORDED.horizon * RECORDED.step_ns
    for share in (0.0, 0.3, 0.5, 1.0):
        decisions = market.decisions_of(evolve(RECORDED, in_sample=share), tape)
        times = [each.at for each in decisions]
        assert len(times) > 3
        assert all(later - earlier > horizon for earlier, later in pairwise(times))
        assert times[0] >= tape.times[0] + horizon
        assert times[-1] + horizon <= tape.times[-1]
        parts = [each.part for each in decisions]
        assert parts == sorted(parts)  # "in" before "out"
        assert parts.count("in") == round(share * len(parts))


def test_a_decision_without_a_past_or_an_ask_is_left_out_with_its_reason(tmp_path):
    def empty(second, values):
        return ("222.00", 5, "", 0) if second >= 200 else values

    tape = tape_of(day.write(tmp_path / "day.csv", change=empty))
    early = market.Decision(0, "early", int(tape.times[2]), "in")
    late = market.Decision(1, "late", day.START_NS + 300 * day.SECONDS_NS, "out")
    assert "past horizon" in study.execute(RECORDED, tape, early).skipped
    assert "ask" in study.execute(RECORDED, tape, late).skipped


def test_a_simulated_decision_without_an_order_is_left_out_of_the_tables(monkeypatch):
    """The first one has none; then neither has any."""
    made = evolve(MADE, policies=("twap",))
    whole = market.episode_of

    def none(reasons):
        def episode(study, tape, decision):
            if decision.number in reasons:
                raise market.NoOrderError("an empty book")
            return whole(study, tape, decision)

        for module in (run, study):
            monkeypatch.setattr(module, "episode_of", episode)

    none({0})
    found = run.find(made, None)
    assert found.results.skipped == (("seed 1", "an empty book"),)
    quotes = whole(made, None, market.Decision(1, "seed 2", 2, "out")).quotes
    assert found.published.equals(compare.published_table(quotes, 600.0))
    none({0, 1})
    with pytest.raises(ConfigError, match="2 decisions; at seed 1: an empty book"):
        run.find(made, None)


def test_the_caveats_count_what_was_left_out(tmp_path):
    tape = evolve(tape_of(day.write(tmp_path / "day.csv")), hidden=4)
    recorded = evolve(RECORDED, data="day.csv")
    said = words.caveats(recorded, tape)
    assert "Trades at prices between two ticks met no displayed order: 4 left out." in said
    assert not [line for line in words.caveats(recorded, evolve(tape, hidden=0)) if "left out" in line]


def test_a_search_without_a_first_part_says_so():
    made = evolve(MADE, seeds=1, in_sample=0.0, policies=("cont-kukanov",))
    results = study.run_study(made, None)
    assert words.answer(made, results, None)[-1] == "The search chose nothing: there is no decision in the first part."


# Simulated books


@pytest.fixture(scope="module")
def episode():
    return market.episode_of(MADE, None, market.decisions_of(MADE, None)[0])


def test_five_books_show_two_sides_around_the_fair_value(episode):
    quotes, fair = episode.quotes, books.fair_value(MADE, 1)
    assert len(episode.venues) == 5
    middles = (quotes.bids.prices[:, 0] + quotes.asks.prices[:, 0]) / 2
    there = (quotes.bids.sizes[:, 0] > 0) & (quotes.asks.sizes[:, 0] > 0)
    assert there.mean() > 0.95
    truth = fair.values(books.MARKET, quotes.times // MADE.step_ns)
    assert abs((middles - truth)[there].mean()) < 1.0
    assert episode.fair == fair.at(books.MARKET, 120)


def test_the_agent_solves_the_problem_that_the_search_solves(episode):
    agent = study.cont_kukanov(MADE, episode, episode.parent(600), study.own_prices(MADE))
    result = episode.run([agent])
    assert agent.sample().tolist() == episode.sample.tolist()
    costs = search.costs_of(MADE, study.own_prices(MADE), 5)
    assert agent.solution == search.solve(MADE, episode, costs)
    # The same seed, with nobody in the market, until the decision.
    watcher = books.Watcher(episode.venues, 120, 180, 5)
    alone = books.simulate(MADE, 1, [watcher])
    one, two = (each.quotes.frame().query("time < 120") for each in (result, alone))
    assert one.equals(two)
    assert not one.empty


def test_all_policies_meet_the_same_market_and_account_for_every_share():
    done = study.run_study(evolve(MADE, search=False), None)
    orders = done.orders
    assert len(orders) == 2 * len(config.POLICIES)
    for _, own in orders.groupby("number"):
        assert own[["arrival", "naive", "twap", "vwap"]].nunique().eq(1).all()
    assert (orders["filled"] - orders["overfilled"] + orders["unfilled"] == 600).all()
    assert orders["shortfall_fair"].notna().all()
    assert done.fills.groupby(["number", "policy"])["shares"].sum().tolist() == (
        orders.groupby(["number", "policy"])["filled"].sum().tolist()
    )


def test_lambda_u_changes_the_objective_and_the_placement(episode):
    """The published grid changed neither."""
    rows = search.answers(MADE, episode, (0.5, 2.0, 10.0, 50.0))
    costs = [row["cost"] for row in rows]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]
    market_lots = [row["market"] for row in rows]
    assert market_lots[0] < market_lots[-1]


def test_the_cost_curve_has_its_least_at_the_chosen_placement(episode):
    prices = study.own_prices(MADE)
    costs = search.costs_of(MADE, prices, 5)
    solution = search.solve(MADE, episode, costs)
    slack = 3 * search.TOLERANCE * (costs.paid + costs.impact) * MADE.lots
    curve = [search.curve_of(MADE, episode, prices, share * MADE.lots) for share in np.linspace(0, 1, 6)]
    assert min(curve) >= solution.cost - slack
    at = search.curve_of(MADE, episode, prices, solution.placement.market)
    assert at == pytest.approx(solution.cost, abs=slack)
    assert curve[-1] == pytest.approx((costs.paid + costs.impact) * MADE.lots)


def test_the_code_of_the_page_runs(capsys):
    page = (Path(__file__).resolve().parents[3] / "docs" / "smart-order-router.md").read_text(encoding="utf-8")
    [code] = re.findall(r"<!-- run: sor -->\n```python\n(.*?)```", page, re.DOTALL)
    exec(code, {"__name__": "sor"})  # noqa: S102 - our own text
    assert capsys.readouterr().out.count("cont-kukanov") == 2
