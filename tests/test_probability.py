"""The probability martingale: Bayes exactly, published laws of martingales, then lookups and refusals."""

from __future__ import annotations

from functools import cache
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.fairvalue import GuardedFairValue, ProbabilityMartingale, digest
from marketsim.fairvalue.examples import probability_martingale
from marketsim.information import PublicNews
from marketsim.streams import Streams
from marketsim.testing import check_fair_value

HORIZON, RESOLVES, PAYOUT = 60, 50, 1000
UNEVEN = {"yes": 0.3, "no": 0.7}
THREE = {"red": 0.2, "blue": 0.5, "grey": 0.3}


def world(seed=1):
    return Streams(seed).stream("world")


def drawn(seed, prior=UNEVEN, **changed):
    options = {"news_per_step": 0.1, "accuracy": 0.7, "payout": PAYOUT, "resolves": RESOLVES} | changed
    return ProbabilityMartingale.draw(world(seed), options.pop("horizon", HORIZON), prior, **options)


def event(news, *, prior=UNEVEN, accuracy=0.75, outcome=None, **options):
    """One piece of news a step, from step 1 on."""
    return ProbabilityMartingale(
        prior=prior, outcome=outcome or next(iter(prior)), horizon=len(news) + 1,
        news_times=list(range(1, len(news) + 1)), news=news, accuracy=accuracy, **options,
    )  # fmt: skip


@cache
def many(three=False):
    """Prices / payout of the first market, and whether it came true, of 1500 worlds."""
    worlds = [drawn(seed, THREE if three else UNEVEN) for seed in range(1500)]
    first = worlds[0].markets[0]
    paths = np.array([fair.path(first) for fair in worlds]) / PAYOUT
    return paths, np.array([fair.outcome == first for fair in worlds])


def bayes(prior, news, accuracy):
    """The posterior, the obvious way: prior x likelihood of every piece, then divided by the sum."""
    wrong = (1 - accuracy) / (len(prior) - 1)
    weights = dict(prior)
    for named in news:
        weights = {market: w * (accuracy if market == named else wrong) for market, w in weights.items()}
    return {market: w / sum(weights.values()) for market, w in weights.items()}


# Published results: Bayes' rule, and what every martingale of beliefs obeys


@pytest.mark.parametrize("accuracy", [0.55, 0.65, 0.75, 0.99])
def test_every_piece_of_news_moves_the_log_odds_by_the_log_of_a_over_one_minus_a(accuracy):
    """As a trade does in Glosten and Milgrom with a share mu of informed traders, a = (1 + mu) / 2."""
    news = ["yes", "no", "no", "yes", "yes"]
    fair = event(news, accuracy=accuracy)
    odds = [log(fair.at("yes", t) / fair.at("no", t)) for t in range(len(news) + 1)]
    assert odds[0] == pytest.approx(log(3 / 7), abs=1e-12)
    step = log(accuracy / (1 - accuracy))
    assert np.diff(odds) == pytest.approx([step if named == "yes" else -step for named in news], abs=1e-12)


def test_at_even_odds_one_piece_takes_the_price_to_the_accuracy():
    """Glosten and Milgrom's first trade: theta = 1/2, mu = 0.3 gives the ask (1 + mu) / 2 = 0.65."""
    fair = event(["yes"], prior={"yes": 0.5, "no": 0.5}, accuracy=0.65)
    assert fair.at("yes", 1) == pytest.approx(650.0, abs=1e-9)


@given(st.lists(st.sampled_from(sorted(THREE)), max_size=12), st.floats(0.34, 0.99), st.randoms())
def test_prices_are_the_posterior_and_the_order_of_news_does_not_matter(news, accuracy, random):
    fair, wanted = event(news, prior=THREE, accuracy=accuracy), bayes(THREE, news, accuracy)
    assert [fair.at(m, len(news)) / PAYOUT for m in THREE] == pytest.approx([wanted[m] for m in THREE], abs=1e-12)
    random.shuffle(news)
    again = event(news, prior=THREE, accuracy=accuracy)
    assert [again.at(m, len(news)) for m in THREE] == pytest.approx([fair.at(m, len(news)) for m in THREE], abs=1e-9)


@pytest.mark.parametrize("three", [False, True])
def test_every_price_is_a_martingale_and_ends_where_it_began_on_average(three):
    paths, _ = many(three)
    for since, until in ((0, 10), (10, 30), (30, RESOLVES - 1), (RESOLVES - 1, RESOLVES), (0, RESOLVES)):
        moved = paths[:, until] - paths[:, since]
        assert moved.std() > 0
        assert abs(moved.mean()) < 4 * moved.std() / sqrt(len(moved)), (since, until)
    # Increments are uncorrelated with the past, so their variances add up to that of the outcome, p (1 - p).
    squares = (np.diff(paths, axis=1) ** 2).sum(axis=1)
    variance = paths[0, 0] * (1 - paths[0, 0])
    assert abs(squares.mean() - variance) < 4 * squares.std() / sqrt(len(squares))


@pytest.mark.parametrize("three", [False, True])
def test_of_the_worlds_at_a_price_that_share_comes_true(three):
    paths, came_true = many(three)
    price = paths[:, 25]
    for low, high in ((0, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 1)):
        some = (price >= low) & (price < high)
        assert some.sum() > 50
        error = sqrt((price[some] * (1 - price[some])).sum()) / some.sum()
        assert abs(came_true[some].mean() - price[some].mean()) < 4 * error, (low, high)


def test_news_comes_at_its_rate_and_is_right_as_often_as_stated():
    fair = drawn(3, news_per_step=0.02, accuracy=0.6, horizon=30_000, resolves=30_000)
    count, right = len(fair.news), sum(named == fair.outcome for named in fair.news)
    assert abs(count - 600) < 4 * sqrt(600)
    assert abs(right / count - 0.6) < 4 * sqrt(0.24 / count)


# Properties


@pytest.mark.parametrize("prior", [UNEVEN, THREE])
def test_prices_add_up_are_inside_before_the_resolution_and_zero_or_the_payout_after(prior):
    for seed in range(50):
        fair = drawn(seed, prior)
        paths = np.array([fair.path(market) for market in fair.markets])
        assert paths.sum(axis=0) == pytest.approx(np.full(HORIZON + 1, PAYOUT), abs=0 if prior is UNEVEN else 1e-9)
        assert paths[:, :RESOLVES].min() > 0
        assert paths[:, :RESOLVES].max() < PAYOUT
        assert [row.tolist() for row in paths[:, RESOLVES:]] == [
            [PAYOUT * (market == fair.outcome)] * (HORIZON + 1 - RESOLVES) for market in fair.markets
        ]


def test_prices_move_at_the_jump_times_and_the_resolution_only():
    fair = drawn(4, news_per_step=0.3)
    moves = np.flatnonzero(np.diff(fair.path("yes"))) + 1
    jumps = fair.jump_times["yes"]
    assert jumps.tolist() == fair.jump_times["no"].tolist()
    assert 1 <= jumps[0] <= jumps[-1] < RESOLVES
    assert dict.fromkeys(moves.tolist()).keys() <= {*jumps.tolist(), RESOLVES}
    # Steps with one piece of news all move; with two, they may say the opposite.
    steps, pieces = np.unique(jumps, return_counts=True)
    assert {*steps[pieces == 1].tolist(), RESOLVES} <= {*moves.tolist()}


def test_public_news_tells_each_market_of_every_jump_and_not_of_the_outcome():
    fair = drawn(4)
    source = PublicNews().source(fair, HORIZON, Streams(4))
    signals = []
    while source.next_time() is not None:
        signals += source.emit(fair)
    wanted = [(t, m) for t in dict.fromkeys(fair.jump_times["yes"].tolist()) for m in fair.markets]
    assert [(signal.time, signal.market) for signal in signals] == wanted
    assert all(signal.value == fair.at(signal.market, signal.time) > 0 for signal in signals)


def test_the_same_stream_gives_the_same_world_and_a_later_resolution_appends_news_only():
    assert digest(drawn(5), HORIZON) == digest(drawn(5), HORIZON)
    assert digest(drawn(5), HORIZON) != digest(drawn(6), HORIZON)
    long = drawn(5, THREE, horizon=400, resolves=300, news_per_step=0.2)
    short = drawn(5, THREE, news_per_step=0.2)
    assert short.outcome == long.outcome
    assert len(long.news) > len(short.news) > 0
    assert long.news[: len(short.news)] == short.news
    assert long.path("red")[:RESOLVES].tolist() == short.path("red")[:RESOLVES].tolist()


def test_neither_rate_nor_accuracy_changes_the_outcome():
    other = [drawn(seed, news_per_step=0.5, accuracy=0.9).outcome for seed in range(30)]
    assert other == [drawn(seed).outcome for seed in range(30)]
    assert len(dict.fromkeys(other)) == 2


def test_the_kit_passes_it_up_to_the_resolution():
    check_fair_value(lambda: drawn(1, THREE), horizon=RESOLVES - 1).raise_failures()
    check_fair_value(probability_martingale, horizon=probability_martingale().resolves - 1).raise_failures()
    late = check_fair_value(lambda: drawn(1))
    # An outcome that did not happen is worth 0.
    assert [failure.check for failure in late.failures] in ([], ["prices"])


def test_a_guard_hides_outcome_news_and_resolution():
    guarded = GuardedFairValue(drawn(1), lambda: 0)
    assert not [name for name in ("outcome", "news", "news_times", "jump_times", "resolves") if hasattr(guarded, name)]


# Examples and refusals


def test_without_news_the_price_stands_at_the_prior_until_it_resolves():
    fair = drawn(1, news_per_step=0)
    assert fair.path("yes")[:RESOLVES].tolist() == [300.0] * RESOLVES
    assert fair.jump_times["yes"].tolist() == []


def test_it_resolves_at_the_horizon_if_no_step_is_given():
    fair = ProbabilityMartingale.draw(world(), 20, news_per_step=0.1, accuracy=0.6)
    assert (fair.resolves, fair.markets, fair.at("yes", 0)) == (20, ("yes", "no"), 500.0)
    assert 0 < fair.at("yes", 19) < 1000
    assert {fair.at("yes", 20), fair.at("no", 20)} == {0.0, 1000.0}
    assert ProbabilityMartingale.draw(world(), 1, news_per_step=9.0, accuracy=0.6).news == ()


def test_an_event_that_is_all_but_certain_keeps_the_price_of_the_other_outcome_above_zero():
    fair = event(["yes"] * 100, accuracy=0.9)
    assert 0 < fair.at("no", 100) < 1e-90
    assert fair.at("yes", 100) + fair.at("no", 100) == PAYOUT
    with pytest.raises(ConfigError, match="price is 0 as a float"):
        event(["yes"] * 400, accuracy=0.9)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prior": {"yes": 1.0}}, "two markets or more"),
        ({"prior": {"yes": 0.5, "no": 0.4}}, "add up to 1"),
        ({"prior": {"yes": 0.0, "no": 1.0}}, "above 0"),
        ({"prior": {"yes": True, "no": 0.5}}, "finite number"),
        ({"accuracy": 0.5}, "more than 1/2"),
        ({"accuracy": 1.0}, "less than 1"),
        ({"accuracy": float("nan")}, "finite"),
        ({"payout": 0}, "payout"),
        ({"payout": 1000.0}, "payout"),
        ({"resolves": 61}, "resolves"),
        ({"resolves": 0}, "resolves"),
        ({"horizon": 0}, "horizon"),
        ({"news_per_step": -1.0}, "news_per_step"),
    ],
)
def test_draw_refuses(changed, said):
    with pytest.raises(ConfigError, match=said):
        drawn(1, **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"outcome": "maybe"}, "maybe"),
        ({"news": ["maybe"]}, "maybe"),
        ({"news": []}, "one of each"),
        ({"news_times": [0]}, "steps 1 to 8"),
        ({"news_times": [9]}, "steps 1 to 8"),
        ({"news_times": [1.0]}, "integers"),
        ({"news_times": [3, 2], "news": ["yes", "no"]}, "in order"),
        ({"accuracy": 0.4}, "more than 1/2"),
    ],
)
def test_the_constructor_refuses(changed, said):
    good = {"prior": UNEVEN, "outcome": "yes", "horizon": 9, "news_times": [3], "news": ["yes"], "accuracy": 0.7}
    with pytest.raises(ConfigError, match=said):
        ProbabilityMartingale(**(good | changed))


def test_lookups_refuse_what_is_no_market_and_no_time():
    fair = drawn(1)
    assert fair.values("yes", [[0, 1], [59, 60]]).shape == (2, 2)
    for ask in (
        lambda: fair.at("maybe", 0),
        lambda: fair.at("yes", HORIZON + 1),
        lambda: fair.at("yes", 1.0),
        lambda: fair.values("yes", [-1]),
        lambda: fair.values("yes", [0.5]),
        lambda: fair.values("maybe", [0]),
        lambda: fair.path("maybe"),
    ):
        with pytest.raises(ConfigError):
            ask()
    with pytest.raises(ValueError, match="read-only"):
        fair.path("yes")[0] = 1.0
