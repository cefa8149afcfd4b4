"""What a routing study says in words: its question, its answer in three sentences, its caveats."""

from __future__ import annotations

import pandas as pd

from experiments.pages.numbers import Estimate, listed, mean_of, percent, plain
from experiments.routing.findings import Findings
from experiments.routing.study import NO_LEARNING, SHUFFLED

_TWO_BITS = "context+choice"


def question(found: Findings) -> str:
    """What is asked, of which venues, at which steps."""
    venues, study = found.data.panel.venues, found.study
    seen = {"last": "was best in the last bucket", "label": "will be best in this bucket"}
    return (
        f"Each {plain(found.data.panel.width / 1000)} s a router sells one lot at one of {len(venues)} venues "
        f"({', '.join(venues)}), having been told of one other venue only whether it "
        f"{' or '.join(seen[knows] for knows in study.knows)}. Which way to choose misses the best price least often, "
        "and how much of it is skill?"
    )


def constant_winner(found: Findings) -> str:
    """What must be said outright: contracts that cannot stand for one another, or a winner that never changes."""
    table, lines = found.data.panel.coverage(), []
    if not found.data.tapes.sources.fungible:
        lines.append(
            "These venues trade contracts that are not fungible: the best price among them follows their basis."
        )
    winners = table[table["best_share"] > 1 - 1e-12]["venue"].tolist()
    if winners:
        lines.append(
            f"{winners[0]} has the best price in every bucket: the labels are constant, and all that these regrets "
            "show is how many steps an agent takes to find that out."
        )
    return " ".join(lines)


def paired(cells: pd.DataFrame, first: tuple[str, str], second: tuple[str, str], by: str = "seed") -> Estimate:
    """Mean regret of `first` less that of `second`, each (agent, information), paired by "seed" or "window"."""
    columns = [
        cells[(cells["agent"] == agent) & (cells["information"] == bits)].groupby(by)["regret"].mean()
        for agent, bits in (first, second)
    ]
    return mean_of(columns[0] - columns[1])


def answer(found: Findings) -> list[str]:
    """Three sentences: who is best, where the Ising router stands at equal information, what is left when shuffled."""
    knows, context = found.study.knows[0], found.study.contexts[-1]
    cells = found.results.cells
    cells = cells[(cells["knows"] == knows) & (cells["context"] == context)]
    own, shuffled = cells[cells["control"] == ""], cells[cells["control"] == SHUFFLED]
    learners = own[~own["agent"].isin(NO_LEARNING)]
    return [
        line for line in (_best(learners, own, context), _ising(learners), _tracking(own, shuffled, learners)) if line
    ] or ["No agent that learns was studied."]


def _means(cells: pd.DataFrame) -> pd.Series[float]:
    return cells.groupby(["agent", "information"], sort=False)["regret"].mean()


def _first(means: pd.Series[float]) -> str:
    return str(next(iter(means.index.get_level_values("agent"))))


def _best(learners: pd.DataFrame, own: pd.DataFrame, context: str) -> str:
    if learners.empty:
        return ""
    means = _means(learners).sort_values(kind="stable")
    least = means[means <= means.iloc[0] * (1 + 1e-12)].index.get_level_values("agent")
    agents = list(dict.fromkeys(str(agent) for agent in least))
    who = f"{listed(agents)} {'misses' if len(agents) == 1 else 'miss'} least"
    chance = own[own["agent"] == "chance"]["regret"]
    beside = f" against {plain(float(chance.mean()))} of choosing by chance" if len(chance) else ""
    steps = int(own["steps"].iloc[0])
    return f"With a {context} context {who}: regret {plain(float(means.iloc[0]))} in {steps} steps{beside}."


def _ising(learners: pd.DataFrame) -> str:
    at_two = learners[learners["information"] == _TWO_BITS]
    isings = [agent for agent in dict.fromkeys(at_two["agent"]) if agent in {"ising", "ising-source"}]
    others = at_two[~at_two["agent"].str.startswith("ising")]
    if not isings or others.empty:
        return ""
    rival = _first(_means(others).sort_values(kind="stable"))
    # Which rival is best was seen in the same runs, so any Ising router might have been compared with any of them.
    pairs = len(isings) * others["agent"].nunique()
    told = "; ".join(_gap(at_two, agent, rival, pairs) for agent in isings)
    less = f"the regret of the Ising router less that of {rival}, the best other"
    return f"At equal information (two bits a step) {less}: {told}."


def _gap(cells: pd.DataFrame, agent: str, rival: str, comparisons: int) -> str:
    gaps = {f"{by}s": paired(cells, (agent, _TWO_BITS), (rival, _TWO_BITS), by) for by in ("seed", "window")}
    said = [
        f"{'beyond' if gap.told(comparisons) else 'not beyond'} chance over {over}"
        for over, gap in gaps.items()
        if gap.n > 1
    ]
    return f"{agent} {gaps['seeds'].signed} ({', '.join(said) or 'one run'})"


def _tracking(own: pd.DataFrame, shuffled: pd.DataFrame, learners: pd.DataFrame) -> str:
    """A rank test: rows without any memory are as likely to be best in their own order as in any random one.

    Every order has its own best learner, of the same seeds: only so does choosing one favour no order.
    """
    chance = float(own[own["agent"] == "chance"]["regret"].mean())
    mixed = shuffled[~shuffled["agent"].isin(NO_LEARNING)]
    if mixed.empty or learners.empty or not chance > 0:
        return ""
    seeds = mixed["seed"].unique()
    before = float(_means(learners[learners["seed"].isin(seeds)]).min())
    after = mixed.groupby(["order", "agent", "information"])["regret"].mean().groupby("order").min()
    least, mean, most = (percent(1 - regret / chance) for regret in (after.max(), after.mean(), after.min()))
    tells = (
        "the tape is beyond all of them (5 %, one-sided), so the rest is tracking of what persists in it"
        if before < after.min()
        else "the tape is not beyond them, so tracking of a winner that persists cannot be told to add any"
    )
    return (
        f"At {len(seeds)} seeds the best learner avoids {percent(1 - before / chance)} of the regret of chance, and "
        f"{mean} ({least} to {most}) in {len(after)} random orders of the rows, which leave only who wins most often: "
        f"{tells}."
    )


def caveats(found: Findings) -> list[str]:
    """What a reader must keep in mind."""
    study = found.study
    lines = [
        "Regret counts 2 for each step whose choice missed the best price though a venue that could be chosen had it.",
        "The context venue cannot be chosen.",
        "Prices are last trades carried forward, not quotes: that a lot could be sold at them is an assumption.",
        "A fill has the price of the moment when it was decided on; regret is judged when the next bucket has closed.",
        "Errors over seeds are those of the agents' draws on this tape; only errors over windows are those of the tape."
        + ("" if study.windows > 1 else " One window was studied: that error is not known."),
        "Compare agents at equal information: one bit a step (the outcome of the choice) or two (the context's too).",
        "Curves show each agent with the information it was made for.",
        "With no couplings both learning rules are one and the same.",
    ]
    if "label" in study.knows:
        lines.append(
            'Where the context bit is the label of the bucket to come ("label", as published), no router could know it.'
        )
    if study.ties == "draw":
        lines.append("Ties are drawn in the batched study, and shared where agents run through the event loop.")
    if found.generative is not None:
        lines.append(
            "A model trained step by step at a constant rate never settles; its error is that of its last steps. "
            "Correlation errors are over pairs of different venues."
        )
    return lines
