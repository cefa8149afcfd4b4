"""Trading on an edge: what every informed trader does once it believes that the market's mid is wrong."""

from __future__ import annotations

from math import ceil, exp, floor, log

from attrs import define, field

from agents.capital import CapitalRule, capital_rule
from marketsim.checks import flag, integer, number
from marketsim.protocols import Context
from marketsim.types import Side


@define
class EdgeTrading:
    """Trades when belief and the market's mid disagree, within a budget.

    It takes liquidity when |edge| / log(ask / bid) is at least `take_ratio`, and else posts a limit order half a spread
    from the mid in the direction of the edge, which reaches just to the opposite best price. It also posts where it
    would take but nothing is offered.

    Args:
        capital: bounds the size of every order.
        quantity: lots of a full-size order.
        threshold: least |edge| in log price.
        take_ratio: |edge| in units of the log spread from which it takes.
        market_orders_only: for venues that take no limit orders; it then always takes.

    Raises:
        ConfigError: an argument is of the wrong type or out of bounds.

    >>> from math import log
    >>> from types import SimpleNamespace
    >>> from agents.capital import Capital
    >>> quote, sent = VenueState(999, 1001, ((999, 50),), ((1001, 50),)), []
    >>> sees = {"state": lambda _: quote, "estimate_impact": lambda _, side, lots: quote.estimate(side, lots)}
    >>> ctx, trading = SimpleNamespace(**sees, submit=sent.append), EdgeTrading(Capital(10_000), quantity=10)
    >>> round(trading.edge(ctx, "ACME", log(1010)), 4)  # five times the log spread: it takes what 10,000 / 1.08 buys
    0.01
    >>> trading.trade(ctx, "ACME", log(1010))
    >>> [(order.side.name, order.quantity, order.kind.value) for order in sent]
    [('BUY', 9, 'market')]
    """

    capital: CapitalRule = field(validator=capital_rule)
    quantity: int = field(validator=integer(1))
    threshold: float = field(default=0.0035, validator=number(0.0))
    take_ratio: float = field(default=2.0, validator=number(0.0))
    market_orders_only: bool = field(default=False, validator=flag)

    def edge(self, ctx: Context, market: str, mean_log: float) -> float:
        """Believed log price minus the log mid; 0 where a two-sided, uncrossed quote is missing."""
        quote = self._quote(ctx, market)
        return 0.0 if quote is None else mean_log - log(sum(quote) / 2)

    def trade(self, ctx: Context, market: str, mean_log: float) -> None:
        """Send an order in `market` if the belief `mean_log` (log ticks) disagrees enough with its mid."""
        quote = self._quote(ctx, market)
        if quote is None:
            return
        bid, ask = quote
        mid = (bid + ask) / 2
        edge = mean_log - log(mid)
        if abs(edge) < self.threshold:
            return
        side = Side.BUY if edge > 0 else Side.SELL
        spread = log(ask / bid)
        takes = self.market_orders_only or abs(edge) >= self.take_ratio * spread
        if takes and self.capital.take(ctx, market, side, self.quantity):
            return
        if not self.market_orders_only:
            # Rounded towards the other side: what was meant to reach the opposite best still does on the grid.
            target = mid * exp(side * spread / 2)
            price = ceil(target) if side > 0 else floor(target)
            self.capital.post(ctx, market, side, self.quantity, price)

    def _quote(self, ctx: Context, market: str) -> tuple[int, int] | None:
        state = ctx.state(market)
        bid, ask = state.best_bid, state.best_ask
        if bid is None or ask is None or bid <= 0:
            return None
        # A pool's two marginal prices may fall on one tick; quotes that rest together and meet are not a market.
        meets = bid <= ask if self.market_orders_only else bid < ask
        return (bid, ask) if meets else None
