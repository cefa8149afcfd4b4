"""Information processes: rates, noise, rounding, order, and who may move whose draws."""

from __future__ import annotations

from math import erfc, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError, LookAheadError
from marketsim.fairvalue import ConstantFairValue, GuardedFairValue, LatentFactorWalk, PoissonJumps
from marketsim.information import TIERS, Combined, PoissonSignals, PublicNews
from marketsim.streams import Streams
from marketsim.types import Feed, Signal

FLAT = ConstantFairValue({"A": 100.0, "B": 200.0, "C": 300.0})
modes = pytest.mark.parametrize("mode", ["marked", "separate"])


def drain(source, truth):
    """All signals, each instant behind a guard whose clock stands at that instant."""
    signals = []
    while (now := source.next_time()) is not None:
        batch = list(source.emit(GuardedFairValue(truth, lambda now=now: now)))
        assert batch
        assert {event.time for event in batch if isinstance(event, Signal)} <= {now}
        signals += batch
    assert source.emit(truth) == []
    return signals


def run(process, truth=FLAT, horizon=20_000, seed=1):
    return drain(process.source(truth, horizon, Streams(seed)), truth)


def of(signals, market=None, tier=None):
    return [s for s in signals if market in (None, s.market) and tier in (None, s.tier)]


# The law


@modes
def test_rates_are_those_of_the_two_tiers(mode):
    horizon = 4_000_000
    signals = run(PoissonSignals(mode=mode), horizon=horizon)
    for market in FLAT.markets:
        for tier, rate in (("routine", 0.75), ("tail", 0.035)):
            expected = rate * horizon / 1000
            assert abs(len(of(signals, market, tier)) - expected) < 4 * sqrt(expected)
        times = np.array([s.time for s in of(signals, market)])
        counts = np.bincount(times // 40_001, minlength=100)
        assert abs(counts.var() / counts.mean() - 1) < 4 * sqrt(2 / 100)


@modes
def test_noise_is_normal_in_log_price_with_the_sigma_of_the_tier(mode):
    process = PoissonSignals(routine_rate=20.0, tail_rate=10.0, routine_sigma=0.055, tail_sigma=0.022, mode=mode)
    signals = run(process, horizon=200_000)
    for tier, sigma in (("routine", 0.055), ("tail", 0.022)):
        chosen = of(signals, tier=tier)
        assert {s.sigma for s in chosen} == {sigma}
        z = np.array([log(s.value / FLAT.at(s.market, 0)) for s in chosen]) / sigma
        assert abs(z.mean()) < 4 / sqrt(len(z))
        assert abs(z.var() - 1) < 4 * sqrt(2 / len(z))
        beyond = erfc(2 / sqrt(2))
        assert abs((np.abs(z) > 2).mean() - beyond) < 4 * sqrt(beyond / len(z))


def test_values_follow_the_truth_at_the_time_of_the_signal():
    truth = LatentFactorWalk.draw(Streams(1).stream("world"), 5000, ("A", "B"), walk_var=1e-4)
    exact = run(PoissonSignals(routine_rate=50.0, routine_sigma=0.0, tail_sigma=0.0), truth, 5000)
    noisy = run(PoissonSignals(routine_rate=50.0), truth, 5000)
    flat = run(PoissonSignals(routine_rate=50.0), ConstantFairValue({"A": 1.0, "B": 1.0}), 5000)
    assert len(exact) > 400
    for clean, seen, noise in zip(exact, noisy, flat, strict=True):
        assert clean.value == truth.at(clean.market, clean.time)
        assert seen.value == clean.value * noise.value


def test_signals_may_not_look_ahead():
    source = PoissonSignals(routine_rate=50.0).source(FLAT, 5000, Streams(1))
    with pytest.raises(LookAheadError):
        source.emit(GuardedFairValue(FLAT, lambda: source.next_time() - 1))


@modes
def test_times_are_rounded_to_whole_steps_from_one_to_the_horizon(mode):
    signals = run(PoissonSignals(routine_rate=200_000.0, tail_rate=100_000.0, mode=mode), horizon=50)
    times = [s.time for s in signals]
    assert all(type(t) is int for t in times)
    assert (min(times), max(times)) == (1, 50)
    # Step 1 gathers what rounds to 0 and 1, every other step half a step on either side, the last one too.
    counts = np.bincount(times, minlength=51) / (3 * 300)
    assert abs(counts[1] - 1.5) < 4 * sqrt(1.5 / 900)
    assert abs(counts[50] - 1) < 4 * sqrt(1 / 900)


# Order


@modes
def test_signals_of_one_instant_come_by_market_then_tier(mode):
    truth = ConstantFairValue({"Z": 1.0, "A": 1.0})
    signals = run(PoissonSignals(routine_rate=2000.0, tail_rate=2000.0, mode=mode), truth, 100)
    keys = [(s.time, truth.markets.index(s.market), TIERS.index(s.tier)) for s in signals]
    assert keys == sorted(keys)
    assert len(dict.fromkeys(keys)) < len(keys)


# Common random numbers


@modes
def test_a_market_does_not_move_the_signals_of_another(mode):
    process = PoissonSignals(routine_rate=5.0, mode=mode)
    alone = run(process, ConstantFairValue({"B": 200.0}))
    together = run(process)
    assert of(together, "B") == alone
    first, second = ([s.time for s in of(together, market)] for market in ("A", "B"))
    assert first != second


@modes
def test_truth_and_sigma_do_not_move_times_tiers_or_noise(mode):
    base = run(PoissonSignals(routine_rate=5.0, mode=mode))
    other = run(
        PoissonSignals(routine_rate=5.0, routine_sigma=0.024, tail_sigma=0.01, mode=mode),
        ConstantFairValue({"A": 1.0, "B": 1.0, "C": 1.0}),
    )
    assert [s[:3] for s in base] == [s[:3] for s in other]
    for one, two in zip(base, other, strict=True):
        assert log(two.value) == pytest.approx(2 * log(one.value / FLAT.at(one.market, 0)), abs=1e-12)


@modes
@given(horizon=st.integers(0, 300), more=st.integers(1, 500), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_a_longer_run_has_the_same_signals_first(mode, horizon, more, seed):
    process = PoissonSignals(routine_rate=60.0, tail_rate=40.0, mode=mode)
    short, long = run(process, horizon=horizon, seed=seed), run(process, horizon=horizon + more, seed=seed)
    assert long[: len(short)] == short
    assert all(s.time > horizon for s in long[len(short) :])


def test_separate_tiers_leave_each_other_alone():
    few, many = (run(PoissonSignals(routine_rate=5.0, tail_rate=rate, mode="separate")) for rate in (0.1, 7.0))
    assert of(few, tier="routine") == of(many, tier="routine")
    assert len(of(few, tier="tail")) < len(of(many, tier="tail"))
    same_rate = run(PoissonSignals(routine_rate=5.0, tail_rate=5.0, mode="separate"))
    routine, tail = ([s.time for s in of(same_rate, "A", tier)] for tier in ("routine", "tail"))
    assert routine != tail


def test_seeds_and_stream_names_are_different_worlds():
    base = run(PoissonSignals(routine_rate=5.0))
    assert run(PoissonSignals(routine_rate=5.0)) == base
    assert run(PoissonSignals(routine_rate=5.0), seed=2) != base
    assert run(PoissonSignals(routine_rate=5.0, stream="second")) != base


def test_no_rate_no_signals():
    assert run(PoissonSignals(routine_rate=0.0, tail_rate=0.0)) == []
    assert {s.tier for s in run(PoissonSignals(routine_rate=0.0, tail_rate=5.0))} == {"tail"}
    assert {s.tier for s in run(PoissonSignals(routine_rate=5.0, tail_rate=0.0, mode="separate"))} == {"routine"}


# Public news


def jumping():
    return PoissonJumps(
        opening={"A": 100.0, "B": 50.0, "C": 10.0},
        horizon=30,
        jump_times={"A": [4, 4, 20], "B": [4, 30]},
        jump_sizes={"A": [1.0, 2.0, -5.0], "B": [7.0, 1.0]},
    )


def test_news_is_exact_and_comes_at_every_jump():
    assert run(PublicNews(), jumping(), 30) == [
        Signal("A", "public", 4, 103.0, 0.0),
        Signal("B", "public", 4, 57.0, 0.0),
        Signal("A", "public", 20, 98.0, 0.0),
        Signal("B", "public", 30, 58.0, 0.0),
    ]
    assert len(run(PublicNews(), jumping(), 19)) == 2


def test_news_needs_a_truth_that_jumps():
    for truth in (FLAT, GuardedFairValue(jumping(), lambda: 0)):
        with pytest.raises(ConfigError, match=f"{type(truth).__name__} has no jump_times"):
            PublicNews().source(truth, 10, Streams(1))


# Several processes


def test_combined_is_the_ordered_union_of_its_parts():
    truth = jumping()
    parts = (PoissonSignals(routine_rate=500.0, tail_rate=300.0), PublicNews())
    both = run(Combined(parts), truth, 30)
    key = {market: n for n, market in enumerate(truth.markets)}
    separate = [s for part in parts for s in run(part, truth, 30)]
    assert both == sorted(separate, key=lambda s: (s.time, key[s.market], TIERS.index(s.tier)))
    assert {s.tier for s in both} == set(TIERS)
    assert run(Combined(reversed(parts)), truth, 30) == both


def test_combined_puts_market_data_first_and_unknown_tiers_last():
    class Once:
        def __init__(self, *events):
            self.events = list(events)

        def source(self, truth, horizon, streams, /):
            return self

        def next_time(self):
            return 4 if self.events else None

        def emit(self, truth, /):
            events, self.events = self.events, []
            return events

    rumour, feed = Signal("A", "rumour", 4, 1.0, 0.0), Feed("A", 5, 1)
    events = run(Combined((Once(rumour, feed), PublicNews())), jumping(), 5)
    assert [event for event in events if event in (rumour, feed)] == [feed, rumour]
    assert events[0] == feed
    assert [event.tier for event in events[1:]] == ["public", "rumour", "public"]


def test_combined_refuses_parts_that_share_their_noise():
    with pytest.raises(ConfigError, match="prefix"):
        Combined((PoissonSignals(), PoissonSignals(tail_rate=0.5)))
    Combined((PoissonSignals(), PoissonSignals(stream="second"), PublicNews()))


def test_combination_of_nothing_is_silent():
    assert run(Combined(())) == []


# Refused arguments


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, True, "1", None, 2**80])
@pytest.mark.parametrize(
    "argument", ["routine_rate", "tail_rate", "routine_sigma", "tail_sigma", "time_unit", "mode", "stream"]
)
def test_bad_arguments_are_refused_by_name(argument, bad):
    if (argument, bad) == ("stream", "1"):
        return
    with pytest.raises(ConfigError, match=f"PoissonSignals.{argument}: got"):
        PoissonSignals(**{argument: bad})


@pytest.mark.parametrize("horizon", [-1, 2.0, True, None])
def test_bad_horizons_are_refused(horizon):
    for process in (PoissonSignals(), PublicNews()):
        with pytest.raises(ConfigError, match="horizon"):
            process.source(jumping(), horizon, Streams(1))
