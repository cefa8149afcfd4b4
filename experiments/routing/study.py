"""The batched routing experiment: every agent on every window, all seeds of a batch at once.

A run is one seed of one agent in one window. Its uniforms are those that `agents.routing.router.Router` draws in the
engine at the same seed, so that both decide alike. Of the steps only cumulative statistics are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from attrs import field, frozen
from joblib import Parallel, delayed
from numpy.typing import NDArray

from agents.routing import paths
from agents.routing.catalogue import POLICIES, policy
from agents.routing.policy import Policy
from experiments.routing.buckets import Panel, panel
from experiments.routing.config import OWN, SYNTHETIC, RouteStudy
from experiments.routing.synthetic import synthetic
from experiments.routing.tapes import Tapes, read_folder
from marketsim.errors import ConfigError, InputError
from marketsim.streams import Streams

Clock = Callable[[], float]
"""Seconds from some fixed moment."""
Floats = NDArray[np.float64]

ROUTER = "router"
"""The agent id in the engine: its stream of draws is named by it."""
DRAWS_BYTES_MAX = 2**28
"""Uniforms held for one batch of seeds. What a batch needs in all is about six times this."""
RECORDED = 500
"""Steps at which a curve is kept."""
KEYS = ["agent", "information", "control", "context", "knows"]
SHUFFLED = "shuffled rows"
ORDERS = 19
"""Random orders of the rows in the control: a tape beyond all of them is so by chance in one case of 20."""
NO_LEARNING = ("chance", "one-venue", "oracle")
_RULED = ("ising", "ising-biases")


@frozen(eq=False)
class Data:
    """What is studied: trades, their buckets, and labels (T, n)."""

    tapes: Tapes
    panel: Panel
    labels: NDArray[np.int8] = field(repr=False)


@frozen(eq=False)
class Window:
    """Successive buckets: labels (rows, n), prices (rows, n). Shuffled rows have an `order` above 0, and no prices."""

    number: int
    labels: NDArray[np.int8] = field(repr=False)
    prices: Floats | None = field(repr=False)
    order: int = 0


@frozen
class Contestant:
    """A policy with the name and the information that a table shows."""

    agent: str
    policy: Policy

    @property
    def information(self) -> str:
        """What it learns from; nothing for yardsticks."""
        return "none" if self.agent in NO_LEARNING else self.policy.learns_from


@frozen
class Task:
    """One batch of seeds of one agent in one window."""

    contestant: Contestant
    window: Window
    control: str
    context: str
    knows: str
    seeds: tuple[int, ...]
    size: int
    """Seeds that the compiled program takes; a shorter batch is filled up and the surplus dropped."""


@frozen(eq=False)
class Outcome:
    """Results of one task: a row per seed, sums over seeds of the recorded regret and its square, mean parameters."""

    rows: list[dict[str, Any]]
    sums: Floats
    squares: Floats
    theta: Floats | None
    seconds: float


@frozen(eq=False)
class Results:
    """What a study found.

    Args:
        cells: a row per agent, information, control, context, knows, window, `order` (of the rows; 0 as they came) and
            seed: `steps`, `regret` (2 per miss), `hit_rate`, `shortfall` (mean over fills of the best price that could
            be had at the same moment less the price got, price units), `given_up` (the same at the close of the bucket
            that was decided for), `unfilled`.
        curves: mean cumulative regret and its standard error over seeds (of the control: over orders and seeds), at
            recorded steps, by window.
        theta: mean parameters at the end over the seeds of the last window, by Ising agent and context.
        seconds: by agent, information, control, context and knows, of all batches, compilation included.
    """

    cells: pd.DataFrame
    curves: pd.DataFrame
    theta: dict[tuple[str, str, str, str], Floats]
    seconds: pd.DataFrame


def load_data(study: RouteStudy) -> Data:
    """Read or make the trades and cut them into labelled buckets.

    Raises:
        InputError: data that cannot be read, or too few buckets for the windows and steps asked for.
    """
    made = study.data == SYNTHETIC
    tapes = synthetic(study.made, study.made_seed).tapes if made else read_folder(study.data)
    start, end = tapes.window()
    cut = panel(tapes.trades, width=study.width_ms or tapes.sources.width_ms, start=start, end=end)
    draws = Streams(study.made_seed).stream("ties").random(len(cut)) if study.ties == "draw" else None
    labels = cut.labels("draw", draws) if study.ties == "draw" else cut.labels("shared")
    if study.context_venue >= len(cut.venues):
        raise ConfigError(f"context_venue: got {study.context_venue}, wanted an index below {len(cut.venues)}")
    return Data(tapes, cut, labels)


def windows_of(study: RouteStudy, data: Data) -> list[Window]:
    """Windows of equal length, without overlap: `windows` of them, of `steps` + 1 rows where steps are given."""
    room = len(data.labels) // study.windows
    rows = study.steps + 1 if study.steps else room
    if rows > room or rows < 2:
        got = f"{len(data.labels)} buckets for {study.windows} windows of {rows}"
        raise InputError(f"{study.data}: got {got}, wanted as many as the windows and steps ask for, and at least 2")
    spans = [slice(k * room, k * room + rows) for k in range(study.windows)]
    return [Window(k, data.labels[span], data.panel.prices[span]) for k, span in enumerate(spans)]


def contestants(study: RouteStudy) -> list[Contestant]:
    """Every agent at every information asked for, each once."""
    found: dict[tuple[str, str], Contestant] = {}
    for agent in study.agents or tuple(POLICIES):
        for level in study.information:
            options: dict[str, Any] = {}
            if agent.startswith("ising"):
                options["inference"] = study.inference
            if agent in _RULED:
                options["rule"] = study.rule
            if level != OWN and agent not in NO_LEARNING:
                options["learns_from"] = level
            one = Contestant(agent, policy(agent, **options))
            found.setdefault((agent, one.information), one)
    return list(found.values())


def draws_of(policy_: Policy, n: int, steps: int, seeds: tuple[int, ...]) -> Floats:
    """Uniforms (seeds, steps, 1 + n_draws): of each step the first is for the context venue, as in the engine."""
    shape = (steps, 1 + policy_.n_draws(n))
    return np.stack([Streams(seed).stream(f"agent:{ROUTER}").random(shape) for seed in seeds])


def tasks_of(study: RouteStudy, windows: list[Window]) -> list[Task]:
    """All batches, in the order of the results."""
    parts = [("", windows, study.seeds)]
    if study.control_seeds:
        shuffled = [_shuffled(window, study.made_seed, order) for order in range(1, ORDERS + 1) for window in windows]
        parts.append((SHUFFLED, shuffled, min(study.control_seeds, study.seeds)))
    return [
        Task(one, window, control, context, knows, seeds, size)
        for control, several, count in parts
        for knows in study.knows
        for context in study.contexts
        for one in contestants(study)
        for window in several
        for seeds, size in _batches(study, count, _room(one.policy, window.labels))
    ]


def run_study(
    study: RouteStudy, data: Data, *, jobs: int = 1, advance: Callable[[int], None] | None = None, clock: Clock
) -> Results:
    """Follow every agent through every window. The results do not depend on `jobs`.

    Args:
        jobs: threads; XLA runs without the interpreter's lock.
        advance: told the number of seeds after every batch.
        clock: for the seconds that are reported.

    Raises:
        ConfigError: JAX, or THRML where it is asked for, is not installed.
    """
    tasks = tasks_of(study, windows_of(study, data))
    outcomes: list[Outcome] = []
    for task, outcome in zip(tasks, _outcomes(study, tasks, jobs, clock), strict=True):
        outcomes.append(outcome)
        if advance is not None:
            advance(len(task.seeds))
    cells = pd.DataFrame([row for outcome in outcomes for row in outcome.rows])
    return Results(cells, _curves(tasks, outcomes), _thetas(tasks, outcomes), _seconds(tasks, outcomes))


def _outcomes(study: RouteStudy, tasks: list[Task], jobs: int, clock: Clock) -> Iterator[Outcome]:
    if jobs == 1:
        return (run_task(study, task, clock) for task in tasks)
    calls = (delayed(run_task)(study, task, clock) for task in tasks)
    found: Iterator[Outcome] = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")(calls)
    return found


def run_task(study: RouteStudy, task: Task, clock: Clock) -> Outcome:
    """Run one batch of seeds and reduce it to its statistics."""
    begin = clock()
    one, labels = task.contestant.policy, task.window.labels
    n, steps, kept = labels.shape[1], len(labels) - 1, len(task.seeds)
    seeds = tuple(task.seeds[0] + k for k in range(task.size))
    draws = draws_of(one, n, steps, seeds)
    contexts = paths.contexts_of(draws[:, :, 0], n, mode=task.context, venue=study.context_venue)
    bits = paths.bits_of(labels, contexts, context=task.knows)
    choices, state = paths.follow_batched(one, labels, contexts, bits, draws[:, :, 1:])
    contexts, choices = contexts[:kept], choices[:kept]
    rows, cumulative = measure(task.window, contexts, choices, one)
    theta = getattr(state, "theta", None)
    where = {**_keys(task), "window": task.window.number, "order": task.window.order}
    labelled = [where | {"seed": seed} for seed in task.seeds]
    return Outcome(
        [label | row for label, row in zip(labelled, rows, strict=True)],
        cumulative.sum(axis=0),
        (cumulative**2).sum(axis=0),
        None if theta is None else theta[:kept].mean(axis=0),
        clock() - begin,
    )


def measure(window: Window, contexts: Any, choices: Any, one: Policy) -> tuple[list[dict[str, Any]], Floats]:
    """The measures of each run, and its cumulative regret at the recorded steps (runs, recorded).

    Args:
        window: of `rows` rows.
        contexts, choices: venues (runs, rows - 1).
        one: says whether the context venue could be chosen.
    """
    allowed, labels = one.may_choose_context, window.labels
    steps = np.arange(len(labels) - 1)
    regrets = paths.regrets(labels, contexts, choices, may_choose_context=allowed)
    hits = (labels[1:][steps, choices] > 0).mean(axis=1)
    total = regrets.cumsum(axis=1, dtype=np.int64)
    columns: dict[str, Floats] = {"regret": total[:, -1], "hit_rate": hits}
    if window.prices is not None:
        now, close = (lost(rows, contexts, choices, allowed) for rows in (window.prices[:-1], window.prices[1:]))
        columns |= {
            "shortfall": _mean(now),
            "given_up": _mean(close),
            "unfilled": np.isnan(window.prices[:-1][steps, choices]).sum(axis=1),
        }
    rows = [
        {"steps": len(steps)} | {name: values[run].item() for name, values in columns.items()}
        for run in range(len(choices))
    ]
    return rows, total[:, recorded(len(steps)) - 1].astype(np.float64)


def lost(prices: Floats, contexts: Any, choices: Any, may_choose_context: bool) -> Floats:
    """The best price among venues that may be chosen, less the chosen one's; nan where the chosen one has none.

    Args:
        prices: (steps, n); nan without a price.
        contexts, choices: venues (runs, steps).
    """
    steps, n = np.arange(len(prices)), prices.shape[1]
    known = np.where(np.isnan(prices), -np.inf, prices)
    others = np.stack([np.delete(known, venue, axis=1).max(axis=1) for venue in range(n)], axis=1)
    best = known.max(axis=1) if may_choose_context else others[steps, contexts]
    answer: Floats = best - prices[steps, choices]
    return answer


def recorded(steps: int) -> NDArray[np.int64]:
    """At most `RECORDED` step counts from 1 to `steps`, evenly spread, both ends included."""
    return np.unique(np.linspace(1, steps, min(steps, RECORDED)).round().astype(np.int64))


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    totals = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, totals / np.maximum(count, 1), np.nan)


def _shuffled(window: Window, seed: int, order: int) -> Window:
    rows = Streams(seed).stream(f"shuffle:{window.number}:{order}").permutation(len(window.labels))
    return Window(window.number, window.labels[rows], None, order)


def _room(one: Policy, labels: NDArray[np.int8]) -> int:
    rows, n = labels.shape
    return max(1, int(DRAWS_BYTES_MAX // (8 * rows * (1 + one.n_draws(n)))))


def _batches(study: RouteStudy, count: int, room: int) -> list[tuple[tuple[int, ...], int]]:
    first, size = study.first_seed, -(-study.seeds // -(-study.seeds // room))
    # A few seeds run faster in a program for many than another one compiles; far fewer do not.
    size = size if 2 * count >= size else count
    starts = range(first, first + count, size)
    return [(tuple(range(start, min(start + size, first + count))), size) for start in starts]


def _keys(task: Task) -> dict[str, str]:
    one = task.contestant
    return dict(zip(KEYS, (one.agent, one.information, task.control, task.context, task.knows), strict=True))


def _grouped(tasks: list[Task], outcomes: list[Outcome], *, by_window: bool) -> dict[Any, list[tuple[Task, Outcome]]]:
    groups: dict[Any, list[tuple[Task, Outcome]]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        key = (*_keys(task).values(), task.window.number if by_window else 0)
        groups.setdefault(key, []).append((task, outcome))
    return groups


def _curves(tasks: list[Task], outcomes: list[Outcome]) -> pd.DataFrame:
    tables = []
    for key, group in _grouped(tasks, outcomes, by_window=True).items():
        count = sum(len(task.seeds) for task, _ in group)
        mean = np.sum([outcome.sums for _, outcome in group], axis=0) / count
        squares = np.sum([outcome.squares for _, outcome in group], axis=0)
        variance = np.maximum(squares - count * mean**2, 0.0) / max(count - 1, 1)
        error = np.sqrt(variance / count) if count > 1 else np.full(len(mean), np.nan)
        labels = dict(zip([*KEYS, "window"], key, strict=True))
        step = recorded(len(group[0][0].window.labels) - 1)
        tables.append(pd.DataFrame(labels | {"step": step, "mean": mean, "se": error}))
    return pd.concat(tables, ignore_index=True)


def _thetas(tasks: list[Task], outcomes: list[Outcome]) -> dict[tuple[str, str, str, str], Floats]:
    last = max(task.window.number for task in tasks)
    sums: dict[tuple[str, str, str, str], tuple[Floats, int]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        if outcome.theta is None or task.control or task.window.number != last:
            continue
        key = (task.contestant.agent, task.contestant.information, task.context, task.knows)
        total, count = sums.get(key, (np.zeros_like(outcome.theta), 0))
        sums[key] = (total + len(task.seeds) * outcome.theta, count + len(task.seeds))
    return {key: total / count for key, (total, count) in sums.items()}


def _seconds(tasks: list[Task], outcomes: list[Outcome]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            dict(zip(KEYS, key, strict=False)) | {"seconds": sum(outcome.seconds for _, outcome in group)}
            for key, group in _grouped(tasks, outcomes, by_window=False).items()
        ]
    )
