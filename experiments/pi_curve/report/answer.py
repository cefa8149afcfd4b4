"""The answer of a study in words, computed from its numbers: what the liquidity provider gains, at whose cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from attrs import frozen

from experiments.pages.numbers import Estimate, listed, percent, plain
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.report.curves import Curves, points_of
from experiments.statistics import Best, verdict

_COST = "shortfall_per_lot"
_FEW = 4  # names of variants that one sentence still carries


@frozen
class Finding:
    """What one variant says of the liquidity provider's gain beside the CLOB.

    Attributes:
        point: where the text looks: the largest gain that can be told from the CLOB, else the largest loss that can,
            else the largest difference either way.
        change: the paired difference there, money per run.
        up: at how many points the gain is above the CLOB's, beyond chance at 5 % over all points together.
        down: at how many it is below.
        tried: number of points compared.
    """

    point: Point
    change: Estimate
    up: int
    down: int
    tried: int

    @property
    def told(self) -> bool:
        """The difference at `point` is beyond chance."""
        return self.change.told(self.tried)


def finding(curves: Curves) -> Finding | None:
    """The finding of a variant; None without a CLOB, with one seed, or where nobody provides liquidity.

    It is about the batch auction where that was run, as the question is; else about what else was.
    """
    points = [point for point in curves.others if point.mechanism == "fba"] or curves.others
    changes = [(point, curves.change(point, "lp_pnl")) for point in points if curves.provided(point)]
    changes = [(point, change) for point, change in changes if change.n > 1]
    if not changes:
        return None
    told = [(point, change) for point, change in changes if change.told(len(changes))]
    up = [pair for pair in told if pair[1].mean > 0]
    down = [pair for pair in told if pair[1].mean < 0]
    if up:
        point, change = max(up, key=lambda pair: pair[1].mean)
    elif down:
        point, change = min(down, key=lambda pair: pair[1].mean)
    else:
        point, change = max(changes, key=lambda pair: abs(pair[1].mean))
    return Finding(point, change, len(up), len(down), len(changes))


def sentences(curves: Curves, found: Finding | None, best: Best | None) -> list[str]:
    """Three sentences on one variant: the benefit, its cost, and whether there is a best interval."""
    batches = any(point.mechanism == "fba" for point in curves.points)
    last = optimum(best, long=True) if batches else "No batch interval was tried, so none can be called the best"
    return [_benefit(curves, found) + _with_pools({"": curves}), _cost(curves, found), f"{last}."]


def _benefit(curves: Curves, found: Finding | None) -> str:
    if not any(map(curves.provided, curves.points)):
        return "The liquidity provider never traded, so nothing is said about it."
    if found is None:
        values = "; ".join(f"{point.label} {curves.mean(point, 'lp_pnl')}" for point in curves.points)
        lacking = "one seed has no error" if curves.book else "the study has no CLOB to compare with"
        return f"Whether batching helps the liquidity provider cannot be told: {lacking} (gain per run: {values})."
    place, book = found.point, curves.book
    lot, fills = curves.change(place, "lp_markout_0"), curves.mean(place, "lp_fills")
    beside = f"from {_at(curves, book, 'lp_pnl')} to {curves.mean(place, 'lp_pnl')}"
    per_lot = f"; per lot the difference is {lot.signed}" if lot.known else ""
    per_lot += f", on {plain(fills.mean, 3)} fills instead of {_at(curves, book, 'lp_fills', short=True)}"
    if found.told:
        direction = "more" if found.change.mean > 0 else "less"
        said = f"gains {found.change.size} {direction} money per run than in the CLOB ({beside})"
        return f"At {place.label} the liquidity provider {said}{per_lot}; {_counts(found)}."
    if found.change.mean == 0:
        return "The liquidity provider gains exactly what it gains in the CLOB, at everything tried."
    return (
        "No difference to the CLOB can be told in what the liquidity provider gains: the largest, at "
        f"{place.label}, is {found.change.signed} money per run ({beside}){per_lot}, {_chance(found.tried)}."
    )


def _chance(tried: int) -> str:
    return "and can be chance" if tried == 1 else f"and can be chance among {tried} comparisons"


def _counts(found: Finding) -> str:
    same = found.tried - found.up - found.down
    parts = [(found.up, "above"), (found.down, "below")]
    said = [f"{count} {'lies' if count == 1 else 'lie'} {where} it" for count, where in parts if count]
    said += [f"{same} cannot be told from it"] if same else []
    return f"of {found.tried} points compared with the CLOB, {listed(said)}"


def _at(curves: Curves, point: Point | None, measure: str, *, short: bool = False) -> str:
    mean = curves.mean(point, measure) if point else Estimate()
    return plain(mean.mean, 3) if short else str(mean)


def _cost(curves: Curves, found: Finding | None) -> str:
    if not curves.shown([_COST]):
        return "Nobody traded for immediacy, so the cost of waiting is not known."
    if found is None:
        values = "; ".join(f"{point.label} {curves.mean(point, _COST)}" for point in curves.points)
        return f"Trading at once costs noise traders and investors, in money per lot: {values}."
    place = found.point
    change, wait = curves.change(place, _COST), curves.mean(place, "wait_mean")
    if change.told():
        direction = "more" if change.mean > 0 else "less"
        said = f"costs noise traders and investors {change.size} money per lot {direction} there than in the CLOB"
    else:
        said = "costs noise traders and investors there, as far as can be told, what it costs in the CLOB"
        said += f" ({change.signed} money per lot)" if change.known else ""
    book = _at(curves, curves.book, "wait_mean")
    parts = [f"they wait {wait} steps instead of {book}"] if wait.known else []
    if (risk := curves.mean(place, "delay_sd")).known:
        parts.append(f"carry a price risk of {risk} money per lot (s.d.) while they wait")
    if (left := curves.mean(place, "expired_share")).known:
        parts.append(f"are left with {percent(left.mean)} unfilled")
    beside = f"; {listed(parts)}" if parts else ""
    return f"Trading at once, unfilled lots included, {said}{beside}."


def optimum(best: Best | None, *, long: bool = False) -> str:
    """Whether one batch interval makes trading at once cheapest, in a few words or, if `long`, in a sentence."""
    said = verdict(best)
    if not long:
        return said
    if best is None:
        return "No interval can be called the best, as nobody traded for immediacy"
    if len(best.tried) == 1 or isnan(best.se):
        return f"Which interval is best cannot be told from {'one interval' if len(best.tried) == 1 else 'one seed'}"
    where = "in the CLOB" if best.pi == 0 else f"at pi = {best.pi}"
    cost = f"Trading at once is cheapest {where} ({Estimate(best.cost, best.se, 2)} money per run)"
    if best.flat:
        return f"{cost}, but the curve is flat: no interval tried can be told from it"
    rivals = listed("the CLOB" if pi == 0 else str(pi) for pi in best.rivals) if best.rivals else ""
    tied = f"; not to be told from it: {rivals}" if rivals else ""
    kind = f"an {said.replace('at', 'inside the range, at', 1)}" if best.optimum else said
    return f"{cost}: {kind}{tied}"


def overall(
    found: Mapping[str, Finding | None], curves: Mapping[str, Curves], best: Mapping[str, Best | None]
) -> list[str]:
    """Three sentences over all variants: where batching helps or harms, what that costs, where an optimum is."""
    return [_where_it_helps(found) + _with_pools(curves), _what_it_costs(found, curves), _where_an_optimum_is(best)]


def _with_pools(curves: Mapping[str, Curves]) -> str:
    """What the liquidity provider gains in mechanisms beside the batch auction; "" without these, or without it."""
    points = points_of(curves.values())
    if not any(point.mechanism == "fba" for point in points):
        return ""  # then the finding is about them
    said = ""
    for point in (point for point in points if point.mechanism not in ("clob", "fba")):
        changes = {name: one.change(point, "lp_pnl") for name, one in curves.items() if one.provided(point)}
        changes = {name: change for name, change in changes.items() if change.n > 1}
        parts = _compared(changes)
        said += f" With {point.label} {listed(parts)}." if parts else ""
    return said


def _compared(changes: Mapping[str, Estimate]) -> list[str]:
    told = {name: change.told(len(changes)) for name, change in changes.items()}
    groups = {
        "it gains more than in the CLOB": [name for name in changes if told[name] and changes[name].mean > 0],
        "it gains less than in the CLOB": [name for name in changes if told[name] and changes[name].mean < 0],
        "no difference can be told": [name for name in changes if not told[name]],
    }
    parts = []
    for words, names in groups.items():
        where = f"({changes[''].signed})" if names == [""] else f"in {_variants(names, changes)}" if names else ""
        parts += [f"{words} {where}"] if names else []
    return parts


def _where_it_helps(found: Mapping[str, Finding | None]) -> str:
    known = {name: one for name, one in found.items() if one}
    if not known:
        return "No variant compares anything with a CLOB over several seeds, so no benefit can be told."
    told = {name: one.change for name, one in known.items()}
    at = {name: f", {one.point.label}" for name, one in known.items()}
    up = [name for name, one in known.items() if one.told and one.change.mean > 0]
    down = [name for name, one in known.items() if one.told and one.change.mean < 0]
    same = [name for name, one in known.items() if not one.told]
    unknown = [name for name in found if name not in known]
    parts = [
        f"the liquidity provider gains more than in the CLOB in {_variants(up, told, at)}" if up else "",
        f"the liquidity provider gains less than in the CLOB in {_variants(down, told, at)}" if down else "",
        f"no difference to the CLOB in what the liquidity provider gains can be told in {_variants(same, told, at)}"
        if same
        else "",
        f"in {_variants(unknown)} nothing can be compared" if unknown else "",
    ]
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]} (sizes: largest difference tried, money per run)."


def _what_it_costs(found: Mapping[str, Finding | None], curves: Mapping[str, Curves]) -> str:
    changes = {name: curves[name].change(one.point, _COST) for name, one in found.items() if one}
    changes = {name: change for name, change in changes.items() if change.known}
    if not changes:
        return "What it costs those who want to trade at once is not known."
    told = {name: change.told(len(changes)) for name, change in changes.items()}
    more = [name for name, change in changes.items() if told[name] and change.mean > 0]
    less = [name for name, change in changes.items() if told[name] and change.mean < 0]
    same = [name for name in changes if not told[name]]
    parts = [
        f"dearer than in the CLOB in {_variants(more, changes)}" if more else "",
        f"cheaper than in the CLOB in {_variants(less, changes)}" if less else "",
        f"not to be told from the CLOB in {_variants(same, changes)}" if same else "",
    ]
    said = "; ".join(part for part in parts if part)
    return f"At the same points trading at once, unfilled lots included, is {said} (difference, money per lot)."


def _where_an_optimum_is(best: Mapping[str, Best | None]) -> str:
    verdicts: dict[str, list[str]] = {}
    for name, one in best.items():
        verdicts.setdefault(optimum(one), []).append(name)
    parts = [f"{verdict} in {_variants(names)}" for verdict, names in verdicts.items()]
    return f"As to an interval that makes trading at once cheapest: {'; '.join(parts)}."


def _variants(
    names: Sequence[str], sizes: Mapping[str, Estimate] | None = None, at: Mapping[str, str] | None = None
) -> str:
    # By name while they are few, each with its size and place; else their number and the range of sizes.
    if len(names) > _FEW:
        ordered = sorted((sizes[name] for name in names), key=lambda size: size.mean) if sizes else []
        return f"{len(names)} variants" + (f" (from {ordered[0].signed} to {ordered[-1].signed})" if ordered else "")
    places = at or dict.fromkeys(names, "")
    return listed(f"“{name}” ({sizes[name].signed}{places[name]})" if sizes else f"“{name}”" for name in names)
