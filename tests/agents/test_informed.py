"""The joint-factor and the aggregated-evidence trader against the exact posterior, and what they trade when."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from agents.aggregated import (
    AggregatedEvidenceTrader,
    cosine_weights,
    deviation_evidence,
    published_evidence,
)
from agents.belief import Innovations, ScalarBelief, pooled, update
from agents.edge import EdgeTrading
from agents.factor_belief import FactorBelief
from agents.joint_factor import JointFactorTrader
from marketsim.errors import ConfigError
from marketsim.streams import Streams
from marketsim.types import Side, Signal
from tests.agents.beliefs import variance_of, z_score
from tests.agents.desk import Desk, quote

OPENING = log(10_000)
weights = st.one_of(st.floats(0.05, 0.999), st.floats(-0.999, -0.05), st.sampled_from([-1.0, 1.0]))


@define
class Notes:
    """A capital rule that writes down where it is asked."""

    asked: list[tuple[str, Side]] = field(factory=list)

    def take(self, ctx, market, side, quantity):
        self.asked.append((market, side))
        return True

    def post(self, ctx, market, side, quantity, price):
        self.asked.append((market, side))

    def learn(self, ctx, report): ...


def desk(**mids):
    return Desk({market: quote(mid - 10, mid + 10) for market, mid in mids.items()})


def signal(market, deviation, *, sigma=0.01, time=0, tier="routine"):
    return Signal(market, tier, time, 10_000 * float(np.exp(deviation)), sigma)


def joint(loadings, **more):
    notes = Notes()
    belief = FactorBelief(dict.fromkeys(loadings, OPENING), loadings, 1.0, **more)
    return JointFactorTrader("joint", belief, EdgeTrading(notes, 10)), notes


def aggregated(of, *, precision=1.0, assumed=None, foreign="deviation", q=0.0):
    notes = Notes()
    beliefs = {market: ScalarBelief(OPENING, precision, process_variance=q) for market in ("A", "B", "C")}
    return AggregatedEvidenceTrader("x", beliefs, EdgeTrading(notes, 10), of, assumed, foreign), notes


# Exact results


@given(weights, st.floats(-1, 1), st.floats(0.01, 1e4), st.floats(0.1, 100))
def test_a_foreign_signal_gives_the_posterior_of_two_correlated_normals(w, z, r, prior):
    """Prior T [[1, w], [w, 1]]; e + N(0, 1/r) = z is seen: E d = w T z / (T + 1/r), var d = T - w^2 T^2 / (T + 1/r)."""
    variance = 1 / prior
    told, precision = deviation_evidence(z, r, w, variance)
    mean, total = update(0.0, prior, told, precision)
    assert mean == pytest.approx(w * variance * z / (variance + 1 / r), rel=1e-9, abs=1e-12)
    assert 1 / total == pytest.approx(variance - (w * variance) ** 2 / (variance + 1 / r), rel=1e-6)


@given(weights, st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=6), st.floats(-0.5, 0.5))
def test_after_own_signals_and_one_foreign_it_agrees_with_the_belief_about_factors(w, own, foreign):
    """Two markets with unit loadings at the cosine w."""
    loadings = {"A": (1.0, 0.0), "B": (w, sqrt(1 - w * w))}
    single, _ = aggregated({"A": {"B": w}})
    whole, _ = joint(loadings)
    for trader in (single, whole):
        for z in own:
            trader.decide(desk(), signal("A", z, sigma=0.5))
        trader.decide(desk(), signal("B", foreign, sigma=0.3))
    assert single.beliefs["A"].mean == pytest.approx(whole.belief.mean_log("A"), abs=1e-9)
    assert 1 / single.beliefs["A"].precision == pytest.approx(variance_of(whole.belief, "A", 0), rel=1e-6)


def test_a_deviation_that_has_had_time_to_move_tells_less():
    """With q the deviation's variance is T + q t by the time of the signal."""
    q, w, r, time = 0.01, 0.6, 4.0, 50
    trader, _ = aggregated({"A": {"B": w}}, q=q)
    trader.beliefs["A"].last_update = 0
    trader.decide(desk(), signal("B", 0.2, sigma=0.5, time=time))
    moved = 1 + q * time
    assert trader.beliefs["A"].mean - OPENING == pytest.approx(w * moved * 0.2 / (moved + 1 / r), rel=1e-9)


def test_its_innovations_fit_where_its_model_holds_and_not_under_the_published_rule():
    rng, w, parts = Streams(7).stream("worlds"), 0.6, {"deviation": [], "scaled-value": []}
    for _ in range(600):
        own, noise = rng.standard_normal(2), 0.1 * rng.standard_normal(2)
        deviations = {"A": own[0], "B": w * own[0] + sqrt(1 - w * w) * own[1]}
        for foreign, found in parts.items():
            trader, _ = aggregated({"A": {"B": w}}, foreign=foreign)
            for error, (market, deviation) in zip(noise, reversed(deviations.items()), strict=True):
                trader.decide(desk(), signal(market, deviation + error, sigma=0.1))
            found.append(trader.nis)
    assert pooled(parts["deviation"]).count == 3 * 600
    assert abs(z_score(pooled(parts["deviation"]))) < 4
    assert pooled(parts["scaled-value"]).mean > 10


def test_the_published_rule_scales_the_log_of_the_price():
    trader, _ = aggregated({"A": {"B": -0.5}}, assumed=0.85, foreign="scaled-value", precision=2.0)
    trader.decide(desk(), signal("B", 0.1))
    mean, precision = update(OPENING, 2.0, -0.5 * (OPENING + 0.1), 0.85 * 0.5)
    assert (trader.beliefs["A"].mean, trader.beliefs["A"].precision) == pytest.approx((mean, precision), rel=1e-12)
    assert published_evidence(4.0, 0.85, -0.5) == (-2.0, 0.425)


def test_a_prior_without_information_learns_nothing_from_another_market():
    assert deviation_evidence(0.1, 4.0, 0.9, inf) is None
    assert deviation_evidence(0.1, 4.0, -1.0, inf) == (-0.1, 4.0)


# Weights


def test_cosines_of_loadings():
    found = cosine_weights({"A": (1.0, 0.0), "B": (3.0, 4.0), "C": (0.05, 1.0), "D": (0.0, 0.0), "E": (-7.0, 0.0)})
    assert found["A"] == {"B": 0.6, "E": -1.0}  # .0499 is dropped
    assert found["B"] == {"A": 0.6, "C": pytest.approx((0.15 + 4) / 5 / sqrt(1.0025)), "E": -0.6}
    assert found["D"] == {}
    assert list(cosine_weights({"A": (1.0, 0.0), "B": (3.0, 4.0)}, drop_below=0.61)["A"]) == []
    with pytest.raises(ConfigError, match="same number"):
        cosine_weights({"A": (1.0,), "B": (1.0, 2.0)})


@given(st.tuples(*[st.floats(-1e3, 1e3)] * 3), st.floats(1e-3, 1e3))
def test_a_cosine_does_not_leave_its_bounds_and_knows_no_scale(beta, scale):
    found = cosine_weights({"A": beta, "B": tuple(scale * b for b in beta)}, drop_below=0.0)
    if max(map(abs, beta)) > 1e-3:
        assert found["A"]["B"] == pytest.approx(1.0, abs=1e-12)
        assert found["A"]["B"] <= 1.0


# What is traded when


def test_a_signal_moves_all_related_beliefs_and_trades_only_in_its_own_market():
    single, notes = aggregated({"B": {"A": 0.5}})
    whole, asked = joint({"A": (1.0, 0.2), "B": (0.2, 1.0), "C": (1.0, 1.0)})
    for trader in (single, whole):
        trader.decide(desk(A=10_000, B=10_000, C=10_000), signal("A", 0.2, sigma=0.1))
    assert notes.asked == asked.asked == [("A", Side.BUY)]
    assert [single.beliefs[market].mean > OPENING for market in "ABC"] == [True, True, False]
    assert all(whole.belief.mean_log(market) > OPENING + 0.01 for market in "ABC")


def test_a_review_looks_at_all_markets_and_the_joint_one_begins_with_the_largest_edge():
    mids = {"A": 10_100, "B": 9_700, "C": 10_200}
    single, notes = aggregated({})
    single.review(desk(**mids))
    assert notes.asked == [("A", Side.SELL), ("B", Side.BUY), ("C", Side.SELL)]
    whole, asked = joint({"A": (1.0,), "B": (1.0,), "C": (1.0,)})
    whole.review(desk(**mids))
    assert asked.asked == [("B", Side.BUY), ("C", Side.SELL), ("A", Side.SELL)]


def test_public_news_and_strange_markets_are_not_for_them():
    for trader in (aggregated({})[0], joint({"A": (1.0,), "B": (1.0,)})[0]):
        assert trader.observes("A", "tail")
        assert not trader.observes("A", "public")
        assert not trader.observes("Z", "routine")


def test_true_or_assumed_precision_is_what_a_signal_weighs():
    for assumed, precision in ((None, 1 / 0.05**2), (0.85, 0.85)):
        trader, _ = aggregated({}, assumed=assumed)
        trader.decide(desk(), signal("A", 0.1, sigma=0.05))
        assert trader.beliefs["A"].precision == pytest.approx(1 + precision)
    whole, _ = joint({"A": (1.0,)})
    whole.decide(desk(), signal("A", 0.1, sigma=0.05))
    assert variance_of(whole.belief, "A", 0) == pytest.approx(1 / (1 + 400))
    assert whole.nis == Innovations(1, pytest.approx(0.01 / (1 + 1 / 400)))


@pytest.mark.parametrize("of", [{"A": {"Z": 0.5}}, {"Z": {"A": 0.5}}, {"A": {"A": 1.0}}, {"A": {"B": 1.5}}, {"A": 3}])
def test_weights_that_make_no_sense_are_refused(of):
    with pytest.raises(ConfigError, match=r"AggregatedEvidenceTrader\.weights"):
        aggregated(of)


def test_only_the_two_rules_for_foreign_signals_are_taken():
    with pytest.raises(ConfigError, match=r"AggregatedEvidenceTrader\.foreign"):
        aggregated({}, foreign="value")
