"""Tables by column, the order log's labels, and the public quotes that delayed observers see."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim import columns
from marketsim.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS, Table
from marketsim.quotes import QuoteRecorder
from marketsim.registration import venue_slot
from marketsim.types import Fill, VenueState
from tests.small_market import PostedPrice

KINDS = {"number": "int", "value": "float", "label": "name"}
CHUNK = columns._CHUNK
GOLDEN = "e553525588b331cc9a19e49b70e167e3041f62343b8a1ef5159efd266f4f379b"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def table(rows, kinds=KINDS):
    made = Table(kinds)
    made.extend(rows)
    return made


def simple(count):
    return [(number, number / 2, f"name {number % 3}") for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_every_row_comes_back_at_every_chunk_boundary(count):
    rows = simple(count)
    whole, one_by_one = table(rows), Table(KINDS)
    for row in rows:
        one_by_one.append(row)
    assert len(whole) == len(one_by_one) == count
    assert whole.digest() == one_by_one.digest()
    kept = one_by_one.columns()
    assert list(zip(*(kept[name].tolist() for name in KINDS), strict=True)) == rows


rows_strategy = st.lists(
    st.tuples(st.integers(-(2**70), 2**70), st.none() | st.floats(), st.text(max_size=4) | st.sampled_from(Colour)),
    max_size=30,
)


@settings(max_examples=50, deadline=None)
@given(rows_strategy, st.integers(1, 7), st.lists(st.integers(0, 30), max_size=4))
def test_the_digest_and_the_content_do_not_depend_on_the_chunking(rows, chunk, looks):
    expected = table(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_CHUNK", chunk)
        other = Table(KINDS)
        for place, row in enumerate(rows):
            if place in looks:
                other.columns()  # looking at it must change nothing
            other.append(row)
        assert other.digest() == expected.digest()
    assert len(other) == len(rows)
    numbers, values, labels = (other.columns()[name].tolist() for name in KINDS)
    assert numbers == [row[0] for row in rows]
    assert all(math.isnan(value) if row[1] is None else value == row[1] or math.isnan(row[1])
               for value, row in zip(values, rows, strict=True))  # fmt: skip
    assert labels == [row[2].value if isinstance(row[2], Colour) else row[2] for row in rows]


@settings(max_examples=50, deadline=None)
@given(rows_strategy, rows_strategy)
def test_equal_digests_mean_equal_rows(one, other):
    def shown(rows):
        return [tuple(column.tolist()) for column in table(rows).columns().values()]

    same = repr(shown(one)) == repr(shown(other))
    assert (table(one).digest() == table(other).digest()) is same


def test_names_with_separators_in_them_do_not_share_a_digest():
    one = table([(1, 0.0, "a\x1fb"), (1, 0.0, "c")])
    other = table([(1, 0.0, "a"), (1, 0.0, "b\x1fc")])
    assert one.digest() != other.digest()


def test_the_digest_sees_order_kind_and_name_of_columns():
    rows = [(1, 2.0, "a"), (2, 3.0, "b")]
    digests = [
        table(rows).digest(),
        table(rows[::-1]).digest(),
        table(rows, {"numbers": "int", "value": "float", "label": "name"}).digest(),
        table([(1, 2, "a"), (2, 3, "b")], {"number": "int", "value": "int", "label": "name"}).digest(),
        table(rows[:1]).digest(),
        table([]).digest(),
    ]
    assert len(dict.fromkeys(digests)) == len(digests)


def test_the_digest_of_a_known_table_is_the_golden_one():
    rows = [(1, 0.5), (-2, None), (2**40, -1e300)]
    assert table(rows, {"number": "int", "value": "float"}).digest() == GOLDEN


def test_big_integers_are_kept_exactly_beside_small_ones():
    rows = [(number, None, "x") for number in (1, 2**62, 2**63, -(2**80))]
    made = table(rows)
    assert made.columns()["number"].tolist() == [row[0] for row in rows]
    assert made.frame()["number"].tolist() == [row[0] for row in rows]


def test_frames_have_categoricals_and_nan_for_none():
    frame = table([(1, None, Colour.BLUE), (2, 2.5, Colour.RED), (3, 1.0, Colour.BLUE)]).frame()
    assert frame.label.cat.categories.tolist() == ["blue", "red"]
    assert frame.label.tolist() == ["blue", "red", "blue"]
    assert np.isnan(frame.value[0])
    assert (frame.number.dtype, frame.value.dtype) == (np.int64, np.float64)


def test_a_name_and_an_enum_of_the_same_label_are_one_category():
    made = table([(1, None, "red"), (2, None, Colour.RED)])
    assert made.frame().label.tolist() == ["red", "red"]


@pytest.mark.parametrize("kinds", [FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS])
def test_an_empty_table_has_its_columns(kinds):
    made = Table(kinds)
    assert list(made.columns()) == list(made.frame().columns) == list(kinds)
    assert all(len(column) == 0 for column in made.columns().values())
    assert len(made.digest()) == 64


def test_the_fill_table_has_the_fields_of_a_fill():
    assert tuple(FILL_COLUMNS) == Fill._fields


@pytest.mark.parametrize("number", [1.5, float("nan"), None, "1"])
def test_what_is_no_integer_does_not_slip_into_an_integer_column(number):
    made = table([(1, 1.0, "a"), (number, 1.0, "a")])
    with pytest.raises((TypeError, ValueError)):
        made.columns()


# Quotes


class Moody(PostedPrice):
    """Shows whatever state it was last given."""

    shown = VenueState()

    def state(self, market):
        return self.shown


def recorder(history):
    venue = Moody()
    slot = venue_slot("v", venue)
    return venue, slot, QuoteRecorder([slot], {"v": history})


moves = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(moves, st.integers(1, 9))
def test_a_delayed_state_is_the_last_state_of_its_instant(steps, history):
    venue, slot, quotes = recorder(history)
    truth: dict[int, VenueState] = {}
    now = 0
    for pause, bid in steps:
        now += pause
        venue.shown = VenueState(best_bid=bid, best_ask=bid + 1)
        quotes.observe(slot, now, lambda of, market, _: of.venue.state(market))
        truth[now] = venue.shown
        for delay in range(history + 1):
            known = [time for time in truth if time <= now - delay]
            expected = truth[max(known)] if known else VenueState()
            assert quotes.state_at("v", "A", now - delay) == expected


@pytest.mark.parametrize("history", [1, 7, 1000, 3000])
def test_the_history_is_trimmed_without_losing_what_may_still_be_asked(history):
    venue, slot, quotes = recorder(history)
    for now in range(0, 12_000, 2):
        venue.shown = VenueState(best_bid=now)
        quotes.observe(slot, now, lambda of, market, _: of.venue.state(market))
        for delay in (0, 1, history):
            if now >= delay:
                assert quotes.state_at("v", "A", now - delay).best_bid == (now - delay) // 2 * 2
    kept = len(quotes._past["v", "A"][0])
    assert kept <= history / 2 + 1100  # bounded by the history, not by the length of the run


def test_the_quote_log_has_a_row_whenever_the_best_prices_or_the_last_price_change():
    venue, slot, quotes = recorder(0)
    states = [
        (0, VenueState()),
        (1, VenueState(10, 12)),
        (2, VenueState(10, 12)),  # equal, another object
        (3, VenueState(10, 12, ((10, 5),), ((12, 5),))),  # only the depth moved
        (4, VenueState(10, 12, last_price=11)),
        (4, VenueState(10, 13, last_price=11)),
        (5, VenueState(None, 13, last_price=11)),
    ]
    for now, state in states:
        venue.shown = state
        quotes.observe(slot, now, lambda of, market, _: of.venue.state(market))
    rows = quotes.table.frame().astype(object)
    rows = rows[["time", "best_bid", "best_ask", "last_price"]].to_numpy().tolist()
    nan = float("nan")
    expected = [[0, nan, nan, nan], [1, 10, 12, nan], [4, 10, 12, 11], [4, 10, 13, 11], [5, nan, 13, 11]]
    assert repr(np.array(rows, float)) == repr(np.array(expected, float))
