"""An agent that follows the last move."""

from attrs import define
from marketsim import Side, market_order


@define
class Momentum:
    """Buys after the mid rose and sells after it fell."""

    agent_id: str
    market: str
    review_interval: int = 100
    last: float | None = None

    def review(self, ctx):
        mid = ctx.state(self.market).mid
        if None not in (mid, self.last) and mid != self.last:
            side = Side.BUY if mid > self.last else Side.SELL
            ctx.submit(market_order(self.market, side, quantity=10))
        self.last = mid


def example():
    """One that is ready to trade."""
    return Momentum("momentum", "ACME")
