"""A concentrated pool called `amm`, messages to it, and a ledger beside it."""

from __future__ import annotations

from marketsim.ledger import Ledger
from marketsim.types import Burn, Fill, Mint, Side, TimeInForce, market_order
from venues.concentrated import ConcentratedPool
from venues.concentrated_math import Q96

M = "ACME"
BUY, SELL = Side.BUY, Side.SELL
UNIT = 10**9  # lots and tick-lots in one unit of the published examples, where the price is about 1 tick
WHOLE = (-887_220, 887_220)


def order(side, quantity, *, owner="ann", order_id=1, tif=TimeInForce.IOC):
    return market_order(M, side, quantity=quantity, tif=tif)._replace(order_id=order_id, owner=owner, venue="amm")


def mint(liquidity, lower=None, upper=None, *, owner="lp"):
    return Mint(M, liquidity, lower, upper, 1, owner, "amm")


def burn(liquidity, lower=None, upper=None, *, owner="lp"):
    return Burn(M, liquidity, lower, upper, 1, owner, "amm")


def make(*positions, price=None, sqrt_price=None, fee_ppm=0, spacing=1):
    at = {"price": price} if price is not None else {"sqrt_price_x96": sqrt_price or Q96}
    return ConcentratedPool((M,), fee_ppm=fee_ppm, index_spacing=spacing, positions=positions, **at)


def everything(pool):
    """All that a refusal must leave alone."""
    held = {key: (at.liquidity, at.inside0, at.inside1, at.owed0, at.owed1) for key, at in pool._held.items()}
    edges = {index: (edge.gross, edge.outside0, edge.outside1) for index, edge in pool._edges.items()}
    return pool.snapshot(M), pool.reserves(M), pool.state(M), held, edges, pool._matches


class Accounts:
    """A ledger beside one pool: what each account would hold, and whether the pool's account follows its reserves."""

    def __init__(self, pool):
        self.pool, self.ledger, self.opening = pool, Ledger(), pool.reserves(M)

    def send(self, message, now=0):
        reports = self.pool.submit(message, now)
        self.ledger.post([report for report in reports if type(report) is Fill])
        self.ledger.check()
        assert self.reserves_by_account() == self.pool.reserves(M)
        assert min(self.pool.reserves(M)) >= 0
        return reports

    def has(self, owner, market=M):
        return self.ledger.cash.get(owner, 0), self.ledger.inventory.get(owner, {}).get(market, 0)

    def reserves_by_account(self):
        money, lots = self.has("pool:amm")
        return self.opening[0] + lots, self.opening[1] + money
