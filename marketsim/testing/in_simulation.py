"""The venue in a real run, with the kernel, the exchange and its checks around it."""

from __future__ import annotations

from typing import Any

from attrs import define

from marketsim.errors import MarketsimError
from marketsim.protocols import Context
from marketsim.simulation import Simulation
from marketsim.testing.failures import Broken
from marketsim.testing.judges import Trial
from marketsim.testing.profile import FORMS, NAME, Profile, order_of
from marketsim.testing.program import Program
from marketsim.types import Reduce, Replace, Side

HORIZON = 200


@define(eq=False)
class Trader:
    """Sends orders of every form at random, and cancels, reduces and replaces some."""

    agent_id: str
    profile: Profile
    review_interval: int = 3

    def review(self, ctx: Context) -> None:
        """Do one thing, chosen at random."""
        rng, profile = ctx.rng, self.profile
        own = list(ctx.open_orders)
        if own and rng.random() < 0.3:
            self._amend(ctx, own[int(rng.integers(len(own)))])
            return
        market = profile.markets[int(rng.integers(len(profile.markets)))]
        form = list(FORMS)[int(rng.integers(len(FORMS)))]
        side = Side.BUY if rng.random() < 0.5 else Side.SELL
        price = profile.anchor[market] + int(rng.integers(-5, 6)) * profile.price_step
        lots = int(rng.integers(1, min(profile.size_max, 100) + 1)) * profile.quantity_step
        ctx.submit(order_of(form, market, side, lots, price, 0, ""), venue=NAME)

    def _amend(self, ctx: Context, order_id: int) -> None:
        lots = int(ctx.rng.integers(1, 5)) * self.profile.quantity_step
        choice = ctx.rng.random()
        if choice < 0.3 and Reduce in self.profile.messages:
            ctx.reduce(order_id, quantity=lots)
        elif choice < 0.6 and Replace in self.profile.messages:
            ctx.replace(order_id, quantity=lots)
        else:
            ctx.cancel(order_id)


def in_simulation(trial: Trial, program: Program) -> None:  # noqa: ARG001 every judge has this form
    """Two runs with the same agents on fresh venues end without an error and with the same log."""
    first, second = (_run(trial) for _ in range(2))
    if first != second:
        raise Broken("simulation", "the same fills, orders and accounts from the same seed", "they differ")


def _run(trial: Trial) -> tuple[Any, ...]:
    traders = [Trader(name, trial.profile, interval) for name, interval in (("ann", 2), ("bob", 3), ("cat", 5))]
    try:
        result = Simulation(venues={NAME: trial.factory()}, agents=traders, seed=1).run(HORIZON * trial.profile.stride)
    except MarketsimError as error:
        raise Broken("simulation", "a run without an error", str(error)) from None
    return result.fills.frame().to_csv(), result.orders.frame().to_csv(), str(result.ledger.cash)
