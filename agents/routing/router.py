"""The router: sells a fixed quantity each bucket at the venue it thinks will have the best price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from attrs import define, field

from agents.routing.paths import CONTEXTS, FIXED, LABEL, LAST, MODES
from agents.routing.policy import Policy, State
from marketsim.checks import delay, integer, name, names, one_of
from marketsim.errors import ConfigError
from marketsim.protocols import Context, Delay
from marketsim.types import Side, market_order

LAST_PRICE, BEST_BID = "last", "bid"

LabelFeed = Callable[[int], Sequence[int] | None]
"""Labels by bucket number; None for a bucket without any."""


class Decision(NamedTuple):
    """What the router knew and did at one wake: `context` and `choice` are indices of venues.

    `time` is the step, `bucket` the number of the bucket to come, `bit` the context venue's label, +1 or -1.

    >>> decision = Decision(time=9, bucket=1, context=0, bit=-1, choice=1, order_id=4)
    >>> ("north", "south")[decision.choice]  # north did not have the best price
    'south'
    """

    time: int
    bucket: int
    context: int
    bit: int
    choice: int
    order_id: int


class _Pending(NamedTuple):
    context: int
    bit: int
    choice: int
    draws: Any


@define
class Router:
    """Wakes once a bucket, looks at one context venue, and sells at the venue that its policy chooses.

    Bucket k holds the steps from k * bucket to (k + 1) * bucket - 1. The router wakes at the last step of a bucket,
    after that step's trades: the bucket is then closed. It reads the public price of every venue, labels +1 the
    venues with the highest one (a venue without a price never wins), teaches its policy the outcome of the decision
    that it made for this bucket, and decides for the next one, at once; not before some venue has a price.

    A decision draws 1 + policy.n_draws(n) uniforms from the agent's own stream: the first for the context venue, in
    "fixed" mode too, the others for the policy.

    Args:
        venues: names, all trading `market`; their order gives the indices.
        policy: which decides and learns; not one that foresees.
        bucket: steps.
        quantity: lots sold each bucket.
        mode: of the context venue: "fixed" or "random".
        context_venue: index, where it is fixed.
        context: "last", the context venue's label in the bucket that has just closed; or "label", its label in the
            bucket to come, which no router could know: for study, and only where `labels` tells it.
        labels: the feed behind "label".
        price: what is compared: the "last" trade price, or the best "bid".
        market_data_delay: steps.
        order_latency: steps.

    Raises:
        ConfigError: fewer than two venues, a context venue that is none of them, "label" without a feed or a feed
            without "label", a policy that foresees, or an argument of the wrong type or out of bounds.

    >>> from agents.routing.catalogue import policy
    >>> from venues.quote_replay import QuoteReplayVenue
    >>> shown = {"north": (((100, 50),), ((105, 50),)), "south": (((101, 50),), ((105, 50),))}  # bids, asks
    >>> venues = {name: QuoteReplayVenue(("ACME",), opening={"ACME": sides}) for name, sides in shown.items()}
    >>> router = Router("router", "ACME", ("north", "south"), policy("recent-winner"), bucket=10, price="bid")
    >>> result = Simulation(venues=venues, agents=[router], seed=1).run(40)
    >>> [(decision.time, decision.choice) for decision in router.decisions]  # step, index of the venue
    [(9, 1), (19, 1), (29, 1), (39, 1)]
    >>> result.ledger.inventory["router"], result.ledger.cash["router"]  # lots, tick-lots
    ({'ACME': -4}, 404)
    """

    agent_id: str = field(validator=name)
    market: str = field(validator=name)
    venues: tuple[str, ...] = field(validator=names)
    policy: Policy
    bucket: int = field(default=1000, validator=integer(1))
    quantity: int = field(default=1, validator=integer(1))
    mode: str = field(default=FIXED, validator=one_of(*MODES))
    context_venue: int = field(default=0, validator=integer(0))
    context: str = field(default=LAST, validator=one_of(*CONTEXTS))
    labels: LabelFeed | None = None
    price: str = field(default=LAST_PRICE, validator=one_of(LAST_PRICE, BEST_BID))
    market_data_delay: Delay = field(default=0, validator=delay)
    order_latency: Delay = field(default=0, validator=delay)
    role: str = field(default="router", validator=name)
    decisions: list[Decision] = field(factory=list, init=False, repr=False)
    _state: State = field(default=(), init=False, repr=False)
    _pending: _Pending | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        n = len(self.venues)
        if n < 2:
            raise ConfigError(f"Router.venues: got {self.venues!r}, wanted at least two to choose from")
        if self.context_venue >= n:
            raise ConfigError(f"Router.context_venue: got {self.context_venue}, wanted an index below {n}")
        if (self.context == LABEL) != (self.labels is not None):
            raise ConfigError(
                f"Router: got context={self.context!r}, labels={self.labels!r}; label and a feed go together"
            )
        if getattr(self.policy, "foresees", True):
            raise ConfigError(f"Router.policy: got {self.policy!r}, wanted a policy that does not foresee the labels")

    @property
    def state(self) -> State:
        """What the policy has learned."""
        return self._state

    def start(self, ctx: Context) -> None:
        self._state = self.policy.initial(len(self.venues), np)
        ctx.wake_at(ctx.now + self.bucket - 1)

    def wake(self, ctx: Context) -> None:
        closed = labels_of([self._price(ctx, venue) for venue in self.venues])
        if closed is not None:
            self._learn(closed)
            self._decide(ctx, (ctx.now + 1) // self.bucket, closed)
        ctx.wake_at(ctx.now + self.bucket)

    def _price(self, ctx: Context, venue: str) -> int | None:
        state = ctx.state(self.market, venue=venue)
        return state.last_price if self.price == LAST_PRICE else state.best_bid

    def _learn(self, closed: list[int]) -> None:
        if self._pending is None:
            return
        context, bit, choice, draws = self._pending
        self._pending = None
        self._state = self.policy.learn(self._state, context, bit, choice, closed[choice], draws, np)

    def _decide(self, ctx: Context, bucket: int, closed: list[int]) -> None:
        shown = closed if self.labels is None else self.labels(bucket)
        if shown is None:
            return
        n = len(self.venues)
        draws = ctx.rng.random(1 + self.policy.n_draws(n))
        context = self.context_venue if self.mode == FIXED else int(draws[0] * n)
        bit = int(shown[context])
        choice = int(self.policy.choose(self._state, context, bit, draws[1:], np))
        self._pending = _Pending(context, bit, choice, draws[1:])
        order = market_order(self.market, Side.SELL, quantity=self.quantity)
        order_id = ctx.submit(order, venue=self.venues[choice])
        self.decisions.append(Decision(ctx.now, bucket, context, bit, choice, order_id))


def labels_of(prices: Sequence[int | None]) -> list[int] | None:
    """+1 for every venue with the highest price, ties included, -1 for the others; None where none has a price.

    >>> labels_of([101, None, 103, 103])
    [-1, -1, 1, 1]
    """
    known = [price for price in prices if price is not None]
    if not known:
        return None
    best = max(known)
    return [1 if price == best else -1 for price in prices]
