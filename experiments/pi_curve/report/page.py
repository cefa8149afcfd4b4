"""The report as one HTML page with everything inside: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from experiments.manifest import manifest
from experiments.pages import Picture, embedded, render
from experiments.pages.numbers import Estimate, listed, mean_of, plain
from experiments.pages.tables import Entry, Table
from experiments.pi_curve.cell import cell_count
from experiments.pi_curve.config import Study, dumps, to_dict
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.report import answer, figures, tables
from experiments.pi_curve.report.answer import Finding
from experiments.pi_curve.report.curves import Curves
from experiments.pi_curve.report.findings import Findings, Outcome
from experiments.pi_curve.report.layout import FEW, many, sweep_of
from experiments.pi_curve.report.words import READING, caveats, question, setting
from experiments.statistics import without_rounding


@frozen
class Block:
    """Tables in view, and more of their kind behind a line that opens them."""

    shown: tuple[Table, ...]
    folded: tuple[Table, ...] = ()


@frozen
class Section:
    """What the report says of one variant; a `folded` one has no pictures and stands behind a line that opens it."""

    folded: bool
    anchor: str
    name: str
    setting: str
    answer: list[str]
    best: str
    change: Entry
    cost: Entry
    curve: Picture | None
    pi_table: Table | None
    transfers: Block
    gains: Table | None
    markouts: Picture | None
    markout_table: Table | None
    flatness: str
    attribution: Block
    activity: Table | None
    beliefs: Table | None
    discovery: Table | None


def write(found: Findings) -> str:
    """The page, one HTML file without any request to elsewhere."""
    study, cells = found.study, found.cells
    folded = len(found.variants) > FEW  # drawing takes over a second a variant
    return render(
        "report.html",
        title=found.title,
        question=question(study),
        answer=found.answer(),
        overview=_overview(found),
        questions=tables.questions(study, cells),
        reading=READING,
        sections=[
            _section(number, name, variant, folded=folded, variants=len(found.variants))
            for number, (name, variant) in enumerate(found.variants.items(), start=1)
        ],
        caveats=caveats(study, cells),
        configuration=dumps(study),
        validity=_validity(found),
    )


def _section(number: int, name: str, variant: Outcome, *, folded: bool, variants: int) -> Section:
    study, curves, found = variant.study, variant.curves, variant.found
    seen, rest = _split(curves, found)
    matrices = tables.has_transfers(curves)
    pi_table, activity, discovery = tables.overviews(curves)
    return Section(
        folded=folded,
        anchor=f"variant-{number}",
        name="Results" if name == "base" else name,
        setting=setting(study),
        answer=variant.sentences(),
        best=answer.optimum(variant.best),
        change=Entry(found.change.signed, found.point.label, found.told) if found else Entry("cannot be told"),
        cost=_cost_beside(curves, found, variants),
        curve=None if folded else _curve(variant, name),
        pi_table=pi_table,
        transfers=_matrices(curves, seen, rest) if matrices else Block(()),
        gains=None if matrices else tables.gains(curves),
        markouts=None if folded else _markouts(variant, name),
        markout_table=tables.measures(curves, _by_horizon(study), "Markout per lot, money") if folded else None,
        flatness=_flatness(variant),
        attribution=_attribution(variant, seen, [] if folded else rest),
        activity=activity,
        beliefs=tables.belief_fit(variant.cells),
        discovery=discovery,
    )


def _overview(found: Findings) -> Picture | None:
    sweep = sweep_of(found.study)
    if sweep is None and not many(found.study):
        return None
    known = [
        f"{name} at {one.found.point.label} {one.found.change.signed}"
        for name, one in found.variants.items()
        if one.found
    ]
    against = f"measures of the liquidity provider against the {sweep.factor}" if sweep else "differences to the CLOB"
    alt = f"All variants in one picture: {against}. Largest differences in LP gain, money per run: {'; '.join(known)}."
    return embedded(figures.all_variants(found), alt)


def _by_horizon(study: Study) -> dict[str, tuple[str, str]]:
    roles = (("lp", "LP"), ("taker", "takers"))
    return {
        f"{role}_markout_{horizon}": (words, f"after {horizon} steps" if horizon else "at the fill")
        for role, words in roles
        for horizon in sorted(study.markout_horizons)
    }


def _cost_beside(curves: Curves, found: Finding | None, variants: int) -> Entry:
    change = curves.change(found.point, "shortfall_per_lot") if found else Estimate()
    return Entry(change.signed, told=change.told(variants)) if change.known else Entry("cannot be told")


def _split(curves: Curves, found: Finding | None) -> tuple[list[Point], list[Point]]:
    # In view: the CLOB and the point that the answer looks at; without these the first two.
    seen = [curves.book, found.point] if curves.book and found else list(curves.points[:2])
    return [point for point in curves.points if point in seen], [point for point in curves.points if point not in seen]


def _matrices(curves: Curves, seen: list[Point], rest: list[Point]) -> Block:
    top = tables.largest_transfer(curves)
    return Block(
        tuple(tables.transfers(curves, point, top) for point in seen),
        tuple(tables.transfers(curves, point, top) for point in rest),
    )


def _attribution(variant: Outcome, seen: list[Point], rest: list[Point]) -> Block:
    def made(points: list[Point]) -> list[Table]:
        found = [tables.attribution(variant.cells, points, variant.study.horizon, each) for each in tables.FAMILIES]
        return [table for table in found if table]

    return Block(tuple(made(seen)), tuple(table for point in rest for table in made([point])))


def _curve(variant: Outcome, name: str) -> Picture:
    points = "; ".join(f"{point.label} {variant.curves.mean(point, 'lp_pnl')}" for point in variant.curves.points)
    named = "" if name == "base" else f" of {name}"
    alt = (
        f"Pi-curve{named}: gains, LP markout per lot, cost of trading at once and a fourth panel against the batch "
        f"interval. Gain of the liquidity provider, money per run: {points}. The table below has the numbers."
    )
    return embedded(figures.pi_curve(variant), alt)


def _markouts(variant: Outcome, name: str) -> Picture:
    curves, horizons = variant.curves, variant.study.markout_horizons
    later = max(horizons)
    points = "; ".join(
        f"{point.label} {curves.mean(point, 'lp_markout_0')} at the fill, "
        f"{curves.mean(point, f'lp_markout_{later}')} after {later} steps"
        for point in curves.points
    )
    named = "" if name == "base" else f" in {name}"
    alt = f"Markout per lot by horizon{named}, liquidity provider and takers. Liquidity provider: {points}."
    return embedded(figures.markouts(curves, horizons), alt)


def _flatness(variant: Outcome) -> str:
    """Whether the mark at the longest horizon differs from that at the fill, seed by seed, beyond chance."""
    later = max(variant.study.markout_horizons)
    gaps: dict[str, Estimate] = {}
    for point in variant.curves.points:
        runs = tables.runs_at(variant.cells, point)
        for role, words in (("lp", "LP"), ("taker", "takers")):
            last, first = f"{role}_markout_{later}", f"{role}_markout_0"
            if later and last in runs and first in runs:
                gaps[f"{words} at {point.label}"] = mean_of(without_rounding(runs[last], runs[first]))
    known = {name: gap for name, gap in gaps.items() if gap.n > 1}
    if not known:
        return "Whether the curves are flat cannot be told."
    off = [f"{name} ({gap.signed})" for name, gap in known.items() if gap.told(len(known))]
    if off:
        return (
            f"Between the fill and {later} steps later these change beyond chance: {listed(off)}. Either the truth can "
            "be foretold in this world, or the fills near the end, which have no later mark, are unlike the others."
        )
    return f"Between the fill and {later} steps later none of the {len(known)} curves changes beyond chance."


def _validity(found: Findings) -> dict[str, Any]:
    cells = found.cells
    made = manifest(to_dict(found.study), cells, [])
    seeds = made["seeds"]
    whole = seeds == list(range(seeds[0], seeds[-1] + 1))
    return {
        "runs": len(cells),
        "missing": max(0, cell_count(found.study) - len(cells)),
        "broken": found.broken,
        "worst": plain(float(cells["wealth_sum"].abs().max())),
        "seeds": f"{seeds[0]} to {seeds[-1]}" if whole and len(seeds) > 1 else ", ".join(map(str, seeds)),
        "versions": [*made["versions"].items(), ("Python", made["python"]), ("platform", made["platform"])],
        "digest": made["cells_digest"],
    }
