"""The summary of a pi-curve study in plain words."""

from __future__ import annotations

from math import isnan
from typing import Any

import pandas as pd

from experiments.config import Informed, Snipers, Study
from experiments.statistics import Best, best_interval, distinct, mean_and_se

_SHOWN = {
    "lp_pnl": "LP gain",
    "lp_fills": "LP fills",
    "lp_markout_0": "LP markout per lot",
    "lp_loss_per_jump": "LP loss per jump",
    "informed_pnl": "informed gain",
    "sniper_pnl": "sniper gain",
    "sniped_share": "jumps sniped",
    "effective_spread": "effective half-spread",
    "shortfall_per_lot": "cost of trading at once, per lot",
    "wait_mean": "wait, steps",
    "delay_sd": "risk of the wait, per lot",
    "expired_share": "left unfilled",
    "volume": "volume",
    "discovery_rms": "price error (rms, log)",
}


def write(study: Study, cells: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The summary as Markdown: what was asked and run, what came out per variant, and what to keep in mind."""
    lines = [f"# {study.title or study.name}", "", _question(study), ""]
    for variant, own in study.resolved().items():
        curves = summary[summary["variant"] == variant]
        mine = cells[cells["variant"] == variant]
        if variant != "base":
            lines += [f"## {variant}", ""]
        lines += [_setting(own), "", *_table(curves), ""]
        lines += [*_findings(curves, own), _best(best_interval(mine)), ""]
    lines += ["![The pi-curve](pi_curve.png)", "", "## What to keep in mind", "", *_caveats(study, cells), ""]
    worst = cells["wealth_sum"].abs().max()
    checked = "exactly zero" if worst == 0 else f"NOT ZERO (up to {worst})"
    lines += [f"Wealth over all accounts, marked at one fair value: {checked} in all {len(cells)} runs."]
    return "\n".join(lines) + "\n"


def _question(study: Study) -> str:
    return (
        "Who gains and who pays when orders are matched in batches of pi steps instead of one by one, and what does "
        f"the waiting cost? {study.seeds} seeds; each seed gives every mechanism the same world (truth, signals, "
        "arrivals), so differences are taken seed by seed. Numbers are means over seeds, +- one standard error; "
        "gains are at the fair value of the moment of each fill."
    )


def _setting(study: Study) -> str:
    population = study.population
    if isinstance(population, Snipers):
        many = "one sniper, who bids no more than the stale quote" if population.snipers == 1 else ""
        many = many or f"{population.snipers} snipers, who bid the new value against each other"
        agents = (
            f"{_count(population.lps, 'liquidity provider')} hearing public news after {population.lp_delay} steps; "
            f"{many}, after {population.sniper_delay}; investors arriving {population.investor_rate:g} times per "
            f"{study.world.time_unit} steps"
        )
    else:
        agents = _informed(population)
    world = study.world
    jumps = f"public jumps of size {world.jump_size:g}, {world.jump_rate:g} per {world.time_unit} steps"
    truth = {
        "latent-factor": f"factors that walk with variance {world.walk_var:g} per step",
        "jumps": jumps,
        "constant": "a constant",
        "ornstein-uhlenbeck": f"a price that returns to its level, standard deviation {world.log_sd:g}",
        "historical": f"recorded prices ({world.price_column}, {world.step} time stamps per step)",
    }[world.kind]
    return f"{study.horizon} steps. Truth: {truth}. Agents: {agents}."


def _informed(population: Informed) -> str:
    parts = [
        _count(population.naive, "naive belief trader"),
        _count(population.tail_aware, "tail-aware belief trader"),
        _count(population.noise, "noise trader"),
    ]
    if population.lp:
        parts.append(f"a liquidity provider {population.lp_delay} steps late, re-quoting every {population.lp_requote}")
    return ", ".join(parts) + ", on a bootstrap ladder"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(curves: pd.DataFrame) -> list[str]:
    shown = {}
    for measure, label in _SHOWN.items():
        own = curves[curves["measure"] == measure]
        if len(own) and own["mean"].notna().any() and (own["mean"].fillna(0.0) != 0.0).any():
            shown[measure] = label
    lines = ["| mechanism | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 1) + "|"]
    for (mechanism, pi), group in curves.groupby(["mechanism", "pi"], sort=False):
        values = group.set_index("measure")
        row = [_with_error(values.loc[measure, "mean"], values.loc[measure, "se"]) for measure in shown]
        lines.append(f"| {_name(str(mechanism), pi)} | " + " | ".join(row) + " |")
    return lines


def _name(mechanism: str, pi: object) -> str:
    return f"{mechanism} pi = {pi}" if mechanism == "fba" else mechanism


def _with_error(mean: object, error: object) -> str:
    value, spread = float(str(mean)), float(str(error))
    if isnan(value):
        return "-"
    exact = isnan(spread) or spread <= 1e-12 * abs(value)  # the same in every seed, but for rounding
    return f"{value:.4g}" if exact else f"{value:.4g} +- {spread:.2g}"


def _findings(curves: pd.DataFrame, study: Study) -> list[str]:
    fills = curves[curves["measure"] == "lp_fills"]
    if not fills["mean"].max() > 0:
        return ["- The liquidity provider never traded, so nothing is said about it."]
    gains = curves[(curves["measure"] == "lp_pnl") & (curves["mechanism"] == "fba")]
    lines = [line for row in gains.itertuples() if (line := _finding(row))]
    if isinstance(study.population, Snipers) and study.world.kind == "jumps" and stale_window(study) > 0:
        lines += _sniping(curves, study)
    return lines


def _finding(row: Any) -> str:
    mean, error, seeds = float(row.paired_mean), float(row.paired_se), int(row.paired_n)
    if seeds < 2:
        return ""
    if distinct(mean, error, seeds):
        said = f"{abs(mean):.4g} +- {error:.2g} {'less' if mean < 0 else 'more'} than in the book"
    else:
        doubt = "" if mean == error == 0 else f", as far as can be told ({mean:+.2g} +- {error:.2g})"
        said = f"as much as in the book{doubt}"
    return f"- pi = {row.pi}: the liquidity provider gains {said} ({row.paired_share:.0%} of seeds better)."


def _sniping(curves: pd.DataFrame, study: Study) -> list[str]:
    window = stale_window(study)
    shares = curves[(curves["measure"] == "sniped_share") & (curves["mechanism"] == "fba")]
    parts = [f"{float(str(row.mean)):.2f} ({min(1.0, window / float(str(row.pi))):.2f})" for row in shares.itertuples()]
    said = f"- Share of jumps sniped, by pi, and min(1, {window} / pi) beside it: {', '.join(parts)}."
    return [said] if parts else []


def stale_window(study: Study) -> int:
    """Steps by which snipers hear news before liquidity providers do: delta in min(1, delta / pi)."""
    population = study.population
    return population.lp_delay - population.sniper_delay if isinstance(population, Snipers) else 0


def _best(best: Best | None) -> str:
    if best is None:
        return "- Nobody traded for immediacy, so no interval can be called the best."
    if len(best.tried) == 1 or isnan(best.se):
        return "- Cost of trading at once: nothing to compare with one interval or one seed."
    where = "the continuous book" if best.pi == 0 else f"pi = {best.pi}"
    cost = _with_error(best.cost, best.se)
    if best.flat:
        return f"- Cost of trading at once: flat. The lowest, {cost} a run at {where}, can be told from no other tried."
    rivals = ", ".join("the book" if pi == 0 else str(pi) for pi in best.rivals)
    tied = f" Not to be told from it: {rivals}." if rivals else ""
    verdict = "an optimum inside the range" if best.optimum else "no optimum is shown"
    if best.pi == 0 and not best.rivals:
        verdict = "no interval tried makes trading at once cheaper"
    return f"- Cost of trading at once, unfilled lots included, is lowest at {where}: {cost} a run; {verdict}.{tied}"


def _caveats(study: Study, cells: pd.DataFrame) -> list[str]:
    fixed = (
        "- Spreads are fixed: nobody here answers batching by quoting tighter, so a gain of the liquidity provider is "
        "not yet a gain of those who trade with it."
    )
    lines = [
        fixed,
        "- Totals per run fall when less is traded; look at the markout per lot and the number of fills beside them.",
        "- Waiting has mean cost zero for those who know nothing; its price is the risk, the standard deviation shown.",
        "- In an auction everyone trades at one price and nobody is maker or taker; roles here are those of agents.",
    ]
    studies = study.resolved().values()
    if any(isinstance(own.population, Informed) for own in studies):
        lines.append(_fit(cells))
    if any(own.world.kind == "historical" for own in studies):
        lines += [
            "- Recorded prices are taken as the truth; they contain bid-ask bounce, which truth would not.",
            "- Signal noise and opening displacement are the configuration's, however small the recorded moves are.",
        ]
    if study.name == "published":
        lines.append(
            "- The clearing rules are the published study's; its population had two more traders, and its book and its "
            "capital check had faults that are not rebuilt here, so the numbers are not comparable to its table."
        )
    return lines


def _fit(cells: pd.DataFrame) -> str:
    parts = []
    for role in ("lp", "informed"):
        nis = mean_and_se(cells.drop_duplicates(["variant", "seed"])[f"{role}_nis"].to_numpy(dtype=float))
        if nis["n"] > 1:
            off = distinct(nis["mean"] - 1.0, nis["se"], int(nis["n"]))
            parts.append(f"{role} {_with_error(nis['mean'], nis['se'])}{' (mis-specified)' if off else ''}")
    return (
        f"- Do the beliefs fit? Mean normalised innovation squared, 1 where they do: {', '.join(parts) or '-'}. "
        "Losses of a mis-specified agent mix staleness with misjudgement."
    )
