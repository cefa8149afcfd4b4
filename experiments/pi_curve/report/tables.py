"""The tables of the report: measures by mechanism and interval, wealth transfers, loss attribution, belief fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import fsum, isnan, nan

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments import statistics
from experiments.pages.numbers import NONE, Estimate, mean_of, plain, ratio, with_error
from experiments.pages.tables import Entry, Row, Table
from experiments.pi_curve.config import Study
from experiments.pi_curve.contrasts import Contrast, Place, Point
from experiments.pi_curve.measures import ROLES
from experiments.pi_curve.report.curves import Curves
from marketsim.errors import ConfigError

Floats = npt.NDArray[np.float64]

PI_CURVE = {
    "lp_pnl": ("LP gain", "money per run"),
    "lp_markout_0": ("LP markout", "money per lot"),
    "lp_fills": ("LP fills", "legs per run"),
    "lp_loss_per_jump": ("LP loss per jump", "money"),
    "sniped_share": ("jumps sniped", "share"),
    "informed_pnl": ("informed gain", "money per run"),
    "sniper_pnl": ("sniper gain", "money per run"),
    "shortfall_per_lot": ("cost of trading at once", "money per lot"),
    "delay_sd": ("risk of the wait", "s.d., money per lot"),
    "wait_mean": ("wait", "steps"),
}
ACTIVITY = {
    "volume": ("volume", "lots per run"),
    "lp_fills": ("LP fills", "legs per run"),
    "informed_fills": ("informed fills", "legs per run"),
    "sniper_fills": ("sniper fills", "legs per run"),
    "noise_fills": ("noise fills", "legs per run"),
    "investor_fills": ("investor fills", "legs per run"),
    "lp_two_sided": ("LP quotes both sides", "share of time"),
    "lp_second_half_share": ("LP fills in second half", "share"),
    "wait_mean": ("wait", "steps"),
    "expired_share": ("left unfilled", "share of lots"),
}
DISCOVERY = {
    "discovery_lag": ("lag", "steps"),
    "discovery_lag_at_bound": ("lag at search bound", "share of runs"),
    "discovery_rms": ("distance from truth", "rms, log price"),
    "half_gap_time": ("half of a jump's gap closed", "steps, median"),
    "half_gap_never": ("gap never half closed", "share of jumps"),
    "convergence_time": ("first within 2 % of truth", "step"),
    "converged_share": ("ever within 2 % of truth", "share of runs"),
    "effective_spread": ("effective half-spread", "money per lot"),
    "realised_spread": ("realised half-spread", "money per lot"),
    "impact": ("price impact", "money per lot"),
}
ACCOUNTS = (*ROLES, "fees")
NAMES = {"lp": "liquidity provider", "bootstrap": "bootstrap ladder"}
FAMILIES = {
    "opening": ("by time since opening", "steps since opening"),
    "age": ("by age of the quote hit", "age of the quote, steps"),
    "against": ("by counterparty", "counterparty"),
}


def measures(curves: Curves, wanted: Mapping[str, tuple[str, str]], caption: str) -> Table | None:
    """One row per mechanism and interval, one column per measure that is known; None where none is.

    Below each mean stands the paired difference to the CLOB, marked where it can be told from zero.
    """
    shown = curves.shown(wanted)
    if not shown:
        return None
    rows = tuple(
        Row(point.label, tuple(_measured(curves, point, measure) for measure in shown)) for point in curves.points
    )
    return Table(caption, "mechanism", tuple(wanted[measure] for measure in shown), rows)


def overviews(curves: Curves) -> tuple[Table | None, Table | None, Table | None]:
    """Three tables of `measures`: who gains at what cost, how much is traded, how prices follow the truth."""
    return (
        measures(curves, PI_CURVE, "Gains, losses and waiting by mechanism and interval"),
        measures(curves, ACTIVITY, "How much is traded, quoted and left waiting"),
        measures(curves, DISCOVERY, "How the public price follows the truth"),
    )


def _measured(curves: Curves, point: Point, measure: str) -> Entry:
    change = curves.change(point, measure)
    below = f"\N{INCREMENT} {change.signed}" if change.known else ""
    return Entry(str(curves.mean(point, measure)), below, told=change.told())


def has_transfers(curves: Curves) -> bool:
    """Whether the study measured who gained from whom."""
    return bool(curves.shown(f"transfer_{role}_{other}" for role in ACCOUNTS for other in ACCOUNTS if role != other))


def transfers(curves: Curves, point: Point, top: float) -> Table:
    """The wealth-transfer matrix at one point: what the role of the row gained from that of the column, per run.

    Args:
        top: the amount that gets the full colour, so that matrices can be compared.
    """
    active = [role for role in ACCOUNTS if role == "fees" or curves.shown(_gained(role))]
    rows = []
    for role in active:
        entries = [_transfer(curves, point, role, other, top) for other in active]
        rows.append(Row(name_of(role), (*entries, _net(curves, point, role, active, top))))
    paid = [[curves.mean(point, f"transfer_{role}_{other}").mean for role in active] for other in active]
    sums = [fsum(value for value in column if not isnan(value)) for column in paid]
    everything = fsum(value for column in paid for value in column if not isnan(value))
    columns = tuple(Entry(plain(value), heat=_heat(value, top)) for value in sums)
    rows.append(Row("all of them", (*columns, Entry(plain(everything))), total=True))
    heads = (*((name_of(role), "") for role in active), ("net gain", ""))
    return Table(f"{point.label}: money per run gained by the row from the column", "gained by", heads, tuple(rows))


def _gained(role: str) -> list[str]:
    return [f"transfer_{role}_{other}" for other in ACCOUNTS if other != role]


def largest_transfer(curves: Curves) -> float:
    """The largest amount in any matrix of the variant, or 1 where nothing moved."""
    names = curves.shown(name for role in ACCOUNTS for name in _gained(role))
    amounts = [abs(curves.mean(point, name).mean) for point in curves.points for name in names]
    return max((amount for amount in amounts if amount > 0), default=1.0)


def _transfer(curves: Curves, point: Point, role: str, other: str, top: float) -> Entry:
    gained = curves.mean(point, f"transfer_{role}_{other}")
    if role == other or not gained.known:
        return Entry(NONE)
    return Entry(str(gained), heat=_heat(gained.mean, top))


def _net(curves: Curves, point: Point, role: str, active: Sequence[str], top: float) -> Entry:
    # The error of a sum needs the sums of the single runs: the role's own gain has it, where it was measured.
    parts = [curves.mean(point, f"transfer_{role}_{other}").mean for other in active if other != role]
    net = fsum(part for part in parts if not isnan(part))
    se = curves.mean(point, "fees" if role == "fees" else f"{role}_pnl").se
    return Entry(with_error(net, se if net else nan), heat=_heat(net, top))


def _heat(value: float, top: float) -> float:
    return round(max(-1.0, min(1.0, value / top)), 3)


def gains(curves: Curves) -> Table | None:
    """What every role gained per run, for a study that did not measure who gained from whom."""
    wanted = {f"{role}_pnl": (name_of(role), "") for role in ROLES} | {"fees": ("fees", "")}
    return measures(curves, wanted, "Gain per run at the fair value of each fill, money")


def attribution(cells: pd.DataFrame, points: Sequence[Point], horizon: int, family: str) -> Table | None:
    """Where the liquidity provider's gain comes from, per fill, per lot and per 1000 steps; None if not measured.

    Args:
        cells: the runs of one variant.
        horizon: steps of a run.
        family: a key of `FAMILIES`.
    """
    bins = _bins(cells, family)
    title, corner = FAMILIES[family]
    runs = [runs_at(cells, point) for point in points]
    rows = []
    for suffix, label in (*bins, ("", "all fills")):
        shares = [_shares(own, suffix, horizon) for own in runs]
        if any(entry.text != NONE for share in shares for entry in share):
            rows.append(Row(label, tuple(entry for share in shares for entry in share), total=not suffix))
    if not bins or len(rows) < 2:
        return None
    heads = (("fills", "per run"), ("gain", "per fill"), ("gain", "per lot"), ("gain", "per 1000 steps"))
    groups = tuple((point.label, len(heads)) for point in points)
    return Table(f"Gain of the liquidity provider {title}, money", corner, heads * len(points), tuple(rows), groups)


def _bins(cells: pd.DataFrame, family: str) -> list[tuple[str, str]]:
    found = []
    for column in cells.columns:
        if family == "against" and (role := re.fullmatch(r"lp_pnl_against_(.+)", str(column))):
            found.append((f"_against_{role[1]}", name_of(role[1])))
        elif family != "against" and (edge := re.fullmatch(rf"lp_pnl_{family}_(\d+)_(\d+|end)", str(column))):
            label = f"{edge[1]} and more" if edge[2] == "end" else f"{edge[1]} to {edge[2]}"
            found.append((f"_{family}_{edge[1]}_{edge[2]}", label))
    return found


def _shares(runs: pd.DataFrame, suffix: str, horizon: int) -> tuple[Entry, ...]:
    gained, fills, lots = (_column(runs, f"lp_{what}{suffix}") for what in ("pnl", "fills", "lots"))
    if not np.nansum(fills) > 0:
        return (Entry(NONE),) * 4
    each = ratio(fills, np.ones(len(fills)))
    rate = ratio(gained, np.full(len(gained), horizon / 1000.0))
    single = int((fills > 0).sum()) == 1 < len(fills)  # one run alone has no error
    per = [plain(share.mean, 3) if single else str(share) for share in (ratio(gained, fills), ratio(gained, lots))]
    below = "in one run" if single else ""
    return (Entry(str(each)), *(Entry(said, below) for said in per), Entry(str(rate)))


def _column(runs: pd.DataFrame, name: str) -> Floats:
    if name not in runs:
        return np.full(len(runs), nan)
    return runs[name].to_numpy(dtype=np.float64)


def belief_fit(cells: pd.DataFrame) -> Table | None:
    """Normalised innovation squared of every agent that has beliefs, beside its 95 % band; None without such agents.

    Beliefs hear the same signals whatever the mechanism, so each seed counts once.
    """
    rows = [_fit(fit) for fit in statistics.belief_fit(cells)]
    heads = (("mean NIS", "1 if it fits"), ("95 % band", ""), ("observations", ""), ("verdict", ""))
    return Table("Normalised innovation squared (NIS) of each agent", "agent", heads, tuple(rows)) if rows else None


def _fit(fit: statistics.BeliefFit) -> Row:
    if fit.nis > fit.high:
        verdict = "mis-specified: surprised more than it expects (over-confident)"
    elif fit.nis < fit.low:
        verdict = "mis-specified: surprised less than it expects (under-confident)"
    else:
        verdict = "fits"
    band = f"{plain(fit.low, 3)} to {plain(fit.high, 3)}"
    off = verdict != "fits"
    return Row(fit.agent, (Entry(plain(fit.nis), told=off), Entry(band), Entry(str(fit.count)), Entry(verdict)))


def questions(study: Study, cells: pd.DataFrame) -> Table | None:
    """What the study's contrasts ask, and the answers with their errors; None where it asks nothing."""
    rows = []
    for asked in study.contrasts:
        found = answer(cells, asked)
        number = Entry(str(found), told=found.told())
        rows.append(Row(asked.asks, (number, Entry(str(found.n)), Entry(asked.reads()))))
    heads = (("answer", "* not zero at 5 %, each by itself"), ("seeds", "paired"), ("what is measured", ""))
    return Table("Questions put to this study, each with its number", "question", heads, tuple(rows)) if rows else None


def answer(cells: pd.DataFrame, contrast: Contrast) -> Estimate:
    """The answer to a contrast.

    Args:
        cells: the table of a study.

    Raises:
        ConfigError: the study has no such measure, or no such cells.
    """
    values = _values(cells, contrast, contrast.of)
    if contrast.minus is None:
        return mean_of(values)
    return mean_of(statistics.without_rounding(values, _values(cells, contrast, contrast.minus)))


def _values(cells: pd.DataFrame, contrast: Contrast, place: Place) -> pd.Series[float]:
    wanted = [measure for measure in (contrast.measure, contrast.less) if measure]
    unknown = [measure for measure in wanted if measure not in cells.columns]
    if unknown:
        raise ConfigError(f"contrast {contrast.asks!r}: the study measures no {', '.join(unknown)}")
    runs = runs_at(cells[cells["variant"] == place.variant], place.point).set_index("seed")[wanted].astype(np.float64)
    if runs.empty:
        raise ConfigError(f"contrast {contrast.asks!r}: the study has no cells at {place.reads()}")
    return runs[contrast.measure] - (runs[contrast.less] if contrast.less else 0.0)


def runs_at(cells: pd.DataFrame, point: Point) -> pd.DataFrame:
    """The runs at one point; `cells` are those of one variant."""
    return cells[(cells["mechanism"] == point.mechanism) & (cells["pi"] == point.pi)]


def name_of(role: str) -> str:
    """A role in words."""
    return NAMES.get(role, role)
