"""Bandits that count: epsilon-greedy, Thompson sampling and a sliding-window upper confidence bound.

A contextual bandit keeps one row of counts for each of the 2n contexts (venue, bit); otherwise there is one row. With
two bits a step ("context+choice") it counts the context venue as well: in the row of the chosen venue and its outcome
when contextual, since a pair of bits says as much about either, else as one more trial.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from attrs import field, frozen

from agents.routing.policy import INFORMATION, ONE_BIT, TWO_BITS, Array, Namespace, add_at, barrier, pick, set_at
from marketsim.checks import flag, integer, number, one_of

_UNPLAYED = 1000.0  # above any bound, and small enough that tie noise still tells unplayed venues apart
_TINY = 1e-12


class Counts(NamedTuple):
    """Discounted counts of outcomes by (row, venue)."""

    successes: Array
    failures: Array


class Window(NamedTuple):
    """The last steps' trials: cell, outcome and weight (window, trials a step), and what they sum to by cell."""

    cells: Array
    outcomes: Array
    weights: Array
    place: Array
    steps: Array
    successes: Array
    trials: Array


def _rows(n: int, contextual: bool) -> int:
    return 2 * n if contextual else 1


def _row(venue: Array, bit: Array, contextual: bool) -> Array:
    return 2 * venue + (bit > 0) if contextual else 0


def _trials(
    context: Array, bit: Array, choice: Array, outcome: Array, *, contextual: bool, learns_from: str, xp: Namespace
) -> list[tuple[Array, Array, Array, Array]]:
    """(row, venue, outcome, weight) of what a step has shown; weight 0 where both bits are one venue's."""
    trials = [(_row(context, bit, contextual), choice, outcome, 1.0)]
    if learns_from == TWO_BITS:
        other = xp.where(choice == context, 0.0, 1.0)
        trials.append((_row(choice, outcome, contextual), context, bit, other))
    return trials


def _counted(state: Counts, trials: list[tuple[Array, Array, Array, Array]], discount: float, xp: Namespace) -> Counts:
    successes, failures = discount * state.successes, discount * state.failures
    for row, venue, outcome, weight in trials:
        won = weight * (outcome > 0)
        successes = add_at(successes, (row, venue), won, xp)
        failures = add_at(failures, (row, venue), weight - won, xp)
    return Counts(successes, failures)


@frozen
class EpsilonGreedy:
    """The venue with the highest discounted success rate, or with probability `epsilon` any that may be chosen.

    Venues without a trial count as 0.5. Draws: one to explore, n that break ties or choose the venue to explore.

    Args:
        epsilon: share of steps that explore.
        discount: what is left of every count after a step.
        contextual: counts by context, or one row.
    """

    name: ClassVar[str] = "epsilon-greedy"
    foresees: ClassVar[bool] = False

    epsilon: float = field(default=0.1, validator=number(0.0, 1.0))
    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    contextual: bool = field(default=True, validator=flag)
    learns_from: str = field(default=ONE_BIT, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues + 1

    def initial(self, n_venues: int, xp: Namespace, /) -> Counts:
        empty = xp.zeros((_rows(n_venues, self.contextual), n_venues))
        return Counts(empty, empty)

    def choose(self, state: Counts, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        row = _row(context, bit, self.contextual)
        won, lost = state.successes[row], state.failures[row]
        trials = won + lost
        rates = xp.where(trials > 0, won / xp.where(trials > 0, trials, 1.0), 0.5)
        greedy = pick(rates, context, draws[1:], self.may_choose_context, xp)
        walls = xp.asarray(barrier(rates.shape[0], self.may_choose_context))
        return xp.where(draws[0] < self.epsilon, (draws[1:] + walls[context]).argmax(), greedy)

    def learn(
        self, state: Counts, context: Array, bit: Array, choice: Array, outcome: Array, _draws: Array, xp: Namespace, /
    ) -> Counts:
        trials = _trials(context, bit, choice, outcome, contextual=self.contextual, learns_from=self.learns_from, xp=xp)
        return _counted(state, trials, self.discount, xp)


@frozen
class Thompson:
    """The venue with the highest draw from its Beta posterior, prior Beta(1, 1), counts discounted towards the prior.

    Contextual, or with one row the discounted Thompson sampling of Raj and Kalyani (2017). See `beta_draws`.
    """

    name: ClassVar[str] = "thompson"
    foresees: ClassVar[bool] = False

    discount: float = field(default=0.995, validator=number(0.0, 1.0))
    contextual: bool = field(default=True, validator=flag)
    learns_from: str = field(default=ONE_BIT, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return 6 * n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> Counts:
        empty = xp.zeros((_rows(n_venues, self.contextual), n_venues))
        return Counts(empty, empty)

    def choose(self, state: Counts, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        row = _row(context, bit, self.contextual)
        samples = beta_draws(1.0 + state.successes[row], 1.0 + state.failures[row], draws, xp)
        return pick(samples, context, draws[: samples.shape[0]], self.may_choose_context, xp)

    def learn(
        self, state: Counts, context: Array, bit: Array, choice: Array, outcome: Array, _draws: Array, xp: Namespace, /
    ) -> Counts:
        trials = _trials(context, bit, choice, outcome, contextual=self.contextual, learns_from=self.learns_from, xp=xp)
        return _counted(state, trials, self.discount, xp)


def beta_draws(a: Array, b: Array, draws: Array, xp: Namespace) -> Array:
    """One Beta(a, b) draw for each of n pairs a, b >= 1, from 6 n uniforms: X / (X + Y) of two gamma variables.

    A gamma variable is drawn as by Marsaglia and Tsang (ACM TOMS 26, 2000), with two tries: the second one is taken
    whether or not it would be accepted. A try is refused at most one time in twenty (at shape 1), so that the law is
    off by less than 0.0025 in total variation, and by less for larger shapes. A fixed number of uniforms, and no loop,
    is what lets both paths share it.
    """
    shapes = xp.stack([a, b])
    uniforms = draws.reshape(3, 2, a.shape[0])
    radius, angle = xp.sqrt(-2.0 * xp.log1p(-uniforms[0])), 2.0 * xp.pi * uniforms[1]
    first, second = radius * xp.cos(angle), radius * xp.sin(angle)
    d = shapes - 1.0 / 3.0
    c = 1.0 / xp.sqrt(9.0 * d)
    v, w = (xp.maximum(1.0 + c * normal, _TINY) ** 3 for normal in (first, second))
    accepted = xp.log1p(-uniforms[2]) < 0.5 * first**2 + d * (1.0 - v + xp.log(v))
    gammas = d * xp.where(accepted & (1.0 + c * first > 0), v, w)
    return gammas[0] / (gammas[0] + gammas[1])


@frozen
class SlidingWindowUCB:
    """The venue with the highest success rate over a window plus a bonus for few trials.

    The SW-UCB of Garivier and Moulines (2011): rate + sqrt(width log(min(t, window)) / trials); venues without a trial
    in the window come first.
    """

    name: ClassVar[str] = "sliding-window-ucb"
    foresees: ClassVar[bool] = False

    window: int = field(default=200, validator=integer(1))
    width: float = field(default=0.6, validator=number(0.0))
    contextual: bool = field(default=False, validator=flag)
    learns_from: str = field(default=ONE_BIT, validator=one_of(*INFORMATION))
    may_choose_context: bool = field(default=False, validator=flag)

    def n_draws(self, n_venues: int, /) -> int:
        return n_venues

    def initial(self, n_venues: int, xp: Namespace, /) -> Window:
        shape = (self.window, 2 if self.learns_from == TWO_BITS else 1)
        empty = xp.zeros(_rows(n_venues, self.contextual) * n_venues)
        zero = xp.asarray(0)
        return Window(xp.zeros(shape, dtype=int), xp.zeros(shape), xp.zeros(shape), zero, zero, empty, empty)

    def choose(self, state: Window, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        n = draws.shape[0]
        row = _row(context, bit, self.contextual)
        won, trials = (table.reshape(-1, n)[row] for table in (state.successes, state.trials))
        least = xp.maximum(trials, 1.0)
        bonus = xp.sqrt(self.width * xp.log(xp.clip(state.steps, 1, self.window)) / least)
        scores = xp.where(trials > 0.5, won / least + bonus, _UNPLAYED)
        return pick(scores, context, draws, self.may_choose_context, xp)

    def learn(
        self, state: Window, context: Array, bit: Array, choice: Array, outcome: Array, draws: Array, xp: Namespace, /
    ) -> Window:
        n = draws.shape[0]
        trials = _trials(context, bit, choice, outcome, contextual=self.contextual, learns_from=self.learns_from, xp=xp)
        cells = xp.stack([xp.asarray(row * n + venue) for row, venue, _, _ in trials])
        weights = xp.stack([xp.asarray(weight) for _, _, _, weight in trials])
        outcomes = xp.stack([weight * (bit_seen > 0) for _, _, bit_seen, weight in trials])
        successes, counts = state.successes, state.trials
        for k in range(len(trials)):
            old = state.cells[state.place, k]
            successes = add_at(successes, old, -state.outcomes[state.place, k], xp)
            successes = add_at(successes, cells[k], outcomes[k], xp)
            counts = add_at(counts, old, -state.weights[state.place, k], xp)
            counts = add_at(counts, cells[k], weights[k], xp)
        return Window(
            set_at(state.cells, state.place, cells, xp),
            set_at(state.outcomes, state.place, outcomes, xp),
            set_at(state.weights, state.place, weights, xp),
            (state.place + 1) % self.window,
            state.steps + 1,
            successes,
            counts,
        )
