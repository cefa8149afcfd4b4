"""Numbers, tables and pages as all reports show them."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pytest

from experiments.pages.html import picture_of
from experiments.pages.numbers import (
    MINUS,
    NONE,
    Estimate,
    listed,
    mean_of,
    number,
    percent,
    plain,
    ratio,
    share,
    spans,
    with_error,
)
from experiments.pages.tables import Entry, Row, Table, bullets, document, markdown


@pytest.mark.parametrize(
    ("mean", "se", "shown"),
    [
        (12.345, 1.42, "12.3 ± 1.4"),
        (-0.17912, 0.0182, f"{MINUS}0.179 ± 0.018"),
        (25.94, 9.0, "25.9 ± 9.0"),
        (105.912, 2.71, "105.9 ± 2.7"),
        (0.0295, 1.13, "0.03 ± 1.1"),
        (12345.6, 2345.6, "12300 ± 2300"),
        (0.5, nan, "0.5"),
        (0.9, 1e-17, "0.9"),
        (0.0, 0.0, "0"),
        (nan, nan, NONE),
    ],
)
def test_numbers_have_three_or_four_digits(mean, se, shown):
    assert with_error(mean, se) == shown


@pytest.mark.parametrize(
    ("buckets", "bucket_ms", "shown"),
    [
        ((5, 15, 30, 60), 60_000, "5, 15, 30 and 60 min"),
        ((5, 15), 1000, "5 and 15 s"),
        ((60, 90), 1000, "60 and 90 s"),
        ((60, 120), 1000, "1 and 2 min"),
        ((1, 3), 100, "0.1 and 0.3 s"),
    ],
)
def test_numbers_of_buckets_are_shown_as_time(buckets, bucket_ms, shown):
    assert spans(buckets, bucket_ms) == shown


def test_a_ratio_of_totals_has_the_linearised_error():
    # Cochran, Sampling Techniques, 3rd ed., equation 2.46 without the finite-population correction.
    above, below = np.array([2.0, 5.0, 7.0, 0.0]), np.array([1.0, 2.0, 4.0, 0.0])
    found = ratio(above, below)
    rest = above - 2.0 * below
    assert found.mean == 2.0
    assert found.se == pytest.approx(sqrt((rest**2).sum() / 3 / 4) / below.mean())
    assert not ratio(above, np.zeros(4)).known


def test_a_mean_leaves_out_what_is_not_known():
    found = mean_of([1.0, nan, 3.0])
    assert (found.mean, found.se, found.n) == (2.0, pytest.approx(1.0), 2)
    assert not mean_of([nan]).known


def test_small_words():
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert plain(1e-7) == f"1e{MINUS}07"
    assert Estimate(1.0, 0.1, 5).signed == "+1.00 ± 0.10"
    assert Estimate(-1.0, 0.1, 5).size == "1.00 ± 0.10"
    assert percent(0.12345) == "12.3 %"
    assert share(0.5) == "50.0 %"
    assert number(-0.000123456) == f"{MINUS}0.0001235"
    assert {plain(nan), percent(nan), share(nan), number(nan)} == {NONE}


def test_a_table_as_markdown_has_groups_units_and_stars():
    rows = (Row("a", (Entry("1", told=True), Entry("2", "below", told=True))), Row("b", (Entry("3"), Entry(""))))
    heads = (("gain", "bps"), ("loss", ""))
    assert markdown(Table("said above", "name", heads, rows, (("one", 1), ("other", 1)))) == [
        "| name | one gain (bps) | other loss |",
        "|---|---|---|",
        "| a | 1* | 2 below* |",
        "| b | 3 |  |",
    ]
    assert markdown(Table("", "name", heads, rows))[0] == "| name | gain (bps) | loss |"


def test_a_document_numbers_its_answer_and_leaves_out_what_is_empty():
    sections = [("Rows", ["| a |"]), ("Bad rows: 0", bullets([])), ("Keep in mind", bullets(["one", 2]))]
    lines = document("Title", ["Why?"], ["So.", "And so."], sections).splitlines()
    assert [line for line in lines if line] == [
        "# Title", "Why?", "1. So.", "2. And so.", "## Rows", "| a |", "## Keep in mind", "- one", "- 2",
    ]  # fmt: skip


def test_a_name_between_dollars_is_drawn_as_it_is():
    """Names of venues come from data; as formulas, "$\\foo$" cannot be drawn and ends the study."""

    def draw(figure):
        figure.suptitle("x$\\foo$")
        figure.add_subplot().set_xticks([1], ["a$\\bar{$"])

    assert picture_of((3.0, 2.0), draw).startswith(b"<?xml")
