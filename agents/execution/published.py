"""The simplified split rule of a published notebook, with its own fill model: numbers to reproduce, not an execution.

Its three parameters enter nothing: every point of its parameter grid is the same run. A "limit" order there fills at
the ask, at once, so it buys what its market order has taken already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

SMALL_BELOW = 1000
SMALL_SHARE, LARGE_SHARE = 0.1, 0.4


@frozen
class PublishedRun:
    """Money in price units, shares filled, shares left, and the log: (snapshot, kind, venue, price, shares)."""

    cost: float
    filled: float
    left: float
    log: tuple[tuple[int, str, int, float, float], ...]

    @property
    def average(self) -> float:
        """Price units a share, 0 where nothing was filled."""
        return self.cost / self.filled if self.filled > 0 else 0.0


def published_split(left: float, venues: int) -> tuple[float, float]:
    """(market quantity, limit quantity of each venue): a tenth as market below 1000 shares, else two fifths."""
    market = max(0.0, left * SMALL_SHARE) if left < SMALL_BELOW else left * LARGE_SHARE
    return market, (left - market) / venues


def published_fill(quantity: float, displayed: float, queue: float) -> float:
    """Shares that a limit order of `quantity` fills: min(q min(1, S / (Q + q)), S)."""
    behind = queue + quantity
    chance = min(1.0, displayed / behind) if behind > 0 else 0.0
    return min(quantity * chance, displayed)


def published_run(snapshots: Iterable[Sequence[tuple[float, float]]], quantity: float) -> PublishedRun:
    """Execute by the rule: each snapshot gives (ask, displayed shares) of its venues; Q = displayed.

    The same floating-point operations in the same order as the source, so that its numbers come out to the last digit.
    """
    left, cost, total = quantity, 0.0, 0.0
    log: list[tuple[int, str, int, float, float]] = []

    def buy(snapshot: int, kind: str, venue: int, price: float, shares: float) -> None:
        nonlocal left, cost, total
        cost += shares * price
        total += shares
        left -= shares
        log.append((snapshot, kind, venue, price, shares))

    for number, venues in enumerate(snapshots):
        if left <= 0:
            break
        if not venues:
            continue
        market, limit = published_split(left, len(venues))
        for place in sorted(range(len(venues)), key=lambda place: venues[place][0]):
            if market <= 0:
                break
            price, displayed = venues[place]
            shares = min(market, displayed)
            market -= shares
            buy(number, "market", place, price, shares)
        for place, (price, displayed) in enumerate(venues):
            shares = published_fill(limit, displayed, displayed) if limit > 0 else 0.0
            if shares > 0:
                buy(number, "limit", place, price, shares)
    return PublishedRun(cost, total, left, tuple(log))
