"""Runs PAMS, in whatever interpreter has it: a script that needs nothing of this project.

PAMS asks for numpy below 2, this project for numpy 2: the two do not share an environment. Standard input has one JSON
value a line: first the plan, then null for every run. Each is answered by one JSON value on standard output: the
interpreter's versions, then what a run did and how many CPU seconds it took.
"""

from __future__ import annotations

import gc
import json
import platform
import sys
from importlib import import_module
from time import process_time
from typing import Any


def agent_class(plan: dict[str, Any], actors: list[int]) -> type:
    """PAMS's agent for the plan; whoever acts notes its number in `actors`."""
    orders, agents = import_module("pams.order"), import_module("pams.agents")
    order_of, cancel_of, limit = orders.Order, orders.Cancel, orders.LIMIT_ORDER
    sides, offsets, sizes, opening = plan["sides"], plan["offsets"], plan["sizes"], plan["opening"]

    def submit_orders(self: Any, markets: list[Any]) -> list[Any]:
        market = markets[0]
        step = market.get_time()
        actors.append(self.agent_id)
        bid, ask = market.get_best_buy_price(), market.get_best_sell_price()
        mid = opening if bid is None or ask is None else int(bid + ask) // 2
        held = self.held
        self.held = order_of(self.agent_id, 0, sides[step] > 0, limit, sizes[step], price=float(mid + offsets[step]))
        return [cancel_of(held), self.held] if held is not None and held.volume else [self.held]

    return type("PlannedAgent", (agents.Agent,), {"held": None, "submit_orders": submit_orders})


def settings(plan: dict[str, Any]) -> dict[str, Any]:
    """PAMS's description of the scenario: one market, one agent asked at a step, no logger."""
    session = {
        "sessionName": "day",
        "iterationSteps": len(plan["sides"]),
        "withOrderPlacement": True,
        "withOrderExecution": True,
        "withPrint": False,
        "maxNormalOrders": 1,
    }
    agents = {"class": "PlannedAgent", "numAgents": plan["agents"], "markets": ["X"], "cashAmount": 0, "assetVolume": 0}
    return {
        "simulation": {"markets": ["X"], "agents": ["planned"], "sessions": [session]},
        "X": {"class": "Market", "tickSize": 1.0, "marketPrice": float(plan["opening"])},
        "planned": agents,
    }


def run_once(plan: dict[str, Any]) -> dict[str, Any]:
    """One run, set up outside its time: CPU seconds, lots traded, and who acted at each step."""
    actors: list[int] = []
    runner = import_module("pams.runners").SequentialRunner(settings=settings(plan))
    # The order in which agents are asked comes from this generator. The public `main` would also print.
    runner._prng.seed(plan["seed"])  # noqa: SLF001
    runner.class_register(agent_class(plan, actors))
    runner._setup()  # noqa: SLF001
    gc.collect()
    gc.freeze()
    start = process_time()
    runner._run()  # noqa: SLF001
    seconds = process_time() - start
    gc.unfreeze()
    volume = int(sum(runner.simulator.markets[0].get_executed_volumes()))
    return {"seconds": seconds, "volume": volume, "actors": actors}


def main() -> None:
    """Answer the lines of standard input."""
    numpy = import_module("numpy")
    versions = {"pams": import_module("pams.version").__version__, "numpy": numpy.__version__}
    plan: dict[str, Any] = {}
    for line in sys.stdin:
        if not plan:
            plan, answer = json.loads(line), {"python": platform.python_version()} | versions
        else:
            answer = run_once(plan)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
