"""The report of a routing study: complete, honest where the data say nothing, without a request to elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from attrs import evolve

from experiments.routing import answer, report
from experiments.routing.config import RouteStudy
from experiments.routing.run import find
from experiments.routing.study import ORDERS, SHUFFLED, Data, load_data
from experiments.routing.synthetic import LeadLag
from marketsim.tape import TradeTape

pytest.importorskip("jax")

STUDY = RouteStudy(
    agents=("ising", "hidden-markov", "epsilon-greedy", "chance", "oracle"), seeds=3, steps=300, windows=2,
    control_seeds=3, engine_steps=30, samples=200, made=LeadLag(duration_ms=700_000),
)  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return find(STUDY, load_data(STUDY), clock=iter(range(100_000)).__next__)


@pytest.fixture(scope="module")
def page(found):
    return report.render(found)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.alts, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.addresses += [told[name] for name in ("src", "href") if name in told]
        self.alts += [told.get("alt")] if tag == "img" else []
        self.ids += [told["id"]] if "id" in told else []
        if tag not in {"img", "meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in {"img", "meta", "link", "br"}:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing(page):
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(address.startswith("data:") for address in tags.addresses)
    assert not re.search(r"<script|@import|url\(", page)
    wanted = {"question", "answer", "data", "regret", "parameters", "engine", "generative", "time", "caveats"}
    assert wanted <= set(tags.ids)
    assert len(tags.alts) == 3
    assert all(alt and len(alt) > 40 for alt in tags.alts)


def test_the_table_says_what_each_agent_learned_from(found):
    table = report.regret_table(found, "last", "random")
    rows = [(row.head, row.entries[0].text) for row in table.rows]
    assert rows[0] == ("oracle", "none")
    assert {("epsilon-greedy", "1 bit"), ("epsilon-greedy", "2 bits"), ("ising", "2 bits")} <= set(rows)
    regrets = [float(row.entries[1].text.partition(" ")[0]) for row in table.rows]
    assert regrets == sorted(regrets)
    assert all("windows" in row.entries[1].below for row in table.rows if row.head != "oracle")


def test_the_answer_has_three_sentences_with_the_numbers_of_the_cells(found):
    lines = answer.answer(found)
    assert len(lines) == 3
    cells = found.results.cells
    own = cells[(cells["context"] == "random") & (cells["control"] == "")]
    best = own[own["agent"] == "hidden-markov"]["regret"].mean()
    assert f"hidden-markov misses least: regret {best:.4g} " in lines[0]
    gap = answer.paired(own, ("ising", "context+choice"), ("hidden-markov", "context+choice"))
    assert gap.mean == pytest.approx(own[own["agent"] == "ising"]["regret"].mean() - best)
    assert gap.signed in lines[1]
    assert "beyond all of them" in lines[2]


def said(cells, seeds=1):
    """What is said of a study with these cells."""
    study = RouteStudy(contexts=("random",), seeds=seeds, control_seeds=seeds)
    common = {"knows": "last", "context": "random", "information": "context+choice", "window": 0, "steps": 1000}
    cells = pd.DataFrame(cells, columns=["agent", "order", "seed", "regret"]).assign(**common)
    cells["control"] = np.where(cells["order"] > 0, SHUFFLED, "")
    return answer.answer(SimpleNamespace(study=study, results=SimpleNamespace(cells=cells)))


def allowed(level, studies):
    """Shares of `studies` beyond chance that three standard errors above the level allow."""
    return level + 3 * (level * (1 - level) / studies) ** 0.5


def test_the_best_of_several_equal_rivals_is_not_worse_by_having_been_picked():
    """One Ising router and 60 others, all alike: 5 % of studies may tell it from the best of them."""
    agents, draws, studies = ["ising", *(f"rival-{k}" for k in range(60))], np.random.default_rng(1), 40
    told = 0
    for _ in range(studies):
        regrets = draws.normal(1000.0, 50.0, (len(agents), 20))
        cells = [(agent, 0, seed, regrets[k, seed]) for k, agent in enumerate(agents) for seed in range(20)]
        told += "(beyond chance over seeds)" in said(cells)[1]
    assert told / studies <= allowed(0.05, studies)


def test_rows_without_memory_are_told_from_their_shuffles_once_in_twenty():
    """Regrets move with the order of the rows, whichever it is: the order that they came in is one of 20."""
    draws, studies, told = np.random.default_rng(2), 60, 0
    for _ in range(studies):
        luck, seeds = draws.normal(0.0, 30.0, (4, ORDERS + 1, 1)), draws.normal(0.0, 20.0, (4, ORDERS + 1, 3))
        regrets = 700.0 + luck + seeds
        cells = [(f"agent-{k}", order, seed, regrets[k, order, seed]) for k, order, seed in np.ndindex(regrets.shape)]
        told += "beyond all of them" in said([*cells, ("chance", 0, 0, 1000.0)], seeds=3)[1]
    assert told / studies <= allowed(0.05, studies)


def test_the_control_is_compared_at_its_own_seeds():
    """Of more seeds on the tape only those of the control count."""
    cells = [("chance", 0, 1, 1000.0), ("agent", 0, 1, 700.0), ("agent", 0, 2, 0.0)]
    lines = said([*cells, *(("agent", order, 1, 600.0) for order in range(1, ORDERS + 1))])
    assert "avoids 30 % of the regret of chance, and 40 % (40 % to 40 %)" in lines[1]
    assert "not beyond them" in lines[1]


def test_errors_over_seeds_and_over_windows_are_not_one_another():
    keys = {"agent": "a", "information": "none", "control": "", "context": "fixed", "knows": "last"}
    rows = [keys | {"window": w, "seed": s, "regret": 10.0 * w + s} for w in range(3) for s in range(4)]
    row = report.summarise(pd.DataFrame(rows), "regret").iloc[0]
    assert row["mean"] == 11.5
    assert row["se"] == pytest.approx(np.std([0, 1, 2, 3], ddof=1) / 2)
    assert row["se_windows"] == pytest.approx(10 / 3**0.5)


def test_a_winner_that_never_changes_and_contracts_that_differ_are_said_outright(found):
    assert answer.constant_winner(found) == ""
    tapes = found.data.tapes
    dearest = next(iter(tapes.trades))
    trades = {
        venue: TradeTape(tape.times, np.where(venue == dearest, 9e5, tape.prices))
        for venue, tape in tapes.trades.items()
    }
    other = evolve(tapes, trades=trades, sources=evolve(tapes.sources, fungible=False))
    cut = report_panel(trades)
    said = answer.constant_winner(evolve(found, data=Data(other, cut, cut.labels())))
    assert "not fungible" in said
    assert f"{dearest} has the best price in every bucket" in said


def report_panel(trades):
    from experiments.routing.buckets import panel

    first = next(iter(trades.values()))
    return panel(trades, width=1000, start=int(first.times[0]))


def test_the_summary_has_the_answer_and_every_table_and_no_seconds(found):
    text = report.summary(found)
    assert all(line in text for line in answer.answer(found))
    assert text.count("|---|") > 0
    captions = [table.caption for table in (report.coverage_table(found), report.engine_table(found))]
    assert all(f"## {caption}" in text for caption in captions)
    assert "econds" not in text


def test_sampling_is_shown_beside_exact_inference(found):
    row = {"path": "batched", "rule": "source", "context": "random", "seeds": 4, "steps": 9}
    row |= {"exact": 10.0, "exact_se": 1.0, "sampled": 30.0, "sampled_se": 1.0, "extra": 20.0, "extra_se": 1.0}
    row |= {"exact_seconds": 0.01, "sampled_seconds": 3.0, "ratio": 300.0}
    table = report.sampling_table(evolve(found, sampling=pd.DataFrame([row])))
    assert [entry.text for entry in table.rows[0].entries[-3:]] == ["0.01", "3", "300"]
    assert table.rows[0].entries[5].told
    assert report.sampling_table(found) is None
