"""The kit on agents and fair values, and the Hypothesis parts."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from agents.aggregated import AggregatedEvidenceTrader
from agents.background import Momentum, ZeroIntelligence
from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import Capital
from agents.edge import EdgeTrading
from agents.factor_belief import FactorBelief
from agents.flow import Investor, NoiseTrader
from agents.gaussian import GaussianTrader
from agents.joint_factor import JointFactorTrader
from agents.market_maker import EndogenousSpread, MarketMaker, NewsMaker
from agents.sniper import Sniper
from marketsim.errors import ConfigError
from marketsim.fairvalue import ConstantFairValue, LatentFactorWalk, OrnsteinUhlenbeck
from marketsim.gateway import check_order
from marketsim.testing import (
    CheckFailure,
    ReferenceBook,
    books,
    check_agent,
    check_fair_value,
    message_streams,
    orders,
    probe,
    replay_agent,
    replay_venue,
    venue_machine,
)
from marketsim.testing.planted import AGENTS, BUGS, FAIR_VALUES
from marketsim.types import Side
from tests.kit.venues_under_test import VENUES

MARKETS = ("A", "B")


def _beliefs():
    return {market: ScalarBelief(mean=log(10_000), precision=1e3) for market in MARKETS}


def _trading():
    return EdgeTrading(Capital(10**9), 5)


def _factors():
    loadings = {"A": (1.5, 0.1), "B": (0.4, 1.5)}
    return FactorBelief(dict.fromkeys(MARKETS, log(10_000)), loadings, 1e3, process_variance=1e-6)


def _aggregated():
    weights = {"A": {"B": 0.6}, "B": {"A": 0.6}}
    return AggregatedEvidenceTrader("x", _beliefs(), _trading(), weights, review_interval=20)


BUILT_IN = {
    "noise-trader": lambda: NoiseTrader("x", MARKETS, Capital(10**9), 5, arrival_rate=50.0),
    "investor": lambda: Investor("x", "A", arrival_rate=50.0),
    "market-maker": lambda: MarketMaker("x", _beliefs(), 1e4, 5, 10**9, review_interval=20),
    "endogenous-maker": lambda: MarketMaker(
        "x", _beliefs(), 1e4, 5, 10**9, EndogenousSpread(0.001), review_interval=20
    ),
    "news-maker": lambda: NewsMaker("x", "A", 10_000.0, 20.0),
    "sniper": lambda: Sniper("x", "A"),
    "gaussian-trader": lambda: GaussianTrader("x", _beliefs(), _trading(), review_interval=20),
    "aggregated-evidence": _aggregated,
    "joint-factor": lambda: JointFactorTrader("x", _factors(), _trading(), review_interval=20),
    "momentum-trader": lambda: Momentum("x", "A", review_interval=10),
    "zero-intelligence": lambda: ZeroIntelligence("x", MARKETS, arrival_rate=50.0),
    "bootstrap-ladder": lambda: BootstrapLadder("x", dict.fromkeys(MARKETS, 10_000.0), 10),
}

FAIR = {
    "constant": lambda: ConstantFairValue({"A": 100.0}),
    "walk": lambda: LatentFactorWalk.draw(np.random.default_rng(1), 300, MARKETS),
    "reversion": lambda: OrnsteinUhlenbeck.draw(
        np.random.default_rng(1), 300, {"A": 500.0}, mean_reversion=0.1, volatility=0.01
    ),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_agent_passes(name):
    report = check_agent(BUILT_IN[name], markets=MARKETS)
    report.raise_failures()
    assert set(report.named("passed")) == {outcome.check for outcome in report.outcomes}


@pytest.mark.parametrize("name", FAIR)
def test_a_built_in_fair_value_passes(name):
    check_fair_value(FAIR[name]).raise_failures()


def _replays(bug, failure):
    with pytest.raises(CheckFailure) as again:
        exec(failure.replay, {"factory": bug.factory})  # noqa: S102 the text is what is tested
    assert again.value.check == failure.check


@pytest.mark.parametrize("name", AGENTS)
def test_a_planted_agent_is_caught(name):
    bug = AGENTS[name]
    for check in bug.checks:
        with pytest.raises(CheckFailure) as caught:
            replay_agent(bug.factory, check)
        assert caught.value.check == check
        _replays(bug, caught.value)


@pytest.mark.parametrize("name", FAIR_VALUES)
def test_a_planted_fair_value_is_caught(name):
    bug = FAIR_VALUES[name]
    found = {failure.check: failure for failure in check_fair_value(bug.factory).failures}
    caught = [check for check in bug.checks if check in found]
    assert caught, (bug.description, list(found))
    _replays(bug, found[caught[0]])


def test_bad_arguments_are_refused():
    with pytest.raises(ConfigError):
        check_agent(BUILT_IN["gaussian-trader"])  # says its markets in beliefs only
    with pytest.raises(ConfigError):
        check_fair_value(FAIR["walk"], horizon=0)


# Hypothesis


@given(orders(MARKETS))
def test_orders_are_well_formed(order):
    assert check_order(order, MARKETS) is None


@given(books("A", crossed=False), books("A", crossed=True))
def test_books_cross_or_not_as_asked(quiet, crossed):
    def best(book, side):
        prices = [order.price for order in book if order.side is side]
        return (max if side is Side.BUY else min)(prices, default=None)

    assert None in (best(quiet, Side.BUY), best(quiet, Side.SELL)) or best(quiet, Side.BUY) < best(quiet, Side.SELL)
    assert best(crossed, Side.BUY) >= best(crossed, Side.SELL)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(message_streams(probe(lambda: ReferenceBook(MARKETS)), steps_max=30))
def test_message_streams_are_programs_that_a_correct_venue_survives(program):
    replay_venue(lambda: ReferenceBook(MARKETS), "price-time", program)


def test_a_message_stream_finds_a_planted_bug():
    factory = BUGS["loses-a-partial"].factory

    def breaks(program):
        try:
            replay_venue(factory, "open-book", program)
        except CheckFailure:
            return True
        return False

    assert find(message_streams(probe(factory)), breaks)


@pytest.mark.parametrize("name", ["reference-book", "reference-auction", "clob", "fba", "constant-product", "lmsr"])
def test_the_state_machine_of_a_correct_venue_passes(name):
    test = venue_machine(VENUES[name]).TestCase
    test.settings = settings(
        max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    test().runTest()


@pytest.mark.parametrize("name", ["cancels-half", "last-in-first-out", "market-orders-linger", "loses-a-partial"])
def test_the_state_machine_finds_a_planted_bug_and_its_replay(name):
    test = venue_machine(BUGS[name].factory).TestCase
    test.settings = settings(
        # It ends with the first that fails. Even derandomised, Hypothesis draws on constants of whatever modules are
        # loaded, so that how many it takes depends on which tests came before.
        max_examples=5000,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # shrinking is Hypothesis's, and takes long
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(CheckFailure) as caught:
        test().runTest()
    with pytest.raises(CheckFailure):
        exec(caught.value.replay, {"factory": BUGS[name].factory})  # noqa: S102 the text is what is tested
