"""Made-up trades whose truth can be found again: who leads and by how much, who pays best and for how long."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve

from experiments.routing.buckets import panel
from experiments.routing.synthetic import PUBLISHED, LeadLag, Quoting, _path, synthetic
from marketsim.errors import ConfigError
from marketsim.streams import Streams

PAIR = (
    Quoting(venue="leader", trades=40_000.0, noise=0.3),
    Quoting(venue="follower", trades=30_000.0, lag_ms=1200, noise=0.3),
)


def lag_by_cross_correlation(made, width):
    """The shift, in ms, at which the increments of the two venues' last prices go together best."""
    cut = panel(made.tapes.trades, width=width)
    moves = np.diff(cut.prices[100:], axis=0)
    shifts = range(-30, 31)
    size = len(moves) - 60
    lead = moves[30 : 30 + size, 0]
    together = [np.corrcoef(lead, moves[30 + shift : 30 + shift + size, 1])[0, 1] for shift in shifts]
    return shifts[int(np.argmax(together))] * width, max(together)


def lag_by_shifted_covariance(first, second, shifts):
    """The shift of largest covariance over overlapping intervals between trades (Hoffmann, Rosenbaum, Yoshida 2013).

    The estimator for two prices that are not seen at the same times: the sum of the products of their increments over
    all pairs of intervals that overlap once the second is moved back by the shift. A step function of prefix sums.
    """
    found = []
    for shift in shifts:
        times = second.times - shift
        # Increments of the second whose interval overlaps (t, t'] telescope to the prices around it.
        after = np.searchsorted(times, first.times[1:], side="left").clip(0, len(times) - 1)
        before = (np.searchsorted(times, first.times[:-1], side="right") - 1).clip(0)
        found.append(abs((np.diff(first.prices) * (second.prices[after] - second.prices[before])).sum()))
    return shifts[int(np.argmax(found))]


# The truth, found again


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_lag_is_found_by_cross_correlation(seed):
    made = synthetic(LeadLag(venues=PAIR, duration_ms=2_000_000, premium=0.0), seed)
    lag, strength = lag_by_cross_correlation(made, 100)
    # The follower's prices are also older by what they wait for its next trade, 333 ms on average against 250 ms.
    assert 1200 <= lag <= 1400
    assert strength > 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_lag_is_found_between_trades_that_never_coincide(seed):
    made = synthetic(LeadLag(venues=PAIR, duration_ms=2_000_000, premium=0.0), seed)
    leader, follower = (made.tapes.trades[quoting.venue] for quoting in PAIR)
    assert abs(lag_by_shifted_covariance(leader, follower, range(-3000, 3001, 100)) - 1200) <= 100


def test_trades_are_as_many_as_their_rates():
    made = [synthetic(LeadLag(), seed) for seed in range(10)]
    assert [(quoting.venue, quoting.trades) for quoting in PUBLISHED] == [
        ("binanceus", 609.0),
        ("coinbaseexchange", 2479.0),
        ("kraken", 1592.0),
        ("bitfinex", 3160.0),
        ("bitstamp", 120.0),
    ]
    for quoting in PUBLISHED:
        mean = np.mean([len(one.tapes.trades[quoting.venue]) for one in made])
        assert abs(mean - quoting.trades) < 4 * (quoting.trades / 10) ** 0.5
    assert len({len(one.tapes.trades["kraken"]) for one in made}) > 5


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.99])
def test_the_premium_stays_as_often_as_it_should_and_goes_everywhere_alike(persistence):
    best = synthetic(LeadLag(persistence=persistence, duration_ms=20_000_000), 5).best
    moves = np.diff(best)
    chances = len(moves)
    error = (persistence * (1 - persistence) / chances) ** 0.5
    assert abs((moves == 0).mean() - persistence) <= 4 * error
    to = np.bincount(moves[moves != 0] % 5, minlength=5)[1:]
    assert (abs(to - to.sum() / 4) < 4 * (to.sum() * 3 / 16) ** 0.5).all()


def test_the_venue_with_the_premium_is_the_best_when_all_trade_often():
    venues = tuple(Quoting(venue=name, trades=100_000.0, noise=0.1) for name in "abc")
    made = synthetic(LeadLag(venues=venues, duration_ms=500_000, premium=50.0, volatility=1.0), 3)
    cut = panel(made.tapes.trades, start=0, end=500_000)
    truth = made.best[-len(cut) :]
    # A venue that did not trade in the bucket still shows its old price: 5 in 100,000 buckets per venue.
    assert cut.best[np.arange(len(cut)), truth].mean() > 0.99


def test_prices_are_the_leaders_path_at_the_lag_plus_the_premium():
    config = LeadLag(venues=tuple(evolve(quoting, noise=0.0) for quoting in PUBLISHED))
    made, (path_times, path) = synthetic(config, 4), _path(config, Streams(4))
    for place, quoting in enumerate(PUBLISHED):
        tape = made.tapes.trades[quoting.venue]
        of = np.searchsorted(path_times, tape.times - quoting.lag_ms, side="right") - 1
        paid = 20.0 * (made.best[tape.times // 1000] == place)
        np.testing.assert_allclose(tape.prices, path[of] + paid, atol=0.0051)


# Draws


def test_venues_of_one_rate_trade_at_times_and_noise_of_their_own():
    made = synthetic(LeadLag(venues=tuple(Quoting(venue=name, noise=50.0) for name in "ab"), volatility=0.0), 1)
    a, b = made.tapes.trades.values()
    # 1,000 times each in 10,000,000 ms: about 0.1 in common.
    assert len(np.intersect1d(a.times, b.times)) < 5
    size = min(len(a), len(b))
    assert abs(np.corrcoef(a.prices[:size], b.prices[:size])[0, 1]) < 4 / size**0.5


def test_one_seed_is_one_market_and_another_seed_another():
    one, same, other = (synthetic(LeadLag(), seed) for seed in (7, 7, 8))
    for venue, tape in one.tapes.trades.items():
        assert (tape.times == same.tapes.trades[venue].times).all()
        assert (tape.prices == same.tapes.trades[venue].prices).all()
        assert len(tape) != len(other.tapes.trades[venue]) or (tape.times != other.tapes.trades[venue].times).any()
    assert (one.best == same.best).all()
    assert (one.best != other.best).any()


@pytest.mark.parametrize("change", [{"trades": 50.0}, {"lag_ms": 9000}, {"noise": 30.0}])
def test_one_venue_changes_no_draw_of_another(change):
    changed = (*PUBLISHED[:-1], evolve(PUBLISHED[-1], **change))
    one, other = synthetic(LeadLag(), 7), synthetic(LeadLag(venues=changed), 7)
    assert (one.best == other.best).all()
    for quoting in PUBLISHED[:-1]:
        mine, theirs = one.tapes.trades[quoting.venue], other.tapes.trades[quoting.venue]
        assert (mine.times == theirs.times).all()
        assert (mine.prices == theirs.prices).all()


def test_times_are_integer_ms_of_the_window_and_prices_on_the_grid():
    made = synthetic(LeadLag(start_ms=1_773_837_750_000, duration_ms=60_000, tick_size=0.5), 1)
    assert made.starts.tolist() == [1_773_837_750_000 + 1000 * place for place in range(60)]
    assert len(made.best) == 60
    for tape in made.tapes.trades.values():
        if tape is not None:
            assert tape.times.dtype == np.int64
            assert ((tape.times >= 1_773_837_750_000) & (tape.times < 1_773_837_810_000)).all()
            assert (tape.prices * 2 == np.round(tape.prices * 2)).all()


def test_a_venue_that_never_trades_has_no_tape():
    made = synthetic(LeadLag(venues=(Quoting(venue="a"), Quoting(venue="b", trades=0.0))), 1)
    assert made.tapes.trades["b"] is None
    assert not panel(made.tapes.trades).best[:, 1].any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"venues": ()},
        {"venues": (Quoting(venue="a"), Quoting(venue="a"))},
        {"venues": (Quoting(venue="a", lag_ms=5),)},
        {"persistence": 1.1},
        {"start_ms": 500},
        {"tick_size": 0.0},
        {"duration_ms": 0},
    ],
)
def test_impossible_markets_are_refused(wrong):
    with pytest.raises(ConfigError, match="LeadLag"):
        LeadLag(**wrong)


def test_a_price_that_falls_to_nothing_is_refused():
    with pytest.raises(ConfigError, match="wanted all above 0"):
        synthetic(LeadLag(level=1.0, volatility=10.0), 1)
