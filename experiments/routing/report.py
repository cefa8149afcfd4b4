"""The report of a routing study: one HTML page with everything inside, and the same numbers as Markdown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments import pages
from experiments.pages.numbers import Estimate, mean_of, percent, plain, with_error
from experiments.pages.tables import Entry, Row, Table, bullets, document, markdown
from experiments.routing import figures
from experiments.routing.answer import answer, caveats, constant_winner, question
from experiments.routing.config import dumps
from experiments.routing.findings import Findings
from experiments.routing.study import KEYS, NO_LEARNING, ORDERS, SHUFFLED
from experiments.statistics import mean_and_se

BITS = {"choice": "1 bit", "context+choice": "2 bits", "none": "none"}


def summarise(cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per agent, information, control, context and knows: `mean`, `se` over seeds, `se_windows`, `runs`.

    Windows are averaged for each seed before the error over seeds is taken, and seeds for each window before the error
    over windows, which is nan for one window.
    """
    rows = []
    for key, group in cells.groupby(KEYS, sort=False):
        seeds = mean_and_se(group.groupby("seed")[measure].mean().to_numpy(np.float64))
        windows = mean_and_se(group.groupby("window")[measure].mean().to_numpy(np.float64))
        found = {"mean": seeds["mean"], "se": seeds["se"], "se_windows": windows["se"], "runs": len(group)}
        rows.append(dict(zip(KEYS, key, strict=True)) | found)
    return pd.DataFrame(rows)


def render(found: Findings) -> str:
    """The page, one HTML file without any request to elsewhere."""
    study = found.study
    return pages.render(
        "route.html",
        title=study.title or f"Routing on {found.data.tapes.sources.symbol or study.data}",
        question=question(found),
        answer=answer(found),
        alarm=constant_winner(found),
        note=found.data.tapes.sources.note,
        coverage=coverage_table(found),
        regrets=[regret_table(found, knows, context) for knows, context in groups_of(found)],
        curves=_curves(found),
        parameters=_parameters(found),
        sampling=sampling_table(found),
        engine=engine_table(found),
        generative=generative_table(found),
        heat_maps=_heat_maps(found),
        directions=found.generative,
        seconds=seconds_table(found),
        total=plain(found.seconds, 3),
        caveats=caveats(found),
        configuration=dumps(study),
    )


def summary(found: Findings) -> str:
    """The answer and the tables as Markdown."""
    said = (constant_winner(found), question(found), found.data.tapes.sources.note)
    tables = [coverage_table(found), *(regret_table(found, *group) for group in groups_of(found))]
    tables += [
        table for table in (sampling_table(found, seconds=False), engine_table(found), generative_table(found)) if table
    ]
    sections = [(table.caption, markdown(table)) for table in tables]
    sections.append(("What to keep in mind", bullets(caveats(found))))
    return document(found.study.title or found.study.name, filter(None, said), answer(found), sections)


def groups_of(found: Findings) -> list[tuple[str, str]]:
    """(knows, context), in the order of the configuration."""
    return [(knows, context) for knows in found.study.knows for context in found.study.contexts]


def coverage_table(found: Findings) -> Table:
    """How much of the panel each venue's own trades cover."""
    heads = (
        ("trades", ""), ("with a trade of its own", "share of buckets"), ("with a price", "share"),
        ("best price", "share"), ("best price tied", "share"), ("longest carried", "buckets"),
    )  # fmt: skip
    rows = [
        Row(
            row["venue"],
            (
                Entry(plain(row["trades"], 6)),
                *(Entry(percent(row[name])) for name in ("own_share", "price_share", "best_share", "tied_share")),
                Entry(plain(row["carried_max"])),
            ),
        )
        for row in found.data.panel.coverage().to_dict("records")
    ]
    return Table(f"{len(found.data.panel)} buckets of {found.data.panel.width} ms", "venue", heads, tuple(rows))


def regret_table(found: Findings, knows: str, context: str) -> Table:
    """Agents by mean regret, lowest first; the standard error over windows below that over seeds.

    The errors of the control are over orders of the rows.
    """
    cells = found.results.cells
    own = cells[(cells["knows"] == knows) & (cells["context"] == context)]
    tables = {name: summarise(own, name) for name in ("regret", "hit_rate", "shortfall", "given_up")}
    regrets = tables["regret"]
    control = own[own["control"] == SHUFFLED].groupby(["agent", "information", "order"])["regret"].mean()
    seeds = min(found.study.control_seeds, found.study.seeds)
    rows = []
    for place in regrets[regrets["control"] == ""].sort_values("mean", kind="stable").index:
        row = regrets.loc[place]
        key = (row["agent"], row["information"])
        shuffled = mean_of(control.get(key, ()))
        others = [tables[name].loc[place] for name in ("hit_rate", "shortfall", "given_up")]
        windows = with_error(row["mean"], row["se_windows"]).partition(" ± ")[2]
        entries = [
            Entry(BITS[row["information"]]),
            Entry(with_error(row["mean"], row["se"]), windows and f"windows ± {windows}"),
        ]
        entries += [Entry(with_error(other["mean"], other["se"])) for other in others]
        entries.append(Entry(str(shuffled)))
        rows.append(Row(str(row["agent"]), tuple(entries), total=row["agent"] in NO_LEARNING))
    heads = (
        ("learns from", "a step"), ("regret", "2 per miss, ± s.e. over seeds"), ("hit rate", ""),
        ("shortfall", "of the fill, price per lot"), ("given up", "at the bucket's close, price per lot"),
        ("regret, shuffled rows", f"± s.e. over {ORDERS} orders, {seeds} seeds"),
    )  # fmt: skip
    steps = int(own["steps"].iloc[0])
    said = "the bucket that has closed" if knows == "last" else "the bucket to come"
    runs = f"{found.study.seeds} seeds x {found.study.windows} windows x {steps} steps"
    return Table(f"{context.capitalize()} context, label of {said}; {runs}", "agent", heads, tuple(rows))


def sampling_table(found: Findings, *, seconds: bool = True) -> Table | None:
    """Exact enumeration beside sampling; without seconds where two runs must be alike."""
    if found.sampling is None:
        return None
    heads = [("path", ""), ("context", ""), ("seeds x steps", ""), ("regret, exact", ""), ("regret, sampled", "")]
    heads += [("sampled less exact", "by seed")]
    heads += [("exact", "seconds"), ("sampled", "seconds"), ("ratio", "sampled / exact")] if seconds else []
    rows = []
    for row in found.sampling.to_dict("records"):
        extra = Estimate(row["extra"], row["extra_se"], row["seeds"])
        entries = [Entry(row["path"]), Entry(row["context"]), Entry(f"{row['seeds']} x {row['steps']}")]
        entries += [Entry(with_error(row[name], row[f"{name}_se"])) for name in ("exact", "sampled")]
        entries.append(Entry(extra.signed, "", told=extra.told()))
        if seconds:
            entries += [Entry(plain(row[name], 3)) for name in ("exact_seconds", "sampled_seconds", "ratio")]
        rows.append(Row(row["rule"], tuple(entries)))
    return Table("The Ising router, exact inference beside THRML sampling", "rule", tuple(heads), tuple(rows))


def engine_table(found: Findings) -> Table | None:
    """One run of each agent through the event loop."""
    if found.engine is None:
        return None
    marks = [name for name in found.engine.columns if name.startswith("markout_")]
    heads = [("decisions", ""), ("same as the batched path", ""), ("without a fill", ""), ("regret", "2 per miss")]
    heads += [("shortfall", "price per lot")]
    heads += [(f"markout after {name.removeprefix('markout_')}", "buckets, price per lot") for name in marks]
    rows = [
        Row(
            row["agent"],
            (
                Entry(plain(row["decisions"])),
                Entry("yes" if row["alike"] else "NO"),
                *(Entry(plain(row[name])) for name in ("unfilled", "regret", "shortfall", *marks)),
            ),
        )
        for row in found.engine.to_dict("records")
    ]
    caption = f"Through the event loop, {found.study.contexts[-1]} context, seed {found.study.first_seed}"
    return Table(caption, "agent", tuple(heads), tuple(rows))


def generative_table(found: Findings) -> Table | None:
    """Errors of the models of price directions."""
    if found.generative is None:
        return None
    names = ("marginal_mae", "marginal_mse", "correlation_mae", "correlation_mse", "moment_error")
    heads = tuple((name.replace("_", " ").replace("mae", "MAE").replace("mse", "MSE"), "") for name in names)
    rows = tuple(
        Row(row["model"], tuple(Entry(plain(row[name], 3)) for name in names))
        for row in found.generative.table().to_dict("records")
    )
    return Table(f"{found.generative.samples} states sampled from each model", "model", heads, rows)


def seconds_table(found: Findings) -> Table:
    """Seconds of every agent by group, compilation included."""
    table = found.results.seconds
    groups = [*((*group, "") for group in groups_of(found)), *((*group, SHUFFLED) for group in groups_of(found))]
    named = {(r["agent"], r["information"], r["knows"], r["context"], r["control"]): r["seconds"]
             for r in table.to_dict("records")}  # fmt: skip
    kept = [group for group in groups if any(key[2:] == group for key in named)]
    agents = list(dict.fromkeys(key[:2] for key in named))
    rows = tuple(
        Row(agent, (Entry(BITS[bits]), *(Entry(plain(named.get((agent, bits, *group), np.nan), 3)) for group in kept)))
        for agent, bits in agents
    )
    heads = (("learns from", "a step"), *((f"{context}, {knows}", control) for knows, context, control in kept))
    return Table("Seconds of thread time, compilation included", "agent", heads, rows)


def own_information(found: Findings) -> dict[str, str]:
    """The information with which each agent is drawn: the first that was asked for."""
    table = found.results.seconds
    pairs = [(row["agent"], row["information"]) for row in table.to_dict("records")]
    return dict(reversed(list(dict.fromkeys(pairs))))


def _curves(found: Findings) -> pages.Picture:
    curves = found.results.curves
    order = list(dict.fromkeys(found.results.cells["agent"]))
    own = own_information(found)
    agents = {agent: own[agent] for agent in order if agent != "oracle"}
    picture = figures.regret_curves(curves[curves["control"] == ""], groups_of(found), agents)
    ends = found.results.cells[found.results.cells["control"] == ""].groupby("agent", sort=False)["regret"].mean()
    words = "; ".join(f"{agent} {plain(value)}" for agent, value in ends.items())
    return pages.embedded(picture, f"Cumulative regret over time by agent. Means at the end, all contexts: {words}.")


def _parameters(found: Findings) -> pages.Picture | None:
    own, knows = own_information(found), found.study.knows[0]
    shown = {
        f"{agent}, {context} context": theta
        for (agent, bits, context, knew), theta in found.results.theta.items()
        if bits == own[agent] and knew == knows and "biases" not in agent
    }
    if not shown:
        return None
    alt = "Learned biases and couplings at the end, mean over seeds of the last window: " + "; ".join(
        f"{name}: biases {', '.join(plain(value, 2) for value in theta[: len(found.data.panel.venues)])}"
        for name, theta in shown.items()
    )
    return pages.embedded(figures.parameters(shown, found.data.panel.venues), alt)


def _heat_maps(found: Findings) -> pages.Picture | None:
    side = found.generative
    if side is None:
        return None
    matrices = {"data": side.correlations} | {model.name: model.correlations for model in side.models}
    errors = "; ".join(f"{model.name} {plain(model.errors['correlation_mae'], 2)}" for model in side.models)
    alt = f"Correlations of price directions, data and samples. Mean absolute errors: {errors}."
    return pages.embedded(figures.correlations(matrices, side.venues), alt)
