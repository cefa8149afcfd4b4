"""What a filtering agent knows of a moving value: steady state, the price of delay, a gain that is wrong.

The log value walks, v_{t+1} = v_t + w with w ~ N(0, q), and is observed at every step, y = v + n with n ~ N(0, r). The
best linear estimate moves by the gain K towards each observation. With P- and P+ the error variances before and after
an observation, in the steady state

    P- = (q + sqrt(q^2 + 4 q r)) / 2,   P+ = P- - q,   K = P- / (P- + r) = P+ / r.

An agent that hears d steps late has the error variance P+ + q d against the present value. One whose gain is K, right
or wrong, has (q (1 - K)^2 + K^2 r) / (1 - (1 - K)^2), which is least at the right K. One that takes the value to stand
still averages all n observations, and ends at q sum_{k=2}^{n} ((k - 1)/n)^2 + r/n, which grows with n in the end.

Source: Kalman, A new approach to linear filtering and prediction problems, Journal of Basic Engineering 82, 1960; the
steady state as in Anderson and Moore, Optimal Filtering, 1979, chapter 4. Squared innovations over their variance are
chi-squared with one degree of freedom: Bar-Shalom, Li and Kirubarajan, 2001, section 5.4.

The run: the engine sends a signal of every market at every step to informed traders of the shipped kind, who find
nothing to trade; read are their beliefs at the end. q and r are in units of 1e-4 in log price, so that prices stay in
bounds. Each market is a sample of its own. Beliefs start in the steady state, with an error drawn from it, so that 16
steps are enough: of what they start with, less than 5 % is left at the end. A wrong gain is had by assuming
q' = r K^2 / (1 - K), which makes K the steady state of the agent's own model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import log, sqrt

import numpy as np
from attrs import frozen

from agents.belief import ScalarBelief, pooled
from agents.capital import Capital
from agents.edge import EdgeTrading
from agents.gaussian import GaussianTrader
from experiments.validation.check import Check, Line, Scale, mean_line
from marketsim import Simulation, Streams
from marketsim.fairvalue import LatentFactorWalk
from marketsim.information import TIERS, SignalSource
from marketsim.metrics import fair_marks
from marketsim.metrics.logs import Floats
from marketsim.protocols import FairValue
from venues.clob import ContinuousBook

UNIT = 1e-4  # of q, r and all variances, in squared log price
LEVEL = 10_000.0  # opening price in ticks
ROWS = ((1.0, 1.0), (1.0, 4.0), (0.01, 1.0), (0.04, 1.0), (1.0, 0.25))
STEPS = 16


def steady_state(q: float, r: float) -> tuple[float, float, float]:
    """(P-, P+, K)."""
    before = (q + sqrt(q * q + 4 * q * r)) / 2
    return before, before - q, before / (before + r)


def error_with_gain(gain: float, q: float, r: float) -> float:
    """Mean squared error of an estimate that moves by `gain` towards each observation."""
    kept = (1 - gain) ** 2
    return (q * kept + gain**2 * r) / (1 - kept)


def error_of_average(n: int, q: float, r: float) -> float:
    """Mean squared error of the plain average of n observations of a value that walks."""
    return q * sum(((k - 1) / n) ** 2 for k in range(2, n + 1)) + r / n


@frozen
class EveryStep:
    """An information process: each market's value at each step from 1, with noise of variance `r` in log price."""

    r: float

    def source(self, truth: FairValue, horizon: int, streams: Streams, /) -> SignalSource:
        """The signals of one run, up to and including step `horizon`."""
        count = len(truth.markets)
        noise = sqrt(self.r) * streams.stream("noise").standard_normal((horizon, count))
        steps = [step for step in range(1, horizon + 1) for _ in range(count)]
        tier, sigma = TIERS.index("routine"), sqrt(self.r)
        rows = [(market, tier, sigma, factor) for row in np.exp(noise).tolist() for market, factor in enumerate(row)]
        return SignalSource(truth.markets, steps, rows)


@frozen
class Filter:
    """An agent's filter: what it assumes and how late it hears; `start` is the variance of its first error."""

    q: float
    r: float
    assumed_q: float
    start: float
    delay: int = 0
    precision: float | None = None

    @property
    def assumed_precision(self) -> float:
        """Of the belief at the start, in units: of the steady state of the agent's own model, unless it is given."""
        return 1 / steady_state(self.assumed_q, self.r)[1] if self.precision is None else self.precision


def listen(setting: Filter, seed: int, markets: int, steps: int) -> tuple[Floats, GaussianTrader]:
    """One run: the errors of the agent's beliefs about the present log values (markets,), and the agent."""
    names = tuple(f"m{number}" for number in range(markets))
    of_walk, of_start = Streams(seed).stream("world").spawn(2)
    # A factor for each market: all markets walk by themselves.
    moves = np.vstack([np.zeros(markets), of_walk.standard_normal((steps, markets))])
    value = LatentFactorWalk(
        markets=names,
        loadings=np.eye(markets),
        eps=sqrt(setting.start * UNIT) * of_start.standard_normal(markets),
        factors=sqrt(setting.q * UNIT) * np.cumsum(moves, axis=0),
        level=LEVEL,
        tick_size=1.0,
        walk_var=setting.q * UNIT,
    )
    beliefs = {
        name: ScalarBelief(
            log(LEVEL), setting.assumed_precision / UNIT, process_variance=setting.assumed_q * UNIT, last_update=0
        )
        for name in names
    }
    agent = GaussianTrader("agent", beliefs, EdgeTrading(Capital(0), 1), observation_delay=setting.delay)
    simulation = Simulation(
        venues={"clob": ContinuousBook(names)},
        agents=[agent],
        fair_value=value,
        information=EveryStep(setting.r * UNIT),
        seed=seed,
    )
    simulation.run(steps)
    truth = np.log(fair_marks(value, np.array(names, dtype=object), np.full(markets, steps), end=steps))
    return np.array([beliefs[name].mean for name in names]) - truth, agent


def squares(setting: Filter, scale: Scale, name: str, steps: int) -> tuple[Floats, list[GaussianTrader]]:
    """Squared errors in units of q and r, of as many markets as the scale asks for."""
    runs, markets = scale.pick(quick=(2, 200), full=(56, 120))
    root = Streams(Streams(scale.seed).key(name))
    found = [listen(setting, root.key(f"run {number}"), markets, steps) for number in range(runs)]
    return np.concatenate([errors for errors, _ in found]) ** 2 / UNIT, [agent for _, agent in found]


def steady_lines(scale: Scale, q: float, r: float) -> list[Line]:
    """One row of the table: what the belief says of itself, exactly, and whether that is true."""
    before, after, gain = steady_state(q, r)
    name = f"q = {q:g}, r = {r:g}"
    errors, agents = squares(Filter(q, r, q, after), scale, name, STEPS)
    belief = next(iter(agents[0].beliefs.values()))
    fit = pooled(each.nis for agent in agents for each in agent.beliefs.values())
    said = 1 / (belief.precision * UNIT)
    return [
        Line(name=f"P+ of the belief, {name}", predicted=after, measured=said),
        Line(name=f"P- of the belief, {name}", predicted=before, measured=1 / (belief.precision_at(STEPS + 1) * UNIT)),
        Line(name=f"K of the belief, {name}", predicted=gain, measured=said / r),
        mean_line(f"squared error, {name}", after, errors, unit="1e-4"),
        Line(
            name=f"squared innovation over its variance, {name}",
            predicted=1.0,
            measured=fit.mean or 0.0,
            error=sqrt(2 / max(1, fit.count)),
            samples=max(1, fit.count),
        ),
    ]


def late_line(scale: Scale, delay: int) -> Line:
    """What it costs to hear `delay` steps late, q = r = 1."""
    after = steady_state(1.0, 1.0)[1]
    errors, _ = squares(Filter(1.0, 1.0, 1.0, after, delay), scale, f"delay {delay}", STEPS)
    return mean_line(f"squared error, {delay} late, q = r = 1", after + delay, errors, unit="1e-4")


def run(scale: Scale) -> Sequence[Line]:
    """The table, convergence from a vague start, delays, wrong gains, and the filter that stands still."""
    lines = [line for q, r in ROWS for line in steady_lines(scale, q, r)]
    after = steady_state(1.0, 1.0)[1]
    _, agent = listen(Filter(1.0, 1.0, 1.0, after, precision=0.01), scale.seed, 1, 60)
    vague = 1 / (agent.beliefs["m0"].precision * UNIT)
    lines.append(Line(name="P+ after 60 steps from P = 100, q = r = 1", predicted=after, measured=vague))
    lines += [late_line(scale, delay) for delay in (1, 5)]
    for gain in (0.1, 0.3, 0.9):
        error = error_with_gain(gain, 1.0, 1.0)
        wrong = Filter(1.0, 1.0, gain**2 / (1 - gain), error)
        errors, _ = squares(wrong, scale, f"gain {gain}", STEPS)
        lines.append(mean_line(f"squared error with K = {gain:g}, q = r = 1", error, errors, unit="1e-4"))
    frozen_error = partial(error_of_average, q=0.01, r=1.0)
    still = Filter(0.01, 1.0, 0.0, 1.0, precision=1e-12)
    for n in scale.pick(quick=(20,), full=(20, 60)):
        errors, _ = squares(still, scale, f"average of {n}", n)
        name = f"squared error of an average of {n}, q = 0.01, r = 1"
        lines.append(mean_line(name, frozen_error(n), errors, allowed=1e-9, unit="1e-4"))
    return lines


CHECK = Check(name="kalman", title="Beliefs of agents: steady state, delay, a wrong gain", run=run)
