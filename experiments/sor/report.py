"""The report of a smart order router study: one HTML page with everything inside, and the same numbers as Markdown."""

from __future__ import annotations

from math import comb, isnan
from typing import Any

import pandas as pd
from attrs import frozen

from experiments import pages
from experiments.pages.numbers import MINUS, NONE, Estimate, mean_of, plain, with_error
from experiments.pages.tables import Entry, Row, Table, bullets, document, markdown
from experiments.quotes.tape import QuoteTape
from experiments.sor import figures
from experiments.sor.compare import BENCHMARKS, common, difference, estimate, ranking
from experiments.sor.config import SYNTHETIC, SorStudy, dumps
from experiments.sor.search import Prices, choice, points_of, rows_of
from experiments.sor.study import Results, policies_of
from experiments.sor.words import answer, caveats, question
from marketsim.errors import ConfigError

BAD_SHOWN = 50


@frozen(eq=False)
class Findings:
    """All that a study found.

    Args:
        study: what was asked.
        tape: the file, None for the simulated market.
        results: of the executions.
        published: the source's own table.
        curves: of the first decision; empty where the model cannot be used.
        answers: how the placement of that decision answers to lambda_u.
    """

    study: SorStudy
    tape: QuoteTape | None
    results: Results
    published: pd.DataFrame
    curves: tuple[figures.CostCurve, ...]
    answers: tuple[dict[str, Any], ...]


def chosen(found: Findings) -> Prices | None:
    """The search's choice; None where there is nothing to choose from."""
    if found.results.search.empty:
        return None
    try:
        return choice(found.results.search)
    except ConfigError:
        return None


def title(found: Findings) -> str:
    """Of the page."""
    where = "simulated books" if found.study.data == SYNTHETIC else found.study.data.rpartition("/")[2]
    return found.study.title or f"Smart order router on {where}"


def render(found: Findings) -> str:
    """The page, one HTML file without any request to elsewhere."""
    return pages.render(
        "sor.html",
        title=title(found),
        question=question(found.study, found.tape, found.results),
        answer=answer(found.study, found.results, chosen(found)),
        policies=policy_table(found),
        completion=completion_table(found),
        paired=paired_table(found),
        published=published_table(found),
        search=search_table(found),
        grid=grid_table(found),
        statics=statics_table(found),
        cost=_cost_picture(found),
        fills=_fills_picture(found),
        skipped=found.results.skipped,
        left_out=[name for name in found.study.policies if name not in policies_of(found.study, found.tape)],
        bad=[str(row) for row in found.tape.bad[:BAD_SHOWN]] if found.tape else [],
        bad_count=len(found.tape.bad) if found.tape else 0,
        caveats=caveats(found.study, found.tape),
        configuration=dumps(found.study),
    )


def summary(found: Findings) -> str:
    """The answer and the tables as Markdown."""
    tables = [policy_table(found), completion_table(found), paired_table(found), published_table(found)]
    tables += [search_table(found), statics_table(found), grid_table(found)]
    sections = [(table.caption, markdown(table)) for table in tables if table is not None]
    sections.append(("Decisions left out", bullets(f"{label}: {why}" for label, why in found.results.skipped)))
    bad = found.tape.bad if found.tape is not None else ()
    sections.append((f"Rows that are no quotes: {len(bad)}", bullets(bad)))
    sections.append(("What to keep in mind", bullets(caveats(found.study, found.tape))))
    said = question(found.study, found.tape, found.results)
    return document(title(found), [said], answer(found.study, found.results, chosen(found)), sections)


def policy_table(found: Findings) -> Table | None:
    """Policies over the decisions that can be compared, the cheapest first; the others without numbers."""
    orders = found.results.orders
    if orders.empty:
        return None
    same, order = common(orders), ranking(orders)
    known = same["shortfall_fair"].notna().any()
    heads = [("average price", "a share"), ("saved on naive", "bp"), ("saved on TWAP", "bp"), ("saved on VWAP", "bp")]
    heads += [("slippage", "against arrival, bp"), ("shortfall", "with fees, cents a share")]
    heads += [("against the fair value", "cents a share")] if known else []
    rows = []
    for policy in order:
        average = estimate(same, policy, "average_price")
        entries = [Entry(f"{average.mean:.4f}", "" if isnan(average.se) else f"± {plain(average.se, 2)}")]
        names = (*(f"savings_{name}" for name in BENCHMARKS), "slippage")
        entries += [Entry(str(estimate(same, policy, name))) for name in names]
        entries += [
            Entry(_cents(estimate(same, policy, name)))
            for name in ("shortfall", *(["shortfall_fair"] if known else []))
        ]
        rows.append(Row(policy, tuple(entries)))
    for policy in dict.fromkeys(orders["policy"]):
        if policy not in order:
            why = "no order that can be compared" if order else "no decision at which all completed"
            rows.append(Row(policy, (Entry(NONE, why), *(Entry(NONE) for _ in heads[1:]))))
    count = same["number"].nunique()
    return Table(f"Policies, mean ± s.e. over the {count} decisions compared", "policy", tuple(heads), tuple(rows))


def completion_table(found: Findings) -> Table | None:
    """What every policy filled at all decisions."""
    orders = found.results.orders
    if orders.empty:
        return None
    heads = (
        ("orders complete", ""), ("filled", "shares, mean"), ("unfilled", "shares, mean"),
        ("filled beyond the order", "shares, mean"), ("filled at rest", "shares, mean"),
        ("total cost", "of what was filled, mean"), ("fees less rebates", "mean"),
    )  # fmt: skip
    names = ("filled", "unfilled", "overfilled", "passive", "total_cost", "fees")
    rows = []
    for policy, own in orders.groupby("policy", sort=False):
        entries = [Entry(f"{int(own['complete'].sum())} of {len(own)}")]
        entries += [Entry(plain(float(own[name].mean()), 7)) for name in names]
        rows.append(Row(str(policy), tuple(entries)))
    count = orders["number"].nunique()
    return Table(f"What was filled, all {count} decisions", "policy", heads, tuple(rows))


def paired_table(found: Findings) -> Table | None:
    """Shortfall of each policy less that of the cheapest, at the same decisions."""
    order = ranking(found.results.orders) if not found.results.orders.empty else []
    if len(order) < 2:
        return None
    same = common(found.results.orders)
    rows = []
    for policy in order[1:]:
        gap = difference(same, policy, order[0])
        dearer = float((_pivot(same)[policy] > _pivot(same)[order[0]]).mean())
        told = gap.told(comb(len(order), 2))
        rows.append(Row(policy, (Entry(_cents(gap), told=told), Entry(f"{100 * dearer:.0f} %"))))
    heads = (("dearer by", "cents a share"), ("dearer at", "of decisions"))
    return Table(f"Against {order[0]}, at the same decisions", "policy", heads, tuple(rows))


def published_table(found: Findings) -> Table:
    """The source's rules on the quotes."""
    heads = (
        ("total cost", ""), ("average price", ""), ("filled", "shares"), ("unfilled", "shares"),
        ("saved on naive", "bp"), ("saved on TWAP", "bp"), ("saved on VWAP", "bp"), ("what it is", ""),
    )  # fmt: skip
    rows = []
    for row in found.published.to_dict("records"):
        entries = [Entry(_exact(row[name])) for name in ("total_cost", "average_price", "filled", "unfilled")]
        entries += [Entry(_exact(row[f"savings_{name}"])) for name in BENCHMARKS]
        own = row["row"] not in BENCHMARKS
        words = "a model of fills, no execution" if own else "a price, no execution"
        why = f"not compared: {row['reason']}" if own and row["reason"] else ""
        head = str(row["row"]) if own else f"{row['row']} price"
        rows.append(Row(head, (*entries, Entry(words, why))))
    quotes = "all quotes of the file" if found.tape is not None else "the quotes of the first decision"
    return Table(f"By the published rules, on {quotes}", "row", heads, tuple(rows))


def search_table(found: Findings) -> Table | None:
    """The chosen point and the study's own prices, in and out of sample, and their difference at the same decisions."""
    best = chosen(found)
    if best is None:
        return None
    search, rows = found.results.search, []
    for name, point in (("chosen on the grid", best), ("the study's own prices", None)):
        parts = [rows_of(search, point, part) for part in ("in", "out")]
        prices = Prices(found.study.over, found.study.under, found.study.impact) if point is None else point
        entries = [Entry(plain(value)) for value in (prices.over, prices.under, prices.impact)]
        for part in parts:
            entries += [Entry(_cents(_over(part, "shortfall"))), Entry(_whole(part))]
        rows.append(Row(name, tuple(entries)))
    inside, outside = (_gap(search, best, part) for part in ("in", "out"))
    blank = Entry("")
    entries = [blank, blank, blank]
    # The point was chosen for its shortfall in sample: whether that is beyond chance only the later decisions can say.
    entries += [Entry(_cents(inside)), blank, Entry(_cents(outside), told=outside.told()), blank]
    rows.append(Row("difference", tuple(entries), total=True))
    heads = (
        ("lambda_o", ""), ("lambda_u", ""), ("theta", ""),
        ("shortfall", "in sample, cents a share"), ("complete", "in sample"),
        ("shortfall", "out of sample, cents a share"), ("complete", "out of sample"),
    )  # fmt: skip
    return Table("The search of the model's prices", "prices", heads, tuple(rows))


def grid_table(found: Findings) -> Table | None:
    """Every point of the grid."""
    if found.results.search.empty:
        return None
    rows = []
    for point in points_of(found.study.grid):
        parts = [rows_of(found.results.search, point, part) for part in ("in", "out")]
        entries = [Entry(plain(point.under)), Entry(plain(point.impact))]
        for part in parts:
            entries += [Entry(str(_over(part, "objective"))), Entry(str(_over(part, "market")))]
            entries += [Entry(str(_over(part, "limits")))]
            short = "" if part["complete"].all() else f"of the {_whole(part)} complete"
            entries += [Entry(_cents(_over(part, "shortfall")), short)]
        rows.append(Row(plain(point.over), tuple(entries)))
    measures = (("objective", "money"), ("M", "shares"), ("sum of L", "shares"), ("shortfall", "cents a share"))
    heads = (("lambda_u", ""), ("theta", ""), *measures, *measures)
    groups = (("", 2), ("in sample", 4), ("out of sample", 4))
    return Table("Every point of the grid, mean ± s.e. over decisions", "lambda_o", heads, tuple(rows), groups)


def statics_table(found: Findings) -> Table | None:
    """How one placement answers to lambda_u."""
    if not found.answers:
        return None
    rows = tuple(
        Row(
            plain(row["under"]),
            (Entry(plain(row["market"])), Entry(plain(row["limits"])), Entry(plain(row["cost"], 6))),
        )
        for row in found.answers
    )
    heads = (("M", "lots at market"), ("sum of L", "lots at limit"), ("objective", "money"))
    return Table("The placement of the first decision by lambda_u", "lambda_u", heads, rows)


def _over(rows: pd.DataFrame, column: str) -> Estimate:
    return mean_of(rows.loc[rows["complete"], column] if column == "shortfall" else rows[column])


def _gap(search: pd.DataFrame, point: Prices, part: str) -> Estimate:
    one, other = (rows_of(search, which, part).set_index("number")["shortfall"] for which in (point, None))
    return mean_of(one - other)


def _whole(part: pd.DataFrame) -> str:
    return f"{int(part['complete'].sum())} of {len(part)}"


def _pivot(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.pivot_table(index="number", columns="policy", values="shortfall")


def _cents(value: Estimate) -> str:
    return with_error(100 * value.mean, 100 * value.se)


def _exact(value: Any) -> str:
    return NONE if value is None or isnan(value) else f"{value:.15g}".replace("-", MINUS)


def _cost_picture(found: Findings) -> pages.Picture | None:
    if not found.curves:
        return None
    words = "; ".join(f"lambda_u {plain(each.under)}: {plain(100 * each.chosen[0], 3)} %" for each in found.curves)
    return pages.embedded(
        figures.cost_picture(found.curves), f"Model cost against the share sent at market. Chosen shares: {words}."
    )


def _fills_picture(found: Findings) -> pages.Picture | None:
    orders, fills = found.results.orders, found.results.fills
    if orders.empty or fills.empty:
        return None
    first = orders["number"].iloc[0]
    own = orders[orders["number"] == first]
    picture = figures.fills_picture(
        fills[fills["number"] == first], own, found.study.horizon, found.study.step_ms / 1000
    )
    pairs = zip(own["policy"], own["filled"], strict=True)
    words = "; ".join(f"{policy} {plain(filled, 6)}" for policy, filled in pairs)
    return pages.embedded(picture, f"Shares filled over time at {own['label'].iloc[0]}. At the end: {words}.")
