"""What is measured of one run of a study: one row of its table.

Prices per lot, gains and costs are in money, volume in lots of size 1, times in steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from experiments.pi_curve.attribution import Legs, attributed, averages, transfers
from experiments.pi_curve.config import Study
from experiments.pi_curve.settings import Snipers
from marketsim.metrics import (
    convergence_time,
    exact_wealth,
    fair_marks,
    fair_paths,
    half_gaps,
    immediacy_rows,
    markouts,
    net_gains,
    price_discovery,
    public_prices,
    quote_ages,
    quoting_rows,
    spread_columns,
    trades,
    volume,
    weighted_mean,
)
from marketsim.result import Result

ROLES = ("lp", "informed", "sniper", "noise", "investor", "bootstrap", "background")
"""All roles of a study. A pool is its owner's, and its owner an "lp": beside agents that are, where there are any."""
PROVIDERS = ("lp", "bootstrap")
"""The roles that offer liquidity; everybody else pays the effective spread."""
IMMEDIATE = ("noise", "investor")
"""The roles that trade for reasons of their own, and want to trade at once."""

Columns = Mapping[str, npt.NDArray[Any]]


@frozen(eq=False)
class _Run:
    study: Study
    fills: Columns
    orders: Columns
    quotes: Columns
    fair: Any
    roles: dict[str, str]
    gains: npt.NDArray[np.float64]
    ages: npt.NDArray[np.int64]
    end: int
    pi: int
    price_scale: float
    money_scale: float

    def legs_of(self, *wanted: str) -> npt.NDArray[np.bool_]:
        return np.array([self.roles[owner] in wanted for owner in self.fills["owner"]], dtype=bool)

    def orders_of(self, *wanted: str) -> npt.NDArray[np.bool_]:
        return np.array([self.roles[owner] in wanted for owner in self.orders["owner"]], dtype=bool)


def measure(study: Study, result: Result, *, pi: int) -> dict[str, Any]:
    """Everything the study's table says of one run; `study` is the resolved one of its variant, `pi` 0 in a book."""
    lot, tick = study.world.lot_size, study.world.tick_size
    fills, orders = trades(result.fills), result.orders.columns()
    fair: Any = result.fair_value
    run = _Run(
        study=study,
        fills=fills,
        orders=orders,
        quotes=result.quotes.columns(),
        fair=fair,
        roles={account: _role(result, account) for account in result.ledger.cash},
        gains=net_gains(fills, fair, end=result.horizon),
        ages=quote_ages(fills, orders),
        end=result.horizon,
        pi=pi,
        price_scale=tick,
        money_scale=tick * lot,
    )
    fees = sum(result.ledger.fees.values()) * run.money_scale
    row: dict[str, Any] = {"fees": fees, "volume": volume(run.fills) * lot}
    row |= _gains(run) | _attribution(run) | _markouts(run) | _spreads(run) | _discovery(run) | _immediacy(run)
    row |= _quoting(run, result) | _sniping(run) | _wealth(run, result) | _fit(result)
    return row | {"events": result.events, "fill_log_hash": result.fills.digest()}


def _role(result: Result, account: str) -> str:
    return "lp" if account.startswith("pool:") else result.role(account)


def _gains(run: _Run) -> dict[str, float]:
    row: dict[str, float] = {}
    for role in ROLES:
        own = run.legs_of(role)
        row[f"{role}_pnl"] = float(run.gains[own].sum()) * run.money_scale
        row[f"{role}_fills"] = int(own.sum())
        row[f"{role}_lots"] = float(run.fills["quantity"][own].sum()) * run.study.world.lot_size
    row |= averages(row["lp_pnl"], row["lp_fills"], row["lp_lots"], end=run.end)
    late = run.fills["time"][run.legs_of("lp")] * 2 > run.end
    row["lp_second_half_share"] = float(late.mean()) if len(late) else float("nan")
    return row


def _attribution(run: _Run) -> dict[str, float]:
    legs = Legs(run.fills, run.gains * run.money_scale, run.ages, run.roles, ROLES)
    parts = attributed(legs, run.legs_of("lp"), lot_size=run.study.world.lot_size)
    return parts | transfers(legs, run.fair, end=run.end, money_scale=run.money_scale)


def _markouts(run: _Run) -> dict[str, float]:
    """Mean markout per lot of the LP's legs, and of the legs of everybody who does not provide liquidity."""
    row: dict[str, float] = {}
    horizons = run.study.markout_horizons
    marked, lots = markouts(run.fills, run.fair, horizons, end=run.end), run.fills["quantity"]
    for name, own in (("lp", run.legs_of("lp")), ("taker", ~run.legs_of(*PROVIDERS))):
        for place, horizon in enumerate(horizons):
            row[f"{name}_markout_{horizon}"] = _per_lot(marked[own, place], lots[own]) * run.price_scale
    return row


def _spreads(run: _Run) -> dict[str, float]:
    paying = ~run.legs_of(*PROVIDERS)
    legs = {name: column[paying] for name, column in run.fills.items()}
    paid = spread_columns(legs, horizon=run.study.realised_horizon, fair=run.fair, reference="fair", end=run.end)
    # Legs too near the end to have a later mark are left out of all three, so that effective = realised + impact.
    known = ~np.isnan(paid["realised"])
    parts = {"effective_spread": "effective", "realised_spread": "realised", "impact": "impact"}
    lots = paid["quantity"][known]
    return {name: _per_lot(paid[part][known], lots) * run.price_scale for name, part in parts.items()}


def _per_lot(values: npt.NDArray[np.float64], lots: npt.NDArray[Any]) -> float:
    known = ~np.isnan(values)
    return weighted_mean(values[known], lots[known])


def _discovery(run: _Run) -> dict[str, float]:
    # At the resolution of an event its markets close, and what did not happen is worth 0, which has no logarithm.
    end = min(run.end, getattr(run.fair, "resolves", run.end + 1) - 1)
    public = public_prices(run.quotes, run.fair.markets, end=end)
    truth = fair_paths(run.fair, run.fair.markets, end=end)
    found = price_discovery(public, truth, max_lag=min(run.study.max_lag, end))
    converged = float(convergence_time(public, truth))
    return {
        "discovery_lag": float(found.lag),
        "discovery_lag_at_bound": float(found.at_bound),
        "discovery_rms": float(found.rms),
        "convergence_time": converged,
        "converged_share": 0.0 if np.isnan(converged) else 1.0,
        **_half_gaps(run, public, truth),
    }


def _half_gaps(run: _Run, public: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> dict[str, float]:
    """How long half the gap of a jump stays open, and the share of gaps that stay open for good; nan without jumps.

    The time is nan where most gaps stay open: a mean over seeds then lacks the slowest, which the share tells.
    """
    jump_times = getattr(run.fair, "jump_times", None)
    if jump_times is None:
        return {"half_gap_time": float("nan"), "half_gap_never": float("nan")}
    found = half_gaps(public, truth, [jump_times.get(market, ()) for market in run.fair.markets])
    median = found.median if np.isfinite(found.median) else float("nan")
    return {"half_gap_time": float(median), "half_gap_never": float(found.never_share)}


def _fit(result: Result) -> dict[str, float]:
    """Mean normalised innovation squared by role and by agent; 1 for filters that fit, nan without signals.

    `nis_count_<agent>` is how many innovations the mean of the agent is over; `marketsim.metrics.nis_band` says how far
    from 1 such a mean may be. Agents without beliefs have no columns.
    """
    filters = {name: _filters(agent) for name, agent in result.agents.items()}
    row: dict[str, float] = {}
    for role in ("lp", "informed"):
        row[f"{role}_nis"], _ = _mean_nis(
            [own for name in filters if result.roles[name] == role for own in filters[name]]
        )
    for name, own in filters.items():
        if own:
            row[f"nis_{name}"], row[f"nis_count_{name}"] = _mean_nis(own)
    return row


def _filters(agent: Any) -> list[Any]:
    # The innovations of an agent's one filter, or of its beliefs one by one.
    if (whole := getattr(agent, "nis", None)) is not None:
        return [whole]
    return [belief.nis for belief in getattr(agent, "beliefs", {}).values()]


def _mean_nis(innovations: list[Any]) -> tuple[float, int]:
    count = sum(each.count for each in innovations)
    return (sum(each.total for each in innovations) / count if count else float("nan")), count


def _immediacy(run: _Run) -> dict[str, float]:
    groups = {"all": IMMEDIATE}
    paid = immediacy_rows(run.orders, run.fills, run.quotes, run.fair, run.roles, groups, end=run.end)["all"]
    wanted = paid["submitted"] - paid["cancelled"]
    shortfall = paid["shortfall"] + paid["fees"]
    return {
        "wait_mean": paid["wait_mean"],
        "immediacy_cost": paid["cost"] * run.price_scale,
        "execution_cost": paid["execution"] * run.price_scale,
        "delay_cost": paid["delay"] * run.price_scale,
        "delay_sd": paid["delay_sd"] * run.price_scale,
        "expired_share": paid["unfilled_share"],
        "shortfall": shortfall * run.money_scale,
        "shortfall_per_lot": shortfall / wanted * run.price_scale if wanted else float("nan"),
    }


def _quoting(run: _Run, result: Result) -> dict[str, float]:
    own = run.orders_of("lp")
    quoting = quoting_rows({name: column[own] for name, column in run.orders.items()}, run.roles, end=run.end)
    # Over all markets of every provider, those that it never quoted included; a provider of news makes one.
    markets = 1 if isinstance(run.study.population, Snipers) else len(run.fair.markets)
    wanted = sum(result.roles[name] == "lp" for name in result.agents) * markets
    return {"lp_two_sided": sum(row["two_sided"] for row in quoting) / wanted if wanted else float("nan")}


def _sniping(run: _Run) -> dict[str, float]:
    """How many jumps were left to themselves, after how many of them a sniper hit a stale quote, and what that cost.

    A jump is left to itself when no other one falls into the time in which quotes can be stale and a batch pending, and
    no investor takes part in the batch that the snipers join or in the one before: there, and only there, the sniping
    probability min(1, delta / pi) is exact.
    """
    jump_times, population = getattr(run.fair, "jump_times", None), run.study.population
    if jump_times is None or not isinstance(population, Snipers):
        return {}
    pi = max(run.pi, 1)
    window = population.lp_delay + pi
    provided = _stale_legs(run, population.lp_delay)
    alone = sniped = 0
    lost = 0.0
    for market, jumps in jump_times.items():
        gaps = np.diff(np.concatenate(([-window - 1], jumps, [run.end])))
        arrivals = run.orders["submitted"][run.orders_of("investor") & (run.orders["market"] == market)]
        for jump in jumps[(gaps[:-1] > window) & (gaps[1:] > window)].tolist():
            batch = (jump + population.sniper_delay) // pi * pi
            if ((arrivals >= batch - pi) & (arrivals < batch + pi)).any():
                continue
            alone += 1
            hit = [gain for where, time, gain in provided if where == market and jump <= time <= jump + window]
            sniped += bool(hit)
            lost -= sum(hit)
    return {
        "jumps_alone": alone,
        "jumps_sniped": sniped,
        "sniped_share": sniped / alone if alone else float("nan"),
        "lp_loss_per_jump": lost * run.money_scale / alone if alone else float("nan"),
    }


def _stale_legs(run: _Run, lp_delay: int) -> list[tuple[str, int, float]]:
    # (market, time, gain in tick-lots) of the providers' legs that met a sniper with a quote from before the last jump.
    fills = run.fills
    value = fair_marks(run.fair, fills["market"], fills["time"], end=run.end)
    gain = fills["side"] * fills["quantity"] * (value - fills["price"])
    snipers, providers = run.legs_of("sniper"), run.legs_of("lp")
    met = {
        (match, side)
        for match, side in zip(fills["match_id"][snipers].tolist(), fills["side"][snipers].tolist(), strict=True)
    }
    legs = []
    for leg in np.flatnonzero(providers).tolist():
        market, time = fills["market"][leg], int(fills["time"][leg])
        jumps = run.fair.jump_times[market]
        last = int(np.searchsorted(jumps, time, side="right"))  # a sniper without delay hits in the step of the jump
        stale = last > 0 and time - int(run.ages[leg]) < jumps[last - 1] + lp_delay
        if stale and (int(fills["match_id"][leg]), -int(fills["side"][leg])) in met:
            legs.append((market, time, float(gain[leg])))
    return legs


def _wealth(run: _Run, result: Result) -> dict[str, float]:
    wealth = exact_wealth(result.ledger, {market: run.fair.at(market, run.end) for market in run.fair.markets})
    row = {f"{role}_wealth": 0.0 for role in ROLES}
    for account, worth in wealth.items():
        column = f"{run.roles.get(account)}_wealth"
        if column in row:
            row[column] += float(worth) * run.money_scale
    # Exactly zero: exact_wealth is in fractions, so anything else is a fault of the engine.
    return row | {"wealth_sum": float(sum(wealth.values()))}
