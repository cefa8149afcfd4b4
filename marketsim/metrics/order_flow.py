"""Order-flow imbalance of successive best quotes, and its linear price impact.

An empty level has size 0; its price is then not looked at (it may be nan). A bid that appears counts as one that rose,
a bid that vanishes as one that fell, and the same, mirrored, for asks. A size or price that is not known is nan, and
makes nan of what depends on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError
from marketsim.metrics.logs import Floats


class ImpactFit(NamedTuple):
    """A least-squares line of price changes on order-flow imbalance.

    Attributes:
        slope: price units per unit of imbalance (ticks per lot for `event_imbalance`).
        intercept: price units.
        r_squared: share of the variance of price changes that the line explains.
        standard_error: of the slope, for independent errors of one variance.

    >>> fit: ImpactFit = impact_regression([-4, 0, 2, 6], [-2.5, 0.5, 1.0, 3.0])
    >>> f"{fit.slope:.3f} ({fit.standard_error:.3f}) ticks per lot, R squared {fit.r_squared:.2f}"
    '0.538 (0.064) ticks per lot, R squared 0.97'
    """

    slope: float
    intercept: float
    r_squared: float
    standard_error: float


def event_imbalance(
    bid_prices: npt.ArrayLike, bid_sizes: npt.ArrayLike, ask_prices: npt.ArrayLike, ask_sizes: npt.ArrayLike
) -> Floats:
    """Net demand at the best prices by each change of the quote, in lots.

    Cont, Kukanov and Stoikov (Journal of Financial Econometrics 12(1), 2014), equation 1:
    e = 1{b >= b'} q - 1{b <= b'} q' - 1{a <= a'} r + 1{a >= a'} r', with bid b of size q, ask a of size r, and
    the quote before with primes.

    Args:
        bid_prices, bid_sizes, ask_prices, ask_sizes: n successive best quotes, in any units, shape (n,) or (n, levels).

    Returns:
        Shape (n - 1,) or (n - 1, levels), in units of the sizes.

    Raises:
        ConfigError: shapes that differ, no quote at all, or a size below 0.

    >>> event_imbalance([99, 99, 100], [5, 7, 3], [101, 101, 101], [4, 4, 1]).tolist()
    [2.0, 6.0]
    """
    bids, asks = _sides(bid_prices, bid_sizes, ask_prices, ask_sizes)
    return _rise(*bids, by_money=False) + _rise(*asks, by_money=False)


def snapshot_imbalance(
    bid_prices: npt.ArrayLike, bid_sizes: npt.ArrayLike, ask_prices: npt.ArrayLike, ask_sizes: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """(bid part, ask part) of the imbalance between successive snapshots, in quote currency (size x price).

    Bid part: +size x price where the bid rose, (size - size before) x price where it stayed, -(size x price before)
    where it fell. Ask part: the same with the opposite sign, of a fall and a rise. Their sum is the imbalance of the
    level. Unlike the sum over events, it misses what came and went between two snapshots if a best price moved.

    Args:
        bid_prices, bid_sizes, ask_prices, ask_sizes: n snapshots, shape (n,) or (n, levels).

    Returns:
        Two arrays of shape (n - 1,) or (n - 1, levels).

    Raises:
        ConfigError: shapes that differ, no snapshot at all, or a size below 0.

    >>> [part.tolist() for part in snapshot_imbalance([10, 10, 9], [2, 3, 1], [12, 11, 11], [1, 2, 2])]
    [[10.0, -30.0], [-22.0, 0.0]]
    """
    bids, asks = _sides(bid_prices, bid_sizes, ask_prices, ask_sizes)
    return _rise(*bids, by_money=True), _rise(*asks, by_money=True)


def impact_regression(imbalance: npt.ArrayLike, mid_changes: npt.ArrayLike) -> ImpactFit:
    """Least squares of price changes on imbalance, the linear impact of Cont, Kukanov and Stoikov (2014).

    On their stylised book, with D lots at every price, the slope of the mid (ticks) on lots is 1 / (2 D).

    Args:
        imbalance: shape (n,), n of at least 3, without nan.
        mid_changes: shape (n,), over the same windows.

    Raises:
        ConfigError: fewer than 3 pairs, shapes that differ, values that are not finite, or one imbalance throughout.

    >>> impact_regression([0, 2, 4, 6], [1, 2, 3, 4])[:3]
    (0.5, 1.0, 1.0)
    """
    from scipy.stats import linregress

    x, y = np.asarray(imbalance, dtype=np.float64), np.asarray(mid_changes, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        got = f"got imbalance of shape {x.shape} and mid_changes of shape {y.shape}"
        raise ConfigError(f"impact_regression: {got}; wanted two arrays of at least 3 finite values each")
    if np.ptp(x) == 0:
        raise ConfigError(f"impact_regression: imbalance: got {x[0]} throughout, wanted values that differ")
    fit = linregress(x, y)
    return ImpactFit(float(fit.slope), float(fit.intercept), float(fit.rvalue) ** 2, float(fit.stderr))


def _sides(*given: npt.ArrayLike) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """(bid prices, sizes), (ask prices, sizes), where asks are mirrored (price and size negative), so a fall rises."""
    bid, bid_size, ask, ask_size = (np.asarray(values, dtype=np.float64) for values in given)
    shapes = [values.shape for values in (bid, bid_size, ask, ask_size)]
    if len(dict.fromkeys(shapes)) != 1 or not shapes[0] or not shapes[0][0]:
        raise ConfigError(f"order-flow imbalance: got shapes {shapes}, wanted one shape (n, ...) with n of at least 1")
    if (bid_size < 0).any() or (ask_size < 0).any():
        raise ConfigError("order-flow imbalance: got a size below 0, wanted sizes of at least 0, 0 for an empty level")
    return (_present(bid, bid_size), bid_size), (_present(-ask, ask_size), -ask_size)


def _present(prices: Floats, sizes: Floats) -> Floats:
    # An empty level is a price that nobody would come down to.
    return np.where(sizes == 0, -np.inf, np.where(np.isnan(sizes), np.nan, prices))


def _rise(prices: Floats, sizes: Floats, *, by_money: bool) -> Floats:
    """What a side adds: what is there now unless the price fell, less what was there unless it rose."""
    value = sizes * np.abs(np.where(sizes == 0, 0.0, prices)) if by_money else sizes
    now, before = prices[1:], prices[:-1]
    added = np.where(now >= before, value[1:], 0.0) - np.where(now <= before, value[:-1], 0.0)
    return np.where(np.isnan(now) | np.isnan(before), np.nan, added)
