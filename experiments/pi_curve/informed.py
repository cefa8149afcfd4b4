"""The agents of the populations of belief traders: what each of them knows, assumes and may spend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

import numpy as np
from attrs import frozen

from agents.aggregated import AggregatedEvidenceTrader, cosine_weights
from agents.background import Momentum, ZeroIntelligence
from agents.belief import ScalarBelief
from agents.bootstrap import BootstrapLadder
from agents.capital import CapitalRule
from agents.edge import EdgeTrading
from agents.factor_belief import FactorBelief
from agents.flow import NoiseTrader
from agents.gaussian import GaussianTrader
from agents.joint_factor import JointFactorTrader
from agents.market_maker import EndogenousSpread
from experiments.pi_curve.config import Study
from experiments.pi_curve.settings import Informed
from experiments.pi_curve.worlds import BuiltWorld
from marketsim.registry import load
from marketsim.streams import Streams

# A venue that opens at the truth leaves nothing to doubt; a prior needs a finite precision all the same.
_SURE = 1e-4


def informed_agents(
    study: Study, population: Informed, world: BuiltWorld, streams: Streams, *, pool: bool
) -> list[Any]:
    """Ladder and liquidity providers (neither beside a pool), then everybody who trades with them."""
    build = _Builder(study, population, world, streams, pool)
    # Providers come first, so that under `ties="list"` their quotes arrive before orders of the same instant, as where
    # a provider acts on the venue directly. Everybody decides before anything arrives.
    makers = [] if pool else [build.ladder(), *map(build.maker, range(1, population.lps + 1))]
    return [*makers, *traders(study, population, world, streams, pool=pool)]


def traders(study: Study, population: Informed, world: BuiltWorld, streams: Streams, *, pool: bool) -> list[Any]:
    """Belief traders, noise and background flow."""
    build = _Builder(study, population, world, streams, pool)
    kinds: list[tuple[Callable[[int], Any], int]] = [
        (build.naive, population.naive),
        (build.tail_aware, population.tail_aware),
        (build.aggregated, population.aggregated),
        (build.joint_factor, population.joint_factor),
        (build.noise, population.noise),
        (build.momentum, population.momentum),
        (build.zero_intelligence, population.zero_intelligence),
    ]
    return [make(number) for make, count in kinds for number in range(1, count + 1)]


@frozen
class _Builder:
    study: Study
    population: Informed
    world: BuiltWorld
    streams: Streams
    pool: bool

    @property
    def markets(self) -> tuple[str, ...]:
        return self.world.fair_value.markets

    @property
    def calibrated(self) -> bool:
        return self.population.information == "calibrated"

    def ladder(self) -> BootstrapLadder:
        return BootstrapLadder(
            "bootstrap",
            self.world.anchors,
            quantity=self._lots(self.population.ladder_size),
            levels=self.population.ladder_levels,
            step=self.population.ladder_step,
        )

    def maker(self, number: int) -> Any:
        wants = self.population
        spread = wants.lp_half_spread
        return load("agents", wants.maker)(
            f"lp-{number}",
            self._beliefs(self._opening(), wants.lp_prior_precision),
            assumed_precision=self._assumed(wants.lp_assumed_precision),
            quantity=self._lots(max(2.0, self._trade_size())),
            budget=self._money(wants.lp_budget),
            half_spread=EndogenousSpread(spread) if wants.lp_spread == "endogenous" else spread,
            review_interval=wants.lp_requote,
            observation_delay=wants.lp_delay,
        )

    def naive(self, number: int) -> GaussianTrader:
        wants = self.population
        lowest = wants.naive_prior_precision - wants.naive_prior_range
        precisions = np.linspace(lowest, wants.naive_prior_precision, max(wants.naive, 2)).tolist()
        return GaussianTrader(
            f"naive-{number}",
            self._beliefs(self._opening(), precisions[number - 1] if wants.naive > 1 else wants.naive_prior_precision),
            self._trading(),
            assumed_precision=self._assumed(wants.naive_assumed_precision),
            review_interval=wants.review_interval,
            observation_delay=wants.slow,
        )

    def tail_aware(self, number: int) -> GaussianTrader:
        wants, fair = self.population, self.world.fair_value
        noise = self.streams.stream(f"prior:tail-aware-{number}").standard_normal(len(self.markets))
        means = {
            market: log(fair.at(market, 0)) + wants.tail_prior_sd * float(shift)
            for market, shift in zip(self.markets, noise, strict=True)
        }
        doubt = max(wants.tail_prior_sd, _SURE)
        return GaussianTrader(
            f"tail-aware-{number}",
            self._beliefs(means, wants.tail_prior_precision, doubt=doubt),
            self._trading(),
            review_interval=wants.review_interval,
            observation_delay=wants.fast,
        )

    def aggregated(self, number: int) -> AggregatedEvidenceTrader:
        wants = self.population
        return AggregatedEvidenceTrader(
            f"aggregated-{number}",
            self._beliefs(self._opening(), wants.aggregated_prior_precision),
            self._trading(),
            weights=cosine_weights(self._loadings(), drop_below=wants.aggregated_drop),
            assumed_precision=self._assumed(wants.aggregated_assumed_precision),
            foreign="deviation" if self.calibrated else "scaled-value",
            log_unit=-log(self.study.world.tick_size),
            review_interval=wants.review_interval,
            observation_delay=wants.slow,
        )

    def joint_factor(self, number: int) -> JointFactorTrader:
        wants, loadings = self.population, self._loadings()
        precision = wants.joint_prior_precision
        if self.calibrated:
            # The displacement of the opening prices, seen through the loadings.
            scale = float(np.mean([sum(weight * weight for weight in beta) for beta in loadings.values()]))
            precision = scale / max(self.study.world.displacement, _SURE) ** 2
        belief = FactorBelief(
            self._opening(),
            loadings,
            precision,
            process_variance=self.world.factor_variance,
            last_update=0 if self.calibrated else None,
        )
        return JointFactorTrader(
            f"joint-factor-{number}",
            belief,
            self._trading(),
            review_interval=wants.review_interval,
            observation_delay=wants.fast,
        )

    def noise(self, number: int) -> NoiseTrader:
        wants = self.population
        return NoiseTrader(
            f"noise-{number}",
            self.markets,
            self._capital(),
            quantity_mean=self._lots(max(0.8, wants.noise_size * self._trade_size())),
            jitter=wants.noise_jitter,
            arrival_rate=wants.noise_rate,
        )

    def momentum(self, number: int) -> Momentum:
        market = self.markets[(number - 1) % len(self.markets)]
        return Momentum(f"momentum-{number}", market, quantity=self._lots(self._trade_size()))

    def zero_intelligence(self, number: int) -> ZeroIntelligence:
        return ZeroIntelligence(f"zero-intelligence-{number}", self.markets, quantity=self._lots(self._trade_size()))

    def _trading(self) -> EdgeTrading:
        return EdgeTrading(
            self._capital(),
            self._lots(self._trade_size()),
            threshold=self.population.threshold,
            market_orders_only=self.pool,
        )

    def _capital(self) -> CapitalRule:
        rule: CapitalRule = load("capital", self.population.capital)(self._money(self.population.budget))
        return rule

    def _assumed(self, published: float) -> float | None:
        return None if self.calibrated else published

    def _opening(self) -> dict[str, float]:
        return {market: log(anchor) for market, anchor in self.world.anchors.items()}

    def _beliefs(
        self, means: Mapping[str, float], precision: float, *, doubt: float | None = None
    ) -> dict[str, ScalarBelief]:
        """One belief per market; calibrated ones doubt their prior by as much (a standard deviation) as it is off."""
        if not self.calibrated:
            published = self.study.world.walk_var
            return {market: ScalarBelief(mean, precision, process_variance=published) for market, mean in means.items()}
        off = max(self.study.world.displacement, _SURE) if doubt is None else doubt
        return {
            market: ScalarBelief(mean, off**-2, process_variance=self.world.process_variance[market], last_update=0)
            for market, mean in means.items()
        }

    def _loadings(self) -> dict[str, tuple[float, ...]]:
        return self.world.loadings

    def _trade_size(self) -> float:
        return self.population.trade_size(self.study.world.level)

    def _lots(self, size: float) -> int:
        return max(1, round(size / self.study.world.lot_size))

    def _money(self, amount: float) -> int:
        return round(amount / (self.study.world.tick_size * self.study.world.lot_size))
