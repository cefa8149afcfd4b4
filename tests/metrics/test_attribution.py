import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.errors import ConfigError
from marketsim.metrics import attribute, bin_shares, counterparty_shares, net_gains, nis_band, pnl_by_role, quote_ages
from tests.metrics.build import Paths, fills, leg, orders

FAIR = Paths({"m": [100.0, 101.5, 103.0, 98.0], "n": [10.0, 10.0, 11.0, 12.0]})
ROLES = {"ann": "noise", "bob": "lp", "cat": "noise", "pool:v": "lp"}
NAMES = ("lp", "noise", "other")


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Quantiles of chi-squared at 2.5 and 97.5 %: Abramowitz and Stegun, Handbook (1964), table 26.8.
    [(1, 0.000982069, 5.02389), (10, 3.24697, 20.4831), (100, 74.2219, 129.561)],
)
def test_the_band_of_a_filter_that_fits_is_chi_squared(count, low, high):
    assert nis_band(count) == pytest.approx((low / count, high / count), rel=1e-5)


def test_the_band_holds_its_level():
    rng = np.random.default_rng(3)
    means = (rng.standard_normal((20_000, 8)) ** 2).mean(axis=1)
    low, high = nis_band(8, 0.8)
    assert np.mean((low <= means) & (means <= high)) == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 20_000))
    assert np.mean(means < low) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 20_000))


@pytest.mark.parametrize(("count", "level"), [(0, 0.9), (2.0, 0.9), (True, 0.9), (5, 0.0), (5, 1.0), (5, float("nan"))])
def test_a_band_of_nothing_is_refused(count, level):
    with pytest.raises(ConfigError, match="nis_band"):
        nis_band(count, level)


numbers = st.integers(-(10**6), 10**6).map(float)


@settings(max_examples=40)
@given(st.lists(st.tuples(numbers, st.integers(1, 10**6), st.integers(0, 60)), max_size=30))
def test_groups_sum_to_the_total(rows):
    gains, lots, ages = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 3
    found = attribute(gains, lots, bin_shares(ages, [0, 1, 10, 50]))
    assert (found.gains.sum(), found.fills.sum(), found.lots.sum()) == (gains.sum(), len(rows), lots.sum())
    for group, (low, high) in enumerate([(0, 1), (1, 10), (10, 50), (50, np.inf)]):
        some = (ages >= low) & (ages < high)
        assert (found.gains[group], found.lots[group]) == (gains[some].sum(), lots[some].sum())


def test_shapes_and_bins_that_do_not_fit_are_refused():
    for shapes in (((2,), (2,), (3, 1)), ((2,), (1,), (2, 1)), ((2,), (2,), (2,))):
        with pytest.raises(ConfigError, match="legs, groups"):
            attribute(*(np.ones(shape) for shape in shapes))
    for edges in ([], [0, 0], [1, 0], [0, float("nan")]):
        with pytest.raises(ConfigError, match="increasing"):
            bin_shares([1], edges)
    for value in (-1, float("nan")):
        with pytest.raises(ConfigError, match="first edge"):
            bin_shares([3, value], [0, 2])


def test_ages_by_hand():
    book = orders({"order_id": 8, "submitted": 5}, {"order_id": 3, "submitted": 0}, {"order_id": 9, "submitted": 40})
    log = fills(
        leg("ann", 1, 1, 9, 40, order_id=9), leg("bob", -1, 1, 9, 40, order_id=3),
        leg("ann", 1, 1, 9, 50, order_id=8), leg("bob", -1, 1, 9, 50, order_id=3),
    )  # fmt: skip
    assert quote_ages(log, book).tolist() == [0, 40, 45, 50]


def test_a_pool_s_quote_is_as_old_as_its_last_trade_in_the_market():
    book = orders({"order_id": 1, "submitted": 2})
    log = fills(
        leg("pool:v", -1, 1, 9, 3), leg("ann", 1, 1, 9, 3, order_id=1),
        leg("pool:v", -1, 1, 9, 7, market="n"), leg("pool:w", -1, 1, 9, 8),
        leg("pool:v", -1, 1, 9, 10), leg("pool:v", -1, 1, 9, 10), leg("pool:w", -1, 1, 9, 11),
    )  # fmt: skip
    assert quote_ages(log, book).tolist() == [3, 1, 7, 8, 7, 0, 3]


def test_counterparties_of_a_batch_are_the_other_side_pro_rata():
    log = fills(
        leg("ann", 1, 5, 100, 2), leg("eve", 1, 1, 100, 2), leg("bob", -1, 4, 100, 2), leg("cat", -1, 2, 100, 2),
        # The same match id at another venue and in another market is another match.
        leg("eve", 1, 2, 101, 2, venue="w"), leg("pool:v", -1, 2, 101, 2, venue="w"),
        leg("bob", 1, 2, 10, 2, market="n"), leg("bob", -1, 2, 10, 2, market="n"),
        leg("ann", 1, 2, 10, 3, match_id=7),
    )  # fmt: skip
    shares = counterparty_shares(log, ROLES | {"eve": "other"}, NAMES)
    third = [[2 / 3, 1 / 3, 0.0]]
    sixths = [[0.0, 5 / 6, 1 / 6]]
    ends = [[1.0, 0, 0], [0, 0, 1.0], [1.0, 0, 0], [1.0, 0, 0], [0, 0, 0]]
    assert shares == pytest.approx(np.array(third * 2 + sixths * 2 + ends))


def test_a_role_without_a_column_is_named():
    log = fills(leg("eve", 1, 1, 100, 2), leg("bob", -1, 1, 100, 2))
    with pytest.raises(ConfigError, match="'eve' is 'eve'; wanted one of lp, noise"):
        counterparty_shares(log, ROLES, ("lp", "noise"))


def test_net_gains_are_those_of_the_roles():
    log = fills(leg("ann", 1, 2, 102, 1, fee=3), leg("bob", -1, 2, 102, 1, money=205))
    assert net_gains(log, FAIR, end=3).tolist() == [203 - 207, 205 - 203]
    assert pnl_by_role(log, FAIR, ROLES, end=3)["pnl_net"].to_dict() == {"lp": 2.0, "noise": -4.0}


def test_empty_logs():
    assert quote_ages(fills(), orders()).shape == net_gains(fills(), FAIR, end=3).shape == (0,)
    assert counterparty_shares(fills(), ROLES, NAMES).shape == (0, 3)
    assert attribute([], [], np.empty((0, 2))).gains.tolist() == [0.0, 0.0]
