"""The summary of a pi-curve study in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from experiments.pi_curve.answers import answer
from experiments.pi_curve.config import Study
from experiments.pi_curve.layout import (
    FEW,
    Grid,
    Sweep,
    beside_the_book,
    column,
    label,
    many,
    markdown,
    points_of,
    sweep_of,
    tick,
    told,
    where,
    with_error,
)
from experiments.pi_curve.settings import Informed, Snipers
from experiments.statistics import BeliefFit, Best, belief_fit, best_interval, distinct, verdict

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


# What the tables of sweeps and of many variants need.
_COMPARED = ("lp_pnl", "lp_fills", "shortfall_per_lot")
_READING = (
    "A reduction is the LP's gain less its gain in the book at the same seed, with its paired standard error; what is "
    "told below is beyond chance at 5 %, over all lines of the mechanism together.\n"
)


def write(study: Study, cells: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The summary as Markdown: what was asked and run, what came out per variant, and what to keep in mind."""
    lines = [f"# {study.title or study.name}", "", question(study), ""]
    sweep = sweep_of(study)
    if sweep is not None:
        lines += _swept(study, sweep, cells, summary)
    elif many(study):
        lines += _compact(study, cells, summary)
    else:
        lines += _one_by_one(study, cells, summary)
    lines += _asked(study, cells)
    lines += ["![The pi-curve](pi_curve.png)", "", "## What to keep in mind", "", *caveats(study, cells), ""]
    worst = cells["wealth_sum"].abs().max()
    checked = "exactly zero" if worst == 0 else f"NOT ZERO (up to {worst})"
    lines += [f"Wealth over all accounts, marked at one fair value: {checked} in all {len(cells)} runs."]
    return "\n".join(lines) + "\n"


def _asked(study: Study, cells: pd.DataFrame) -> list[str]:
    """The questions that the configuration puts, each with its number."""
    if not study.contrasts:
        return []
    answers = [answer(cells, asked) for asked in study.contrasts]
    columns = {
        "question": [asked.asks for asked in study.contrasts],
        "answer": [with_error(found.mean, found.se) + ("*" if found.distinct else "") for found in answers],
        "what is measured": [asked.reads() for asked in study.contrasts],
    }
    said = f"An asterisk: not zero at 5 %. {study.seeds} seeds, paired."
    return ["## Questions", "", *markdown(columns), "", said, ""]


def _one_by_one(study: Study, cells: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    lines = []
    for variant, own in study.resolved().items():
        curves = summary[summary["variant"] == variant]
        mine = cells[cells["variant"] == variant]
        if variant != "base":
            lines += [f"## {variant}", ""]
        lines += [setting(own), "", *_table(curves), ""]
        lines += [*_findings(curves, own), _best(best_interval(mine)), *_without_interval(curves), ""]
    return lines


def _swept(study: Study, sweep: Sweep, cells: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """One table per remaining variant, a line for each value of the factor, and what can be told from it."""
    studies, lines = study.resolved(), []
    grid = Grid.of(summary, _COMPARED)
    values = [tick(value) for value in sweep.values]
    for row, names in sweep.rows.items():
        points = points_of(summary[summary["variant"].isin(names)])
        others = [point for point in points if point[0] != "clob"]
        columns = {sweep.label: values}
        for point in points:
            columns[f"LP gain, {label(point)}"] = column(grid.along(names, point, "lp_pnl"), "")
        for point in others:
            columns |= beside_the_book(grid, names, point, f", {label(point)}")
        lines += [f"## {row}", ""] if row else []
        lines += [
            f"At {sweep.factor} = {values[0]}: {setting(studies[names[0]])}",
            "",
            *markdown(columns),
            "",
            _READING,
        ]
        lines += [told(f"- {label(point)}", grid, names, values, point) for point in others]
        lines += [_verdicts(dict(zip(values, names, strict=True)), cells), ""]
    return lines


def _compact(study: Study, cells: pd.DataFrame, summary: pd.DataFrame) -> list[str]:
    """One table over all variants, a line for each and mechanism, and how many of its differences can be told."""
    names = list(study.resolved())
    grid = Grid.of(summary, _COMPARED)
    points = points_of(summary)
    tables = []
    for point in (point for point in points if point[0] != "clob"):
        columns = {"variant": names, "mechanism": [label(point)] * len(names)}
        columns["LP gain"] = column(grid.along(names, point, "lp_pnl"), "", grid.provided(names, point))
        columns |= beside_the_book(grid, names, point, "")
        tables.append(pd.DataFrame(columns))
    if not tables:
        return ["Nothing but the book was run, so there is nothing to compare.", ""]
    whole = pd.concat(tables).sort_index(kind="stable")  # variant by variant
    shown = {str(name): list(column) for name, column in whole.items()}
    lines = [f"{len(names)} variants. The first: {setting(next(iter(study.resolved().values())))}", ""]
    lines += [*markdown(shown), "", _READING]
    quoted = [f"“{name}”" for name in names]
    lines += [told(f"- {label(point)}", grid, names, quoted, point) for point in points if point[0] != "clob"]
    return [*lines, _verdicts(dict(zip(quoted, names, strict=True)), cells), ""]


def _verdicts(variants: Mapping[str, str], cells: pd.DataFrame) -> str:
    """The verdicts on a best interval and where each holds; `variants` are their names by what to call them here."""
    found: dict[str, list[str]] = {}
    for short, name in variants.items():
        found.setdefault(verdict(best_interval(cells[cells["variant"] == name])), []).append(short)
    parts = [said if len(found) == 1 else f"{said} {where(names, len(variants))}" for said, names in found.items()]
    return f"- Interval that makes trading at once cheapest: {'; '.join(parts)}."


def _without_interval(curves: pd.DataFrame) -> list[str]:
    """A line on what trading at once costs in mechanisms that have no interval."""
    own = curves[(curves["measure"] == "shortfall_per_lot") & ~curves["mechanism"].isin(["clob", "fba"])]
    parts = []
    for row in own.dropna(subset=["mean"]).itertuples():
        change = f"; to the book {with_error(row.paired_mean, row.paired_se)}" if row.paired_n else ""
        parts.append(f"{row.mechanism} {with_error(row.mean, row.se)}{change}")
    return [f"- Mechanisms without an interval, cost of trading at once per lot: {', '.join(parts)}."] if parts else []


def question(study: Study) -> str:
    return (
        "Who gains and who pays when orders are matched in batches of pi steps instead of one by one, and what does "
        f"the waiting cost? {study.seeds} seeds; each seed gives every mechanism the same world (truth, signals, "
        "arrivals), so differences are taken seed by seed. Numbers are means over seeds, +- one standard error; "
        "gains are at the fair value of the moment of each fill."
    )


def setting(study: Study) -> str:
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
        "event": (
            f"a probability that public clues move, {world.jump_rate:g} per {world.time_unit} steps, each right with "
            f"chance {world.accuracy:g}; contracts pay {world.level:g} or nothing at the end"
        ),
        "constant": "a constant",
        "ornstein-uhlenbeck": f"a price that returns to its level, standard deviation {world.log_sd:g}",
        "historical": f"recorded prices ({world.price_column}, {world.step} time stamps per step)",
    }[world.kind]
    return f"{study.horizon} steps. Truth: {truth}. Agents: {agents}."


def _informed(population: Informed) -> str:
    groups = [
        (population.naive, "naive belief trader"),
        (population.tail_aware, "tail-aware belief trader"),
        (population.aggregated, "aggregated-evidence trader"),
        (population.joint_factor, "joint-factor trader"),
        (population.noise, "noise trader"),
        (population.momentum, "momentum trader"),
        (population.zero_intelligence, "zero-intelligence trader"),
    ]
    parts = [_count(number, noun) for number, noun in groups if number]
    if population.lps:
        makers = _count(population.lps, "liquidity provider")
        spread = ", whose spread follows its own markout" if population.lp_spread == "endogenous" else ""
        parts.append(f"{makers} {population.lp_delay} steps late, re-quoting every {population.lp_requote}{spread}")
    return ", ".join(parts) + f", on a bootstrap ladder; beliefs {population.information.replace('_', ' ')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(curves: pd.DataFrame) -> list[str]:
    shown = {}
    for measure, said in _SHOWN.items():
        own = curves[curves["measure"] == measure]
        if len(own) and own["mean"].notna().any() and (own["mean"].fillna(0.0) != 0.0).any():
            shown[measure] = said
    lines = ["| mechanism | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 1) + "|"]
    for (mechanism, pi), group in curves.groupby(["mechanism", "pi"], sort=False):
        values = group.set_index("measure")
        row = [with_error(values.loc[measure, "mean"], values.loc[measure, "se"]) for measure in shown]
        lines.append(f"| {_name(str(mechanism), pi)} | " + " | ".join(row) + " |")
    return lines


def _name(mechanism: str, pi: object) -> str:
    return f"{mechanism} pi = {pi}" if mechanism == "fba" else mechanism


def _findings(curves: pd.DataFrame, study: Study) -> list[str]:
    fills = curves[curves["measure"] == "lp_fills"]
    if not fills["mean"].max() > 0:
        return ["- The liquidity provider never traded, so nothing is said about it."]
    gains = curves[(curves["measure"] == "lp_pnl") & (curves["mechanism"] != "clob")]
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
    where = f"pi = {row.pi}" if row.mechanism == "fba" else row.mechanism
    return f"- {where}: the liquidity provider gains {said} ({row.paired_share:.0%} of seeds better)."


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
    cost = with_error(best.cost, best.se)
    if best.flat:
        return f"- Cost of trading at once: flat. The lowest, {cost} a run at {where}, can be told from no other tried."
    rivals = ", ".join("the book" if pi == 0 else str(pi) for pi in best.rivals)
    tied = f" Not to be told from it: {rivals}." if rivals else ""
    verdict = "an optimum inside the range" if best.optimum else "no optimum is shown"
    if best.pi == 0 and not best.rivals:
        verdict = "no interval tried makes trading at once cheaper"
    return f"- Cost of trading at once, unfilled lots included, is lowest at {where}: {cost} a run; {verdict}.{tied}"


def caveats(study: Study, cells: pd.DataFrame) -> list[str]:
    studies = list(study.resolved().values())
    fixed = (
        "- Spreads are fixed: nobody here answers batching by quoting tighter, so a gain of the liquidity provider is "
        "not yet a gain of those who trade with it."
    )
    lines = [
        *([fixed] if any(_fixed_spread(own) for own in studies) else []),
        "- Totals per run fall when less is traded; look at the markout per lot and the number of fills beside them.",
        "- Waiting has mean cost zero for those who know nothing; its price is the risk, the standard deviation shown.",
        "- In an auction everyone trades at one price and nobody is maker or taker; roles here are those of agents.",
    ]
    if any(isinstance(own.population, Informed) for own in studies):
        lines += _fit(cells)
    if any(own.world.kind == "historical" for own in studies):
        lines += [
            "- Recorded prices are taken as the truth; they contain bid-ask bounce, which truth would not.",
            "- Signal noise and opening displacement are the configuration's, however small the recorded moves are.",
        ]
    lines += _faulty(study)
    if any(own.world.kind == "event" for own in studies):
        lines.append(
            "- Price errors are in logarithms, so that a contract which is nearly worthless, and has no bid, counts "
            "for most of them; in money they are small."
        )
    if {"constant-product", "lmsr", "hybrid"} & {mechanism for own in studies for mechanism in own.mechanisms}:
        lines.append(
            "- A pool's gain counts as the liquidity provider's; beside a book (hybrid) it adds to that of the agents."
        )
    return lines


def _faulty(study: Study) -> list[str]:
    """Which variants are sound, where some are faulty on purpose."""
    studies = study.resolved()
    sound = [name for name, own in studies.items() if _sound(own)]
    if len(sound) == len(studies):
        return []
    few = 0 < len(sound) <= FEW
    said = f"sound are {', '.join(f'“{name}”' for name in sound)}" if few else f"{len(sound) or 'none'} are sound"
    line = (
        "- Some markets here are faulty on purpose, as published: a book whose cancels destroy other orders, a capital "
        f"check that lets anybody sell short, an auction without price priority. Of {len(studies)} variants, {said}."
    )
    return [line]


def _sound(study: Study) -> bool:
    capital = getattr(study.population, "capital", "committed")
    rules = study.venue
    auction = rules.price_rule != "volume_midpoint" and rules.allocation != "pro_rata_all"
    return auction and rules.book == "clob" and capital != "published"


def _fixed_spread(study: Study) -> bool:
    population = study.population
    return isinstance(population, Snipers) or (population.lps > 0 and population.lp_spread == "fixed")


def _fit(cells: pd.DataFrame) -> list[str]:
    """One line on the beliefs of each variant: who fits, and who is mis-specified, with the band."""
    asked = (
        "- Do the beliefs fit? Mean normalised innovation squared of each agent over all seeds, 1 where they do, and "
        "the band in which 95 % of such means would fall if they did. Losses of a mis-specified agent mix staleness "
        "with misjudgement."
    )
    lines = [asked]
    for variant, own in cells.groupby("variant", sort=False):
        found = belief_fit(own)
        off = [fit for fit in found if not fit.fits]
        said = "every belief fits" if not off else f"MIS-SPECIFIED: {', '.join(_off(fit) for fit in off)}"
        if found:
            lines.append(f"    - {variant}: {said}.")
    return lines


def _off(fit: BeliefFit) -> str:
    return f"{fit.agent} {fit.nis:.3g} (band {fit.low:.3g} to {fit.high:.3g}, n = {fit.count})"
