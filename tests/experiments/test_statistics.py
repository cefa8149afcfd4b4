"""Means, errors, paired differences and the best interval, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.statistics import belief_fit, best_interval, distinct, mean_and_se, ratio_and_se, summarise, verdict


def cells(values: dict[int, list[float]], measure: str = "shortfall") -> pd.DataFrame:
    rows = [
        {"variant": "base", "mechanism": "clob" if pi == 0 else "fba", "pi": pi, "seed": seed, measure: value}
        for pi, column in values.items()
        for seed, value in enumerate(column)
    ]
    return pd.DataFrame(rows)


def test_mean_and_standard_error():
    assert mean_and_se(np.array([1.0, 2.0, 3.0, np.nan])) == {"n": 3, "mean": 2.0, "se": pytest.approx(1 / np.sqrt(3))}


def test_differences_are_taken_at_the_same_seed():
    table = summarise(cells({0: [1.0, 10.0, 100.0], 5: [2.0, 12.0, 103.0]}))
    batch = table[table["mechanism"] == "fba"].iloc[0]
    assert (batch["paired_mean"], batch["paired_n"], batch["paired_share"]) == (2.0, 3, 1.0)
    assert batch["paired_se"] == pytest.approx(1 / np.sqrt(3))
    book = table[table["mechanism"] == "clob"].iloc[0]
    assert book["paired_n"] == 0
    assert np.isnan(book["paired_mean"])


def test_distinct_goes_by_students_t():
    # The two-sided 5 % point of t with 3 degrees of freedom is 3.1824.
    assert not distinct(3.18, 1.0, 4)
    assert distinct(3.19, 1.0, 4)
    assert not distinct(5.0, 1.0, 1)
    assert not distinct(float("nan"), 1.0, 9)


def test_an_optimum_inside_the_range():
    noise = np.array([0.0, 0.5, -0.5, 0.2])
    best = best_interval(cells({0: list(5 + noise), 1: list(4 + noise), 10: list(1 + noise), 50: list(3 + noise)}))
    assert (best.pi, best.rivals, best.optimum, best.flat) == (10, (), True, False)


def test_an_end_of_the_range_is_no_optimum():
    noise = np.array([0.0, 0.5, -0.5, 0.2])
    best = best_interval(cells({0: list(5 + noise), 1: list(4 + noise), 10: list(3 + noise)}))
    assert (best.pi, best.optimum) == (10, False)


def test_a_lowest_that_cannot_be_told_from_an_end_is_no_optimum():
    # The two ends lie on either side of it in some seeds; only the book is clearly worse.
    best = best_interval(cells({0: [9.0, 9.1, 8.9], 1: [2.0, 1.0, 3.1], 10: [1.9, 2.0, 1.9], 50: [2.5, 1.5, 2.0]}))
    assert (best.pi, best.flat, best.optimum) == (10, False, False)


def test_rounding_is_no_difference():
    tenth = np.array([0.1, 0.1, 0.1, 0.1])
    best = best_interval(cells({0: list(tenth), 1: list(tenth), 10: list(tenth - 1.4e-17)}))
    assert (best.pi, best.flat) == (0, True)
    table = summarise(cells({0: list(tenth), 10: list(tenth - 1.4e-17)}))
    assert table[table["mechanism"] == "fba"]["paired_mean"].tolist() == [0.0]


def test_many_comparisons_need_more_evidence():
    assert distinct(3.3, 1.0, 4)
    assert not distinct(3.3, 1.0, 4, comparisons=7)


def test_no_difference_is_called_flat():
    best = best_interval(cells({0: [1.0, 3.0, 2.0], 1: [2.0, 1.0, 3.0], 10: [3.0, 2.0, 1.1]}))
    assert best.flat


def test_nothing_measured_has_no_best():
    assert best_interval(cells({0: [np.nan], 5: [np.nan]})) is None


def test_a_pool_is_not_averaged_with_the_book_and_has_no_interval():
    both = cells({0: [3.0, 3.1, 2.9], 5: [2.0, 2.2, 2.1]})
    pool = both[both["mechanism"] == "clob"].assign(mechanism="lmsr", shortfall=-100.0)
    assert best_interval(pd.concat([both, pool])) == best_interval(both)
    assert best_interval(both).cost == pytest.approx(2.1)
    assert best_interval(pool) is None
    assert best_interval(both.drop(columns="shortfall")) is None


def test_the_verdict_is_that_of_the_best():
    noise = np.array([0.0, 0.5, -0.5, 0.2])
    inside = cells({0: list(5 + noise), 1: list(4 + noise), 10: list(1 + noise), 50: list(3 + noise)})
    assert verdict(best_interval(inside)) == "optimum at pi = 10"
    assert verdict(best_interval(inside[inside["pi"] != 50])) == "no optimum shown"
    assert verdict(best_interval(cells({0: list(1 + noise), 1: list(4 + noise)}))) == "no interval beats the CLOB"
    assert verdict(best_interval(cells({0: [1.0, 3.0, 2.0], 1: [2.0, 1.0, 3.0]}))) == "flat"
    assert verdict(best_interval(cells({0: [1.0], 1: [2.0]}))) == "cannot be told"
    assert verdict(None) == "not known"


@pytest.mark.parametrize(("t", "flat"), [(3.2, True), (3.5, True), (3.7, False)])
def test_the_best_of_eight_is_told_from_another_as_one_pair_of_28(t, flat):
    # It was picked by the costs that it is then compared by, so that any pair could have been the extreme one. The
    # two-sided points of t with 19 degrees of freedom are 3.01 at 5 % over 7 comparisons, 3.63 over 28.
    one = np.linspace(-1, 1, 20)
    gap = t * np.sqrt(one.var(ddof=1) / 20) + one
    others = {pi: list(gap) for pi in (1, 2, 5, 10, 20, 50, 100)}
    best = best_interval(cells({0: [0.0] * 20, **others}))
    assert (best.pi, best.flat) == (0, flat)


def test_a_ratio_of_totals_and_its_error():
    # Of 10 in 4: 2.5; the runs are off by 4 - 2.5, 2 - 2.5 and 4 - 5, of which the sample variance is 1.75.
    found = ratio_and_se(np.array([4.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    assert found == {"n": 3, "mean": 2.5, "se": pytest.approx(np.sqrt(3 * 1.75) / 4)}
    assert np.isnan(ratio_and_se(np.array([1.0]), np.array([0.0]))["mean"])


def seeds_of(counts: list[int], nis: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"seed": range(len(nis)), "nis_count_a": counts, "nis_a": nis})


def test_a_right_filter_fits_also_where_its_innovations_share_signals():
    # Each of 10 independent innovations counts 8 times: mean 1, and 8 times the variance of 80 independent ones.
    random = np.random.default_rng(7)
    groups = [seeds_of([80] * 25, list(random.chisquare(10, 25) / 10)) for _ in range(200)]
    off = sum(not belief_fit(group)[0].fits for group in groups) / 200
    assert off < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    worse = sum(not belief_fit(group.assign(nis_a=1.6 * group["nis_a"]))[0].fits for group in groups) / 200
    assert worse > 0.9


def test_a_fit_is_taken_from_the_mechanisms_that_have_the_agent():
    here = seeds_of([100, 100, 100], [3.0, 3.1, 2.9])
    without = here.assign(nis_count_a=np.nan, nis_a=np.nan)
    for table in (pd.concat([without, here]), pd.concat([here, without]), pd.concat([here, here, without])):
        (fit,) = belief_fit(table)
        assert (fit.nis, fit.count, fit.fits) == (pytest.approx(3.0), 300, False)
    assert belief_fit(without) == []
