"""The report of a pi-curve study as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan

from experiments.pages.numbers import Estimate, percent
from experiments.pages.tables import Entry, Row, Table, bullets, document, markdown
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.report import tables
from experiments.pi_curve.report.curves import Curves, points_of
from experiments.pi_curve.report.findings import Findings, Outcome
from experiments.pi_curve.report.layout import FEW, Sweep, many, sweep_of, tick
from experiments.pi_curve.report.words import READING, caveats, question, setting, stale_window
from experiments.pi_curve.settings import Snipers
from experiments.statistics import verdict

_BESIDE = (
    ("LP gain", "money per run"),
    ("reduction of the LP's loss", "money per run"),
    ("seeds with a reduction", ""),
    ("change in the cost of trading at once", "money per lot"),
)
_READING = (
    "A reduction is the LP's gain less its gain in the book at the same seed, with its paired standard error; what is "
    "told below is beyond chance at 5 %, over all lines of the mechanism together."
)


def write(found: Findings) -> str:
    """What was asked and run, what came out per variant, and what to keep in mind."""
    study, sweep = found.study, sweep_of(found.study)
    before = [question(study)]
    if sweep is not None:
        sections = [(row or "Results", _swept(found, sweep, names)) for row, names in sweep.rows.items()]
    elif many(study):
        sections = [("Results", _compact(found))]
    else:
        before.append(READING)
        alone = len(found.variants) == 1
        heads = {name: "Results" if name == "base" else name for name in found.variants}
        sections = [(heads[name], _results(one, alone=alone)) for name, one in found.variants.items()]
    asked = tables.questions(study, found.cells)
    worst, runs = found.cells["wealth_sum"].abs().max(), len(found.cells)
    wealth = f"NOT ZERO (up to {worst}) in {found.broken} of {runs}" if found.broken else f"exactly zero in all {runs}"
    sections += [
        ("Questions", markdown(asked) if asked else []),
        ("The pi-curve", ["![The pi-curve](pi_curve.png)"]),
        ("What to keep in mind", bullets(caveats(study, found.cells))),
        ("Validity", [f"Wealth over all accounts, marked at one fair value: {wealth} runs."]),
    ]
    return document(found.title, before, found.answer(), sections)


def _results(one: Outcome, *, alone: bool) -> list[str]:
    """The tables of one variant, and what can be told from them."""
    lines = [setting(one.study), ""]
    for table in filter(None, tables.overviews(one.curves)):
        lines += [f"### {table.caption}", "", *markdown(table), ""]
    said = [] if alone else one.sentences()
    return [*lines, *bullets([*said, *_gains(one), *_without_interval(one.curves)])]


def _swept(found: Findings, sweep: Sweep, names: Sequence[str]) -> list[str]:
    """A table with a line for each value of the factor, and what can be told from it."""
    values = [tick(value) for value in sweep.values]
    curves = {value: found.variants[name].curves for value, name in zip(values, names, strict=True)}
    points = points_of(curves.values())
    rows = [
        Row(value, tuple(entry for point in points for entry in _beside_the_book(own, point)))
        for value, own in curves.items()
    ]
    groups = [(point, _BESIDE[:1] if point.mechanism == "clob" else _BESIDE) for point in points]
    heads = tuple(head for _, own in groups for head in own)
    spans = tuple((point.label, len(own)) for point, own in groups)
    table = Table("", sweep.label, heads, tuple(rows), spans)
    first = f"At {sweep.factor} = {values[0]}: {setting(found.variants[names[0]].study)}"
    said = [_told(point, curves) for point in points if point.mechanism != "clob"]
    said.append(_intervals({value: found.variants[name] for value, name in zip(values, names, strict=True)}))
    return [first, "", *markdown(table), "", _READING, "", *bullets(said)]


def _compact(found: Findings) -> list[str]:
    """One table over all variants, a line for each and mechanism, and how many of its differences can be told."""
    points = [point for point in points_of(found.curves.values()) if point.mechanism != "clob"]
    if not points:
        return ["Nothing but the book was run, so there is nothing to compare."]
    rows = tuple(
        Row(name, (Entry(point.label), *_beside_the_book(one, point)))
        for name, one in found.curves.items()
        for point in points
    )
    table = Table("", "variant", (("mechanism", ""), *_BESIDE), rows)
    first = f"{len(found.variants)} variants. The first: {setting(next(iter(found.variants.values())).study)}"
    quoted = {f"“{name}”": one for name, one in found.variants.items()}
    said = [_told(point, {name: one.curves for name, one in quoted.items()}) for point in points]
    return [first, "", *markdown(table), "", _READING, "", *bullets([*said, _intervals(quoted)])]


def _beside_the_book(curves: Curves, point: Point) -> tuple[Entry, ...]:
    """The entries below `_BESIDE`; for the CLOB itself only the first."""
    gain = Entry(str(curves.mean(point, "lp_pnl")))
    if point.mechanism == "clob":
        return (gain,)
    reduction, share = curves.change(point, "lp_pnl"), curves.above(point, "lp_pnl")
    if not curves.provided(point):
        reduction, share = Estimate(), nan
    cost = curves.change(point, "shortfall_per_lot")
    return (gain, Entry(str(reduction)), Entry(percent(share)), Entry(str(cost)))


def _told(point: Point, curves: Mapping[str, Curves]) -> str:
    """Where the LP gains more or less than in the book, beyond chance over all variants together."""
    changes = {name: one.change(point, "lp_pnl") for name, one in curves.items() if one.provided(point)}
    changes = {name: change for name, change in changes.items() if change.n > 1}
    if not changes:
        return f"{point.label}: what the liquidity provider gains beside the book cannot be told."
    found: dict[str, list[str]] = {"above the book's": [], "below the book's": [], "not to be told from the book's": []}
    for name, change in changes.items():
        clear = change.told(len(changes))
        found[list(found)[0 if clear and change.mean > 0 else 1 if clear else 2]].append(name)
    parts = [f"{words} {_where(names, len(changes))}" for words, names in found.items() if names]
    if left := len(curves) - len(changes):
        parts.append(f"unknown in {left}, where nobody provides liquidity or one seed has no error")
    return f"{point.label}: the liquidity provider's gain is {'; '.join(parts)}."


def _where(places: Sequence[str], of: int) -> str:
    """At which `places`, of so many, in a few words."""
    if len(places) == of > 1:
        return f"in all {of}"
    return f"at {', '.join(places)}" if len(places) <= FEW else f"in {len(places)} of {of}"


def _intervals(variants: Mapping[str, Outcome]) -> str:
    """The verdicts on a best interval and where each holds; `variants` are by what to call them here."""
    found: dict[str, list[str]] = {}
    for name, one in variants.items():
        found.setdefault(verdict(one.best), []).append(name)
    parts = [said if len(found) == 1 else f"{said} {_where(names, len(variants))}" for said, names in found.items()]
    return f"Interval that makes trading at once cheapest: {'; '.join(parts)}."


def _without_interval(curves: Curves) -> list[str]:
    """A line on what trading at once costs in mechanisms that have no interval."""
    parts = []
    for point in curves.others:
        mean, change = curves.mean(point, "shortfall_per_lot"), curves.change(point, "shortfall_per_lot")
        if point.mechanism != "fba" and mean.known:
            parts.append(f"{point.label} {mean}" + (f"; to the book {change}" if change.known else ""))
    return [f"Mechanisms without an interval, cost of trading at once per lot: {', '.join(parts)}."] if parts else []


def _gains(one: Outcome) -> list[str]:
    """What the LP gains at every point beside its gain in the book, and the share of jumps sniped."""
    curves, study = one.curves, one.study
    changes = {point: curves.change(point, "lp_pnl") for point in curves.others if curves.provided(point)}
    changes = {point: change for point, change in changes.items() if change.n > 1}
    lines = [_gain(curves, point, change, len(changes)) for point, change in changes.items()]
    if isinstance(study.population, Snipers) and study.world.kind == "jumps" and stale_window(study) > 0:
        lines += _sniping(curves, stale_window(study))
    return lines


def _gain(curves: Curves, point: Point, change: Estimate, tried: int) -> str:
    if change.told(tried):
        said = f"{change.size} {'less' if change.mean < 0 else 'more'} than in the book"
    else:
        doubt = "" if change.mean == change.se == 0 else f", as far as can be told ({change.signed})"
        said = f"as much as in the book{doubt}"
    better = percent(curves.above(point, "lp_pnl"))
    return f"{point.label}: the liquidity provider gains {said} ({better} of seeds better)."


def _sniping(curves: Curves, window: int) -> list[str]:
    shares = {point.pi: curves.mean(point, "sniped_share") for point in curves.points if point.mechanism == "fba"}
    parts = [f"{share.mean:.2f} ({min(1.0, window / pi):.2f})" for pi, share in shares.items() if share.known]
    said = f"Share of jumps sniped, by pi, and min(1, {window} / pi) beside it: {', '.join(parts)}."
    return [said] if parts else []
