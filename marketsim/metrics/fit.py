"""How far a filter's innovations may stray before it is mis-specified."""

from __future__ import annotations

from marketsim.errors import ConfigError


def nis_band(count: int, level: float = 0.95) -> tuple[float, float]:
    """The band in which the mean of `count` normalised innovations squared lies with probability `level`.

    If the filter fits, each is chi-squared with one degree of freedom and they are independent, so that their sum is
    chi-squared with `count` degrees of freedom; the band leaves (1 - level) / 2 on either side (Bar-Shalom, Li and
    Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, section 5.4).

    Returns:
        (low, high); 1 lies between them.

    Raises:
        ConfigError: `count` is not an int of at least 1, or `level` does not lie between 0 and 1.

    >>> [round(bound, 3) for bound in nis_band(100)]
    [0.742, 1.296]
    """
    if type(count) is not int or count < 1 or not 0 < level < 1:
        raise ConfigError(f"nis_band: got count={count!r}, level={level!r}; wanted an int from 1, a level in (0, 1)")
    from scipy.special import chdtri

    # chdtri takes the probability of the upper tail.
    return float(chdtri(count, (1 + level) / 2)) / count, float(chdtri(count, (1 - level) / 2)) / count
