"""What a pi-curve study asked and ran, and what to keep in mind, in words."""

from __future__ import annotations

import pandas as pd

from experiments.pi_curve.config import Study
from experiments.pi_curve.report.layout import FEW
from experiments.pi_curve.settings import Informed, Snipers
from experiments.statistics import BeliefFit, belief_fit

READING = (
    "How to read the tables: \N{INCREMENT} is the difference to the CLOB (the continuous book) at the same seed; * "
    "marks one beyond chance at 5 %, each taken alone. FBA is the batch auction, LP the liquidity provider, pi the "
    "batch interval in steps."
)


def question(study: Study) -> str:
    """What the study asks, and how it answers."""
    return (
        "Who gains and who pays when orders are matched in batches of pi steps instead of one by one, and what does "
        f"the waiting cost? {study.seeds} seeds; each seed gives every mechanism the same world (truth, signals, "
        "arrivals), so differences are taken seed by seed. Numbers are means over seeds, ± one standard error; "
        "gains are at the fair value of the moment of each fill."
    )


def setting(study: Study) -> str:
    """The world and the agents of a resolved study."""
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


def stale_window(study: Study) -> int:
    """Steps by which snipers hear news before liquidity providers do: delta in min(1, delta / pi)."""
    population = study.population
    return population.lp_delay - population.sniper_delay if isinstance(population, Snipers) else 0


def caveats(study: Study, cells: pd.DataFrame) -> list[str]:
    """What to keep in mind."""
    studies = list(study.resolved().values())
    fixed = (
        "Spreads are fixed: nobody here answers batching by quoting tighter, so a gain of the liquidity provider is "
        "not yet a gain of those who trade with it."
    )
    lines = [
        *([fixed] if any(_fixed_spread(own) for own in studies) else []),
        "Totals per run fall when less is traded; look at the markout per lot and the number of fills beside them.",
        "Waiting has mean cost zero for those who know nothing; its price is the risk, the standard deviation shown.",
        "In an auction everyone trades at one price and nobody is maker or taker; roles here are those of agents.",
    ]
    if any(isinstance(own.population, Informed) for own in studies):
        lines += _fit(cells)
    if any(own.world.kind == "historical" for own in studies):
        lines += [
            "Recorded prices are taken as the truth; they contain bid-ask bounce, which truth would not.",
            "Signal noise and opening displacement are the configuration's, however small the recorded moves are.",
        ]
    lines += _faulty(study)
    if any(own.world.kind == "event" for own in studies):
        lines.append(
            "Price errors are in logarithms, so that a contract which is nearly worthless, and has no bid, counts "
            "for most of them; in money they are small."
        )
    if {"constant-product", "lmsr", "hybrid"} & {mechanism for own in studies for mechanism in own.mechanisms}:
        lines.append(
            "A pool's gain counts as the liquidity provider's; beside a book (hybrid) it adds to that of the agents."
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
        "Some markets here are faulty on purpose, as published: a book whose cancels destroy other orders, a capital "
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
        "Do the beliefs fit? Mean normalised innovation squared of each agent over all seeds, 1 where they do, and "
        "the band in which 95 % of such means would fall if they did. Losses of a mis-specified agent mix staleness "
        "with misjudgement."
    )
    lines = [asked]
    for variant, own in cells.groupby("variant", sort=False):
        found = belief_fit(own)
        off = [fit for fit in found if not fit.fits]
        said = "every belief fits" if not off else f"MIS-SPECIFIED: {', '.join(_off(fit) for fit in off)}"
        if found:
            lines.append(f"Beliefs in “{variant}”: {said}.")
    return lines


def _off(fit: BeliefFit) -> str:
    return f"{fit.agent} {fit.nis:.3g} (band {fit.low:.3g} to {fit.high:.3g}, n = {fit.count})"
