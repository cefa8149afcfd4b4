"""One scenario from end to end in ours and in PAMS: the same agents, arrivals and orders, on one continuous market.

In every step one agent acts: the one whom PAMS's own runner asks first. It withdraws what is left of its last order and
sends a limit order of 1 to 10 lots, up to 20 ticks on either side of the mid of the best prices (of the opening price
where a side is empty). Both engines therefore match the same orders, and the lots traded are equal. PAMS trades all
of a sweep at the price of its last match, which moves money and no lots.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from experiments.benchmarks.rounds import OURS, Prepare, Rate, Run, take_turns
from marketsim import Simulation
from marketsim.errors import ConfigError
from marketsim.protocols import Context
from marketsim.streams import Streams
from marketsim.types import Side, limit_order
from venues.clob import ContinuousBook

AGENTS, ORDERS = 100, 4_000
PAMS = "pams"
INTERPRETER = "MARKETSIM_PAMS_PYTHON"
"""The environment variable that names a Python which has PAMS; unset, this one is tried."""
_WORKER = Path(__file__).with_name("pams_worker.py")


@frozen
class Plan:
    """What happens at each step: who acts (an agent's number), the side (+1 or -1), ticks off the mid, lots."""

    agents: int
    sides: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    actors: tuple[int, ...] = ()
    seed: int = 1
    opening: int = 10_000


def plan(agents: int = AGENTS, orders: int = ORDERS, *, seed: int = 1) -> Plan:
    """All but who acts, which PAMS decides."""
    rng = Streams(seed).stream("pams")
    sides, offsets = 2 * rng.integers(0, 2, orders) - 1, rng.integers(-20, 21, orders)
    sizes = rng.integers(1, 11, orders)
    return Plan(agents, tuple(sides.tolist()), tuple(offsets.tolist()), tuple(sizes.tolist()), seed=seed)


@define
class Planned:
    """Our agent: acts at its own steps of the plan, of which `steps` has the next one last."""

    agent_id: str
    plan: Plan
    markets: tuple[str, ...]
    steps: list[int] = field(factory=list)

    def start(self, ctx: Context) -> None:
        self._sleep(ctx)

    def wake(self, ctx: Context) -> None:
        step = ctx.now
        market = self.markets[step % len(self.markets)]
        for order_id in list(ctx.open_orders):
            ctx.cancel(order_id)
        state = ctx.state(market)
        bid, ask = state.best_bid, state.best_ask
        mid = self.plan.opening if bid is None or ask is None else (bid + ask) // 2
        side = Side.BUY if self.plan.sides[step] > 0 else Side.SELL
        ctx.submit(limit_order(market, side, quantity=self.plan.sizes[step], price=mid + self.plan.offsets[step]))
        self._sleep(ctx)

    def _sleep(self, ctx: Context) -> None:
        if self.steps:
            ctx.wake_at(self.steps.pop())


def ours(shared: Plan, *, markets: tuple[str, ...] = ("X",)) -> Run:
    """Our engine: a run answers with the lots traded. Steps go through the `markets` in turn, of which PAMS has one."""
    agents = [Planned(f"agent-{number}", shared, markets) for number in range(shared.agents)]
    for step in reversed(range(len(shared.actors))):
        agents[shared.actors[step]].steps.append(step)
    simulation = Simulation(venues={"book": ContinuousBook(markets)}, agents=agents)

    def run(_first: int, last: int) -> int:
        return int(simulation.run(last).fills.columns()["quantity"].sum()) // 2

    return run


class Worker:
    """PAMS in an interpreter of its own; `seconds` is the CPU time of all its runs so far."""

    def __init__(self, process: subprocess.Popen[str], python: str) -> None:
        self._process = process
        self._python = python
        self.seconds = 0.0
        self.versions: dict[str, str] = {}

    def ask(self, question: Any) -> dict[str, Any]:
        """Send one line, and wait for the answer.

        Raises:
            ConfigError: the worker ended instead, as it does where PAMS cannot be imported.
        """
        to, back = self._process.stdin, self._process.stdout
        line = ""
        if to is not None and back is not None:
            try:
                to.write(json.dumps(question) + "\n")
                to.flush()
            except BrokenPipeError:  # it ended before it read: the empty answer says so
                pass
            line = back.readline()
        if not line:
            raise ConfigError(
                f"{self._python} cannot run PAMS: {self._last_words()}; "
                f"set {INTERPRETER} to a Python that has pams==0.3.0"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, _first: int, _last: int) -> int:
        """One whole run: the lots traded."""
        answer = self.ask(None)
        self.seconds += answer["seconds"]
        return int(answer["volume"])

    def _last_words(self) -> str:
        said = self._process.stderr.read().strip() if self._process.stderr is not None else ""
        return said.splitlines()[-1] if said else "it ended without a word"


@contextmanager
def worker(shared: Plan, *, python: str | None = None) -> Iterator[tuple[Worker, Plan]]:
    """PAMS at work on a plan, and the plan with the agents who act in its first run.

    Args:
        python: the interpreter; None: the one that `INTERPRETER` names, or else this one.

    Raises:
        ConfigError: the interpreter does not start, or has no PAMS.
    """
    chosen = python or os.environ.get(INTERPRETER) or sys.executable
    try:
        process = subprocess.Popen(  # noqa: S603 the user's own interpreter, our own script
            [chosen, "-I", "-B", str(_WORKER)],  # isolated: else `pams` would be the file next to the script
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"{INTERPRETER}: {chosen} cannot be started: {error}") from error
    with process:
        try:
            started = Worker(process, chosen)
            started.versions = started.ask(asdict(shared))
            yield started, evolve(shared, actors=tuple(started.ask(None)["actors"]))
        finally:
            if process.stdin is not None:
                process.stdin.close()


def measure(*, rounds: int = 5, agents: int = AGENTS, orders: int = ORDERS) -> list[Rate]:
    """Orders per CPU second, end to end: agents, engine, book and records; withdrawals are not counted.

    Raises:
        ConfigError: no interpreter with PAMS.
    """
    with worker(plan(agents, orders)) as (pams, shared):
        contestants: dict[str, Prepare] = {OURS: partial(ours, shared), PAMS: lambda: pams.run}
        # PAMS's time passes in another process, and is told by it.
        clock = lambda: process_time() + pams.seconds  # noqa: E731
        return take_turns(contestants, length=orders, turn=orders, rounds=rounds, clock=clock)
