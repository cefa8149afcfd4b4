"""A venue of your own, a dealer, proved by the kit and compared with a book under the same flow."""

import pandas as pd
from attrs import define, field

from agents.bootstrap import BootstrapLadder
from agents.flow import Investor
from marketsim import Reason, Simulation, VenueState, rejected, trade, unknown_order
from marketsim.fairvalue import ConstantFairValue
from marketsim.metrics import pnl_by_role
from marketsim.testing import check_venue
from venues.clob import ContinuousBook


@define
class Dealer:
    """Sells at centre + spread, buys at centre - spread, and moves the centre by `step` ticks at each trade."""

    markets: tuple[str, ...]
    opening: int
    spread: int = 2
    step: int = 1
    centres: dict[str, int] = field(factory=dict, init=False)

    def price(self, market, side):
        return self.centres.get(market, self.opening) + side * self.spread

    def submit(self, order, now):
        price = self.price(order.market, order.side)
        if not order.accepts(price):
            return rejected(order, Reason.PRICE, now=now)
        self.centres[order.market] = self.centres.get(order.market, self.opening) + order.side * self.step
        return trade(order, against="dealer", price=price, quantity=order.quantity, now=now)

    def cancel(self, order_id, owner, now):
        return unknown_order(order_id, owner, now=now)  # nothing ever rests here

    def state(self, market):
        return VenueState(best_bid=self.price(market, -1), best_ask=self.price(market, 1))

    def estimate_impact(self, market, side, quantity):
        return quantity, quantity * self.price(market, side)

    def clock(self, _now):
        return []

    def next_clock(self, _now):
        return None


report = check_venue(lambda: Dealer(("ACME",), 1000), examples=4, steps=40)
report.raise_failures()  # it would show the shortest program that breaks a rule
print(f"The kit passes it: {len(report.named('passed'))} checks.\nGains in ticks x lots by role:")
truth, rows = ConstantFairValue({"ACME": 1000.0}), {}
for name, venue in {"dealer": Dealer(("ACME",), 1000), "book": ContinuousBook(("ACME",))}.items():
    ladder = [BootstrapLadder("ladder", truth.prices, 40)] if name == "book" else []
    agents = [*ladder, Investor("investor", "ACME", arrival_rate=5.0)]
    result = Simulation(venues={name: venue}, agents=agents, fair_value=truth, seed=1).run(10_000)
    rows[name] = pnl_by_role(result.fills, truth, result.roles, end=10_000)["pnl_net"]
print(pd.DataFrame(rows).T.fillna(0.0).to_string())
