"""Policies that know of one winner at a time, and yardsticks: recent winner, one venue, chance, the oracle."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from attrs import field, frozen

from agents.routing.policy import INFORMATION, TWO_BITS, Array, Namespace, add_at, barrier, observed, pick, softmax
from marketsim.checks import flag, integer, number, one_of
from marketsim.errors import ConfigError


def likelihood(seen: Array, slack: float, xp: Namespace) -> Array:
    """Shape (n,): probability of the bits seen, by which venue is the winner.

    Args:
        seen: bits (n,), 0 where not seen.
        slack: chance that a bit is not what the winner would make it: tied winners, or a bit of an earlier bucket.
    """
    # Each bit that contradicts a winner costs a factor; a +1 contradicts every other venue, a -1 its own.
    wrong = (seen > 0).sum() - 1.0 * (seen > 0) + 1.0 * (seen < 0)
    return xp.exp(wrong * xp.log(slack / (1.0 - slack)))


class Logits(NamedTuple):
    """Log odds of winning by venue (n,), up to a constant."""

    logits: Array


@frozen
class OneHot:
    """The Ising router's rule on a smaller model: of all states only the n in which exactly one venue wins.

    p(winner) = softmax(2 h), as for spins that are up at one venue and down at all others; couplings would add a
    constant. Learns by the gradient of the likelihood of the bits seen, with the Ising router's rate and discount:
    h <- discount h + 2 rate (p(winner | seen) - p(winner)).

    Args:
        rate: of a step along the gradient.
        discount: what is left of h after a step.
        slack: chance that a bit contradicts the winner.
    """

    name: ClassVar[str] = "one-hot"
    foresees: ClassVar[bool] = False

    rate: float = field(default=0.05, validator=number(above=0.0))
    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    slack: float = field(default=0.01, validator=number(0.0, 0.5, above=0.0))
    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> Logits:
        return Logits(xp.zeros(n_venues))

    def choose(self, state: Logits, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        seen = xp.where(xp.arange(state.logits.shape[0]) == context, bit, 0)
        beliefs = softmax(state.logits, xp) * likelihood(seen, self.slack, xp)
        return pick(beliefs / beliefs.sum(), context, draws, self.may_choose_context, xp)

    def learn(
        self, state: Logits, context: Array, bit: Array, choice: Array, outcome: Array, _draws: Array, xp: Namespace, /
    ) -> Logits:
        seen = observed(state.logits.shape[0], context, bit, choice, outcome, self.learns_from, xp)
        before = softmax(state.logits, xp)
        after = before * likelihood(seen, self.slack, xp)
        # Logits are 2 h, and h moves by 2 rate: hence 4.
        return Logits(self.discount * state.logits + 4.0 * self.rate * (after / after.sum() - before))


class Filter(NamedTuple):
    """Joint belief over (switch rate, winner of the next bucket) (rates, n), and expected wins by venue (n,)."""

    beliefs: Array
    counts: Array


@frozen
class HiddenMarkov:
    """The winner is a hidden Markov chain: it stays, or with some probability is drawn anew.

    The exact Bayes filter over (switch rate, winner), the rate being one of a few. A new winner is drawn from the
    discounted shares of expected wins.

    Args:
        rates: of switching per step, equally likely at first.
        forgetting: share of the belief over rates that goes back to equal at each step, so that it can change its mind.
        discount: of the expected wins.
        prior: wins counted for each venue beforehand, and never forgotten.
        slack: chance that a bit contradicts the winner.
    """

    name: ClassVar[str] = "hidden-markov"
    foresees: ClassVar[bool] = False

    rates: tuple[float, ...] = field(default=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
    forgetting: float = field(default=0.001, validator=number(0.0, 1.0))
    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    prior: float = field(default=1.0, validator=number(above=0.0))
    slack: float = field(default=0.01, validator=number(0.0, 0.5, above=0.0))
    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    @rates.validator
    def _check_rates(self, _attribute: object, value: object) -> None:
        fits = type(value) is tuple and bool(value) and all(type(rate) is float and 0 < rate <= 1 for rate in value)
        if not fits:
            raise ConfigError(f"HiddenMarkov.rates: got {value!r}, wanted a non-empty tuple of floats above 0 up to 1")

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> Filter:
        cells = len(self.rates) * n_venues
        return Filter(xp.full((len(self.rates), n_venues), 1.0 / cells), xp.zeros(n_venues))

    def choose(self, state: Filter, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        n = state.counts.shape[0]
        seen = xp.where(xp.arange(n) == context, bit, 0)
        beliefs = state.beliefs.sum(axis=0) * likelihood(seen, self.slack, xp)
        return pick(beliefs / beliefs.sum(), context, draws, self.may_choose_context, xp)

    def learn(
        self, state: Filter, context: Array, bit: Array, choice: Array, outcome: Array, _draws: Array,
        xp: Namespace, /,
    ) -> Filter:  # fmt: skip
        n = state.counts.shape[0]
        seen = observed(n, context, bit, choice, outcome, self.learns_from, xp)
        beliefs = state.beliefs * likelihood(seen, self.slack, xp)
        beliefs = beliefs / beliefs.sum()
        counts = self.discount * state.counts + beliefs.sum(axis=0)
        fresh = (counts + self.prior) / (counts.sum() + n * self.prior)
        rates = xp.asarray(self.rates)[:, None]
        by_rate = beliefs.sum(axis=1, keepdims=True)
        ahead = (1.0 - rates) * beliefs + rates * by_rate * fresh
        return Filter((1.0 - self.forgetting) * ahead + self.forgetting / len(self.rates) * ahead.sum(axis=0), counts)


class WinCounts(NamedTuple):
    """Discounted wins seen, by venue (n,)."""

    counts: Array


@frozen
class RecentWinner:
    """Always the venue that was seen to win most often lately: wins discounted, the context bit not used to choose."""

    name: ClassVar[str] = "recent-winner"
    foresees: ClassVar[bool] = False

    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> WinCounts:
        return WinCounts(xp.zeros(n_venues))

    def choose(self, state: WinCounts, context: Array, _bit: Array, draws: Array, xp: Namespace, /) -> Array:
        return pick(state.counts, context, draws, self.may_choose_context, xp)

    def learn(
        self, state: WinCounts, context: Array, bit: Array, choice: Array, outcome: Array, _draws: Array,
        xp: Namespace, /,
    ) -> WinCounts:  # fmt: skip
        seen = observed(state.counts.shape[0], context, bit, choice, outcome, self.learns_from, xp)
        return WinCounts(self.discount * state.counts + (seen > 0))


@frozen
class OneVenue:
    """Always the same venue; where it may not be chosen, any other."""

    name: ClassVar[str] = "one-venue"
    foresees: ClassVar[bool] = False

    venue: int = field(default=0, validator=integer(0))
    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> WinCounts:
        if self.venue >= n_venues:
            raise ConfigError(f"OneVenue.venue: got {self.venue}, wanted an index below {n_venues}")
        return WinCounts(add_at(xp.zeros(n_venues), self.venue, 1.0, xp))

    def choose(self, state: WinCounts, context: Array, _bit: Array, draws: Array, xp: Namespace, /) -> Array:
        return pick(state.counts, context, draws, self.may_choose_context, xp)

    def learn(self, state: WinCounts, *_shown: Array) -> WinCounts:
        return state


@frozen
class Chance:
    """Any venue that may be chosen, with equal probability."""

    name: ClassVar[str] = "chance"
    foresees: ClassVar[bool] = False

    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, _n_venues: int, _xp: Namespace, /) -> tuple[()]:
        return ()

    def choose(self, _state: tuple[()], context: Array, _bit: Array, draws: Array, xp: Namespace, /) -> Array:
        walls = xp.asarray(barrier(draws.shape[0], self.may_choose_context))
        return (draws + walls[context]).argmax()

    def learn(self, state: tuple[()], *_shown: Array) -> tuple[()]:
        return state


@frozen
class Oracle:
    """Sees the bucket's labels (n,) in place of a state, and chooses a best venue among those that may be chosen."""

    name: ClassVar[str] = "oracle"
    foresees: ClassVar[bool] = True

    learns_from: str = field(default=TWO_BITS, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, _n_venues: int, _xp: Namespace, /) -> tuple[()]:
        return ()

    def choose(self, labels: Array, context: Array, _bit: Array, draws: Array, xp: Namespace, /) -> Array:
        return pick(labels, context, draws, self.may_choose_context, xp)

    def learn(self, state: tuple[()], *_shown: Array) -> tuple[()]:
        return state
