"""The agents of one run, by population."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.flow import Investor
from agents.market_maker import NewsMaker
from agents.sniper import Sniper
from experiments.pi_curve.config import Study
from experiments.pi_curve.informed import informed_agents, traders
from experiments.pi_curve.mechanisms import POOLS
from experiments.pi_curve.settings import Snipers
from experiments.pi_curve.worlds import BuiltWorld
from marketsim.streams import Streams


def build_agents(study: Study, world: BuiltWorld, streams: Streams, mechanism: str) -> list[Any]:
    """The agents of the study's population; random priors come from streams named after the agent.

    A pool takes no limit orders: there the pool itself provides the liquidity, and everybody else sends market orders.
    """
    pool = mechanism in POOLS
    if isinstance(study.population, Snipers):
        beside = study.population.beside
        others = [] if beside is None else traders(study, beside, world, streams, pool=pool)
        return [*_snipers(study, study.population, world, mechanism), *others]
    return informed_agents(study, study.population, world, streams, pool=pool)


def _snipers(study: Study, population: Snipers, world: BuiltWorld, mechanism: str) -> list[Any]:
    pool = mechanism in POOLS
    half_spread = population.half_spread / study.world.tick_size
    agents: list[Any] = []
    # All snipers want the same of a pool, and its price answers the first of them: one stands for all. Outcomes of one
    # event have one price between them, so that a scoring rule has one sniper in one market.
    snipers = min(1, population.snipers) if pool else population.snipers
    quantity = _demanded(study, population, mechanism)
    highest = round(study.world.level / study.world.tick_size) if study.world.kind == "event" else None
    for place, market in enumerate(world.fair_value.markets):
        opening = world.fair_value.at(market, 0)
        named = _name_in(market, len(world.fair_value.markets))
        makers = [] if pool else _numbered("lp", population.lps)
        agents += [
            NewsMaker(
                named(name),
                market,
                opening,
                half_spread,
                quantity=population.size,
                highest=highest,
                observation_delay=population.lp_delay,
            )
            for name in makers
        ]
        # A sniper who is alone needs to bid no more than the stale quote; competitors bid the value.
        limit = "quote" if population.snipers == 1 else "value"
        agents += [
            Sniper(
                named(name),
                market,
                quantity=quantity,
                limit=limit,
                market_orders_only=pool,
                observation_delay=population.sniper_delay,
            )
            for name in _numbered("sniper", snipers if place == 0 or mechanism != "lmsr" else 0)
        ]
        if population.investor_rate > 0:
            agents.append(
                Investor(named("investor"), market, quantity=population.size, arrival_rate=population.investor_rate)
            )
    return agents


def _demanded(study: Study, population: Snipers, mechanism: str) -> int:
    """Lots that a sniper wants at most: of a pool more than ever pays, so that it moves the price all the way."""
    depth = {"lmsr": 10 * study.venue.liquidity, "constant-product": study.venue.pool_reserve}
    return max(1, round(depth[mechanism] / study.world.lot_size)) if mechanism in depth else population.size


def _numbered(role: str, count: int) -> list[str]:
    return [f"{role}-{number}" for number in range(1, count + 1)]


def _name_in(market: str, markets: int) -> Callable[[str], str]:
    return lambda name: name if markets == 1 else f"{name}@{market}"
