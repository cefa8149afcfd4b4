"""Means, errors, paired differences and the best interval, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.statistics import best_interval, distinct, mean_and_se, summarise, verdict


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
