"""The agents of one run, by population."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import Capital
from agents.flow import Investor, NoiseTrader
from agents.gaussian import GaussianTrader
from agents.market_maker import MarketMaker, NewsMaker
from agents.sniper import Sniper
from experiments.config import Informed, Snipers, Study
from experiments.worlds import BuiltWorld
from marketsim.streams import Streams


def build_agents(study: Study, world: BuiltWorld, streams: Streams) -> list[Any]:
    """The agents of the study's population; random priors come from streams named after the agent."""
    population = study.population
    if isinstance(population, Snipers):
        return _snipers(study, population, world)
    return _informed(study, population, world, streams)


def _informed(study: Study, population: Informed, world: BuiltWorld, streams: Streams) -> list[Any]:
    ladder = BootstrapLadder(
        "bootstrap",
        world.anchors,
        quantity=_lots(population.ladder_size, study.world.lot_size),
        levels=population.ladder_levels,
        step=population.ladder_step,
    )
    makers = [_market_maker(study, population, world)] if population.lp else []
    noise = [_noise_trader(study, population, world, name) for name in _names("noise", population.noise)]
    return [ladder, *_belief_traders(study, population, world, streams), *noise, *makers]


def _belief_traders(study: Study, population: Informed, world: BuiltWorld, streams: Streams) -> list[GaussianTrader]:
    def trader(
        name: str, belief: dict[str, ScalarBelief], *, assumed_precision: float | None, observation_delay: int
    ) -> GaussianTrader:
        return GaussianTrader(
            name,
            belief,
            _capital(study, population),
            _lots(population.trade_size(study.world.level), study.world.lot_size),
            assumed_precision=assumed_precision,
            threshold=population.threshold,
            review_interval=population.review_interval,
            observation_delay=observation_delay,
        )

    traders = [
        trader(
            name,
            _beliefs(world, _opening(world), population.naive_prior_precision),
            assumed_precision=population.naive_assumed_precision,
            observation_delay=population.slow,
        )
        for name in _names("naive", population.naive)
    ]
    for name in _names("tail-aware", population.tail_aware):
        noise = streams.stream(f"prior:{name}").standard_normal(len(world.fair_value.markets))
        means = {
            market: log(world.fair_value.at(market, 0)) + population.tail_prior_sd * float(shift)
            for market, shift in zip(world.fair_value.markets, noise, strict=True)
        }
        belief = _beliefs(world, means, population.tail_prior_precision)
        traders.append(trader(name, belief, assumed_precision=None, observation_delay=population.fast))
    return traders


def _noise_trader(study: Study, population: Informed, world: BuiltWorld, name: str) -> NoiseTrader:
    size = max(0.8, population.noise_size * population.trade_size(study.world.level))
    return NoiseTrader(
        name,
        world.fair_value.markets,
        _capital(study, population),
        quantity_mean=_lots(size, study.world.lot_size),
        jitter=population.noise_jitter,
        arrival_rate=population.noise_rate,
    )


def _market_maker(study: Study, population: Informed, world: BuiltWorld) -> MarketMaker:
    return MarketMaker(
        "lp",
        _beliefs(world, _opening(world), population.lp_prior_precision),
        assumed_precision=population.lp_assumed_precision,
        quantity=_lots(max(2.0, population.trade_size(study.world.level)), study.world.lot_size),
        budget=round(population.lp_budget / _money(study)),
        half_spread=population.lp_half_spread,
        review_interval=population.lp_requote,
        observation_delay=population.lp_delay,
    )


def _money(study: Study) -> float:
    """What one tick-lot is worth."""
    return study.world.tick_size * study.world.lot_size


def _capital(study: Study, population: Informed) -> Capital:
    return Capital(round(population.budget / _money(study)))


def _opening(world: BuiltWorld) -> dict[str, float]:
    return {market: log(anchor) for market, anchor in world.anchors.items()}


def _beliefs(world: BuiltWorld, means: Mapping[str, float], precision: float) -> dict[str, ScalarBelief]:
    return {
        market: ScalarBelief(mean, precision, process_variance=world.process_variance[market])
        for market, mean in means.items()
    }


def _snipers(study: Study, population: Snipers, world: BuiltWorld) -> list[Any]:
    half_spread = population.half_spread / study.world.tick_size
    agents: list[Any] = []
    for market in world.fair_value.markets:
        opening = world.fair_value.at(market, 0)
        named = _name_in(market, len(world.fair_value.markets))
        agents += [
            NewsMaker(
                named(name),
                market,
                opening,
                half_spread,
                quantity=population.size,
                observation_delay=population.lp_delay,
            )
            for name in _names("lp", population.lps)
        ]
        # A sniper who is alone needs to bid no more than the stale quote; competitors bid the value.
        limit = "quote" if population.snipers == 1 else "value"
        agents += [
            Sniper(
                named(name),
                market,
                quantity=population.size,
                limit=limit,
                observation_delay=population.sniper_delay,
            )
            for name in _names("sniper", population.snipers)
        ]
        if population.investor_rate > 0:
            agents.append(
                Investor(named("investor"), market, quantity=population.size, arrival_rate=population.investor_rate)
            )
    return agents


def _names(role: str, count: int) -> list[str]:
    return [f"{role}-{number}" for number in range(1, count + 1)]


def _name_in(market: str, markets: int) -> Callable[[str], str]:
    return lambda name: name if markets == 1 else f"{name}@{market}"


def _lots(size: float, lot: float) -> int:
    return max(1, round(size / lot))
