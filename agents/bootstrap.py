"""The opening book: a ladder of limit orders, posted once."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

from attrs import define, field

from marketsim.checks import integer, mapping_of, name, number
from marketsim.protocols import Context
from marketsim.types import Side, limit_order


@define
class BootstrapLadder:
    """Posts `levels` levels a side at time 0, the k-th at anchor x (1 -+ step k), and never acts again.

    Args:
        anchors: opening price by market, ticks.
        quantity: lots a level.
        levels: a side.
        step: between two levels, as a fraction of the anchor; prices are rounded away from it.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from venues.clob import ContinuousBook
    >>> ladder = BootstrapLadder("ladder", {"ACME": 1000.0}, quantity=5, levels=2)
    >>> book = ContinuousBook(("ACME",))
    >>> result = Simulation(venues={"book": book}, agents=[ladder]).run(1)
    >>> book.state("ACME").bids, book.state("ACME").asks
    (((999, 5), (998, 5)), ((1001, 5), (1002, 5)))
    """

    agent_id: str = field(validator=name)
    anchors: Mapping[str, float] = field(validator=mapping_of(number(0.0, 2**53)))
    quantity: int = field(validator=integer(1))
    levels: int = field(default=5, validator=integer(1))
    step: float = field(default=0.001, validator=number(above=0.0))
    role: str = field(default="bootstrap", validator=name)

    def start(self, ctx: Context) -> None:
        for market, anchor in self.anchors.items():
            for level in range(1, self.levels + 1):
                # Away from the anchor, so that a coarse grid never makes the ladder trade with itself.
                bid, ask = floor(anchor * (1 - self.step * level)), ceil(anchor * (1 + self.step * level))
                ctx.submit(limit_order(market, Side.BUY, quantity=self.quantity, price=bid))
                ctx.submit(limit_order(market, Side.SELL, quantity=self.quantity, price=ask))
