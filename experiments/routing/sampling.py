"""Sampling against exact enumeration on the same draws, and every agent once through the event loop."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from attrs import frozen

from agents.routing import paths
from agents.routing.catalogue import policy
from agents.routing.ising import Exact
from agents.routing.learning import RULES
from agents.routing.policy import Array, Namespace, Policy, State
from experiments.routing.config import RouteStudy
from experiments.routing.engine import EngineRun, engine_table, replay
from experiments.routing.study import Clock, Data, Floats, contestants, draws_of, windows_of
from experiments.statistics import mean_and_se

BATCHED, KERNEL = "batched", "event loop"

Run = Callable[[Policy, str], Floats]
"""Regret by seed of a policy in a context mode."""


@frozen
class SameDraws:
    """A policy that is handed `spare` uniforms more at each step than it uses, so that it sees another one's draws."""

    name: ClassVar[str] = "same-draws"
    foresees: ClassVar[bool] = False

    policy: Policy
    spare: int

    @property
    def learns_from(self) -> str:
        return self.policy.learns_from

    @property
    def may_choose_context(self) -> bool:
        return self.policy.may_choose_context

    def n_draws(self, n_venues: int, /) -> int:
        return self.policy.n_draws(n_venues) + self.spare

    def initial(self, n_venues: int, xp: Namespace, /) -> State:
        return self.policy.initial(n_venues, xp)

    def choose(self, state: State, context: Array, bit: Array, draws: Array, xp: Namespace, /) -> Array:
        return self.policy.choose(state, context, bit, draws[: len(draws) - self.spare], xp)

    def learn(
        self, state: State, context: Array, bit: Array, choice: Array, outcome: Array, draws: Array, xp: Namespace, /
    ) -> State:
        return self.policy.learn(state, context, bit, choice, outcome, draws[: len(draws) - self.spare], xp)


def pair_of(rule: str, n: int) -> tuple[Policy, Policy]:
    """The Ising router of a rule with exact inference and with THRML, on the same draws."""
    exact, sampled = (policy("ising", rule=rule, inference=engine) for engine in ("exact", "thrml"))
    return SameDraws(exact, sampled.n_draws(n) - exact.n_draws(n)), sampled


def compare(study: RouteStudy, data: Data, *, clock: Clock) -> pd.DataFrame:
    """Both learning rules with either engine, from the first bucket on: all seeds at once, and in the event loop.

    The context venues and the noise that breaks ties are the same for both; sampling draws its states besides. Every
    program is run once before it is timed, so that no compilation counts. The event loop runs one seed.

    Returns:
        A row per path, rule and context: `exact`, `exact_se`, `sampled`, `sampled_se` (mean regret over seeds and its
        standard error), `extra`, `extra_se` (sampled less exact, by seed), `exact_seconds`, `sampled_seconds`, `ratio`.
    """
    labels = windows_of(study, data)[0].labels[: study.compare_steps + 1]
    seeds = tuple(range(study.first_seed, study.first_seed + study.compare_seeds))

    def batched(one: Policy, context: str) -> Floats:
        return _regrets(study, one, labels, context, seeds)

    def looped(one: Policy, context: str) -> Floats:
        buckets = min(study.engine_steps + 1, len(data.panel))
        run = _replayed(study, data, one, context, buckets)
        return np.array([float(run.regrets.sum())])

    rows = [
        _beside(batched, rule, context, labels.shape[1], clock) | {"steps": len(labels) - 1}
        for rule in RULES
        for context in study.contexts
    ]
    if study.engine_steps:
        steps = {"steps": min(study.engine_steps, len(data.panel) - 1)}
        rows += [
            _beside(looped, rule, study.contexts[-1], labels.shape[1], clock, path=KERNEL) | steps for rule in RULES
        ]
    return pd.DataFrame(rows)


def _beside(run: Run, rule: str, context: str, n: int, clock: Clock, *, path: str = BATCHED) -> dict[str, Any]:
    exact, sampled = (_timed(run, one, context, clock) for one in pair_of(rule, n))
    row: dict[str, Any] = {"path": path, "rule": rule, "context": context, "seeds": len(exact[0])}
    for name, values in (("exact", exact[0]), ("sampled", sampled[0]), ("extra", sampled[0] - exact[0])):
        found = mean_and_se(values)
        row |= {name: found["mean"], f"{name}_se": found["se"]}
    ratio = sampled[1] / exact[1] if exact[1] else nan
    return row | {"exact_seconds": exact[1], "sampled_seconds": sampled[1], "ratio": ratio}


def _timed(run: Run, one: Policy, context: str, clock: Clock) -> tuple[Floats, float]:
    run(one, context)  # compiles
    begin = clock()
    found = run(one, context)
    return found, clock() - begin


def _regrets(study: RouteStudy, one: Policy, labels: Any, context: str, seeds: tuple[int, ...]) -> Floats:
    draws = draws_of(one, labels.shape[1], len(labels) - 1, seeds)
    contexts = paths.contexts_of(draws[:, :, 0], labels.shape[1], mode=context, venue=study.context_venue)
    bits = paths.bits_of(labels, contexts, context=study.knows[0])
    choices, _ = paths.follow_batched(one, labels, contexts, bits, draws[:, :, 1:])
    return np.asarray(paths.regrets(labels, contexts, choices).sum(axis=1), np.float64)


def _replayed(study: RouteStudy, data: Data, one: Policy, context: str, buckets: int) -> EngineRun:
    return replay(
        data.tapes,
        data.panel,
        one,
        seed=study.first_seed,
        mode=context,
        knows=study.knows[0],
        buckets=buckets,
        context_venue=study.context_venue,
    )


def through_the_engine(study: RouteStudy, data: Data) -> pd.DataFrame:
    """One run of every agent through the event loop, beside the batched path on the same draws."""
    buckets = min(study.engine_steps + 1, len(data.panel))
    labels, context = data.panel.labels()[:buckets], study.contexts[-1]
    runs: dict[str, tuple[EngineRun, bool]] = {}
    for each in contestants(study):
        one = each.policy
        sampling = not isinstance(getattr(one, "inference", Exact()), Exact)
        if one.foresees or sampling or each.agent in runs:
            continue
        run = _replayed(study, data, one, context, buckets)
        draws = draws_of(one, labels.shape[1], buckets - 1, (study.first_seed,))[0]
        contexts = paths.contexts_of(draws[:, 0], labels.shape[1], mode=context, venue=study.context_venue)
        bits = paths.bits_of(labels, contexts, context=study.knows[0])
        choices, _ = paths.follow_batched(one, labels, contexts[None], bits[None], draws[None, :, 1:])
        runs[each.agent] = run, bool(np.array_equal(run.choices, choices[0]))
    return engine_table(runs)
