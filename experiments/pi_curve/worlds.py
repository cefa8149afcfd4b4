"""The world of one run: truth, signals, opening prices. The same seed gives every mechanism the same one."""

from __future__ import annotations

from functools import lru_cache
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from experiments.pi_curve.config import Study
from experiments.pi_curve.settings import Informed, World
from marketsim.errors import ConfigError, refusal, shown
from marketsim.fairvalue import (
    ConstantFairValue,
    HistoricalPath,
    LatentFactorWalk,
    OrnsteinUhlenbeck,
    PoissonJumps,
    ProbabilityMartingale,
)
from marketsim.information import Combined, PoissonSignals, PublicNews
from marketsim.protocols import FairValue, InformationProcess, Source
from marketsim.resolution import UntilResolution, resolution
from marketsim.streams import Streams
from marketsim.table_files import read_header
from marketsim.tape import TradeTape, read_trades


@frozen
class BuiltWorld:
    """A truth in ticks, its information process, the venues' opening prices, and how fast each market's truth moves.

    Attributes:
        anchors: opening price by market, ticks: the truth at 0, displaced.
        process_variance: variance of the log price per step, by market.
        loadings: of every market's log price on the common factors; without common factors, each market has its own.
        factor_variance: variance of every factor per step.
        sources: of events besides signals: the resolution of an event.
    """

    fair_value: FairValue
    information: InformationProcess
    anchors: dict[str, float]
    process_variance: dict[str, float]
    loadings: dict[str, tuple[float, ...]]
    factor_variance: float
    sources: tuple[Source, ...] = ()


def build_world(study: Study, streams: Streams) -> BuiltWorld:
    """Draw the world of one seed from the streams "world" and "anchor"."""
    world = study.world
    fair = _fair_value(world, study.horizon, streams.stream("world"))
    noise = streams.stream("anchor").standard_normal(len(fair.markets))
    anchors = {
        market: fair.at(market, 0) * (1.0 + world.displacement * float(shift))
        for market, shift in zip(fair.markets, noise, strict=True)
    }
    signals = PoissonSignals(
        routine_rate=study.signals.routine_rate,
        tail_rate=study.signals.tail_rate,
        routine_sigma=study.signals.routine_sigma,
        tail_sigma=study.signals.tail_sigma,
        time_unit=world.time_unit,
        mode=study.signals.mode,
    )
    information: InformationProcess = signals
    if world.kind in {"jumps", "event"}:
        information = Combined((PublicNews(), signals))
    variance = _process_variance(world, fair)
    loadings = _loadings(fair)
    own = next(iter(variance.values()))
    return BuiltWorld(
        fair,
        UntilResolution(information) if world.kind == "event" else information,
        anchors,
        variance,
        loadings,
        world.walk_var if world.kind == "latent-factor" else own,
        (resolution(fair),) if world.kind == "event" else (),
    )


def _loadings(fair: Any) -> dict[str, tuple[float, ...]]:
    known = getattr(fair, "loadings", np.eye(len(fair.markets)))
    return {market: tuple(row) for market, row in zip(fair.markets, known.tolist(), strict=True)}


def on_recorded_prices(study: Study, world: World) -> Study:
    """The study on the recorded trades that `world` names: over all of their time, with budgets that buy as much."""
    path = HistoricalPath.from_tapes({"recorded": _tape(world)}, step=world.step, tick_size=world.tick_size)
    level = path.at("recorded", 0) * world.tick_size
    population = study.population
    if not isinstance(population, Informed):
        raise ConfigError("recorded prices carry no news to snipe on: take a configuration with lp_vs_informed")
    scale = level / study.world.level
    population = evolve(population, budget=population.budget * scale, lp_budget=population.lp_budget * scale)
    return evolve(
        study,
        title=f"Belief traders and a stale liquidity provider on recorded prices ({Path(world.path).name})",
        horizon=path.horizon,
        world=evolve(world, level=level),
        population=population,
    )


def _fair_value(world: World, horizon: int, rng: np.random.Generator) -> Any:
    level = world.level / world.tick_size
    markets = tuple(f"market-{number}" for number in range(1, world.n_markets + 1))
    if world.kind == "latent-factor":
        return LatentFactorWalk.draw(
            rng,
            horizon,
            markets,
            n_factors=world.n_factors,
            level=world.level,
            tick_size=world.tick_size,
            walk_var=world.walk_var,
        )
    if world.kind == "jumps":
        rate, size = world.jump_rate / world.time_unit, world.jump_size / world.tick_size
        return PoissonJumps.draw(rng, horizon, dict.fromkeys(markets, level), jumps_per_step=rate, size=size)
    if world.kind == "event":
        return ProbabilityMartingale.draw(
            rng,
            horizon,
            {"yes": world.prior, "no": 1.0 - world.prior},
            news_per_step=world.jump_rate / world.time_unit,
            accuracy=world.accuracy,
            payout=round(level),
        )
    if world.kind == "ornstein-uhlenbeck":
        return OrnsteinUhlenbeck.draw(
            rng,
            horizon,
            dict.fromkeys(markets, level),
            mean_reversion=world.reversion,
            volatility=world.log_sd * sqrt(2 * world.reversion),
            stationary_start=True,
        )
    if world.kind == "historical":
        tapes = {"recorded": _tape(world)}
        return HistoricalPath.from_tapes(tapes, step=world.step, tick_size=world.tick_size, horizon=horizon)
    return ConstantFairValue(dict.fromkeys(markets, level))


def _process_variance(world: World, fair: Any) -> dict[str, float]:
    if world.kind == "latent-factor":
        return dict(zip(fair.markets, fair.market_walk_var.tolist(), strict=True))
    if world.kind == "jumps":
        rate = world.jump_rate / world.time_unit
        return dict.fromkeys(fair.markets, rate * (world.jump_size / world.level) ** 2)
    if world.kind == "event":
        # Of a market at even odds; it falls as the price leaves them.
        step = log(world.accuracy / (1 - world.accuracy)) / 2
        return dict.fromkeys(fair.markets, world.jump_rate / world.time_unit * step**2)
    if world.kind == "ornstein-uhlenbeck":
        return dict.fromkeys(fair.markets, 2 * world.reversion * world.log_sd**2)
    if world.kind == "historical":
        # What an agent assumes of the path must not come from the path: it has not happened yet.
        return dict.fromkeys(fair.markets, world.walk_var)
    return dict.fromkeys(fair.markets, 0.0)


def _tape(world: World) -> TradeTape:
    if not world.path:
        raise ConfigError(refusal("world.path", "none", "a file of trades, for a historical world"))
    where = tuple(sorted(world.where.items()))
    return _read(str(Path(world.path).resolve()), world.price_column, world.time_column, where)


@lru_cache(maxsize=4)  # every cell of a study reads the same file
def _read(path: str, price: str, time: str, where: tuple[tuple[str, str], ...]) -> TradeTape:
    return read_trades(path, time=time or _time_column(path), price=price, where=dict(where))


def _time_column(path: str) -> str:
    columns = read_header(path)
    named = [column for column in columns if "time" in column.lower()]
    if named:
        return named[0]
    got = f"no column with time in its name among {shown(', '.join(columns), str)}"
    raise ConfigError(refusal(path, got, "one, or world.time_column to say which column holds the time"))
