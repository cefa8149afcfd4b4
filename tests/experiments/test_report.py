"""The HTML report: well-formed, self-contained, complete, and true to the numbers it was given."""

from __future__ import annotations

import re
from base64 import b64encode
from math import nan
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from experiments.pages.numbers import MINUS, NONE
from experiments.pi_curve.config import Study, Variant
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.measures import ROLES
from experiments.pi_curve.report import figures, page, summary, tables
from experiments.pi_curve.report.curves import Curves
from experiments.pi_curve.report.findings import Findings
from experiments.statistics import best_interval, summarise

ACCOUNTS = (*ROLES, "fees")
EDGES = ((0, 10), (10, 50), (50, "end"))
NAMED = Study(
    name="named", title="Who pays & who gains?", seeds=6, pi=(5, 20), variants=(Variant(name="<b>"), Variant(name="b"))
)
SECTIONS = ("question", "answer", "index", "variant-1", "variant-2", "caveats", "validity", "configuration")
PARTS = (
    "Pi-curve",
    "Who gains from whom",
    "Markouts by horizon",
    "Where the liquidity provider's gain comes from",
    "Activity",
    "Do the beliefs fit?",
    "Price discovery",
)


def made_up(study: Study, *, gain: float = 10.0, seed: int = 1) -> pd.DataFrame:
    """Runs of a study as if measured: in batches the liquidity provider gains `gain` more than in the book."""
    rng = np.random.default_rng(seed)
    rows = []
    for variant, own in study.resolved().items():
        for number in range(1, own.seeds + 1):
            luck = rng.normal(size=40)
            for mechanism, pi in (("clob", 0), *(("fba", pi) for pi in own.pi)):
                row = {"variant": variant, "mechanism": mechanism, "pi": pi, "seed": number}
                rows.append(row | _measured(own, rng, luck, gain if pi else 0.0, pi))
    return pd.DataFrame(rows)


def _measured(study: Study, rng: np.random.Generator, luck: np.ndarray, gain: float, pi: int) -> dict:
    paid = np.zeros((len(ACCOUNTS), len(ACCOUNTS)))
    paid[0, 1], paid[0, 3], paid[3, -1] = gain - 10 + luck[0], 4 + luck[1], -0.5
    paid -= paid.T
    row = {
        f"transfer_{one}_{two}": paid[i, j]
        for i, one in enumerate(ACCOUNTS)
        for j, two in enumerate(ACCOUNTS)
        if i != j
    }
    row |= {f"{role}_pnl": float(paid[i].sum()) for i, role in enumerate(ROLES)} | {"fees": 0.5}
    row |= {f"{role}_fills": 10.0 + pi % 3 for role in ROLES} | {f"{role}_lots": 12.0 for role in ROLES}
    for role, sign in (("lp", 1), ("taker", -1)):
        noise = rng.normal(scale=0.1, size=9)
        row |= {f"{role}_markout_{h}": sign * (gain - 10) / 12 + noise[k] for k, h in enumerate(study.markout_horizons)}
    parts = [("opening", EDGES), ("age", EDGES)]
    for what, total in (("pnl", row["lp_pnl"]), ("lots", 12.0), ("fills", row["lp_fills"])):
        for family, edges in parts:
            shares = (0.5, 0.5, 0.0)  # nothing in the last bin
            row |= {f"lp_{what}_{family}_{a}_{b}": total * share for (a, b), share in zip(edges, shares, strict=True)}
        row |= {f"lp_{what}_against_informed": total * 0.75, f"lp_{what}_against_noise": total * 0.25}
    row |= {"nis_naive-1": 1.0 + 0.01 * luck[2], "nis_count_naive-1": 50, "nis_lp-1": 0.01, "nis_count_lp-1": 60}
    row |= {
        "volume": 20.0 + luck[3],
        "shortfall": 3.0 + pi / 10 + luck[4],
        "shortfall_per_lot": 0.3 + pi / 100 + 0.1 * luck[4],
    }
    row |= {
        "wait_mean": pi / 2,
        "delay_sd": 0.1,
        "expired_share": 0.0,
        "lp_two_sided": 0.9,
        "lp_second_half_share": 0.5,
    }
    row |= {"discovery_lag": 5.0, "discovery_rms": 0.01, "effective_spread": 0.1, "wealth_sum": 0.0, "lp_nis": 0.01}
    return row | {"informed_nis": 1.0, "events": 100, "fill_log_hash": "0" * 64}


@pytest.fixture(scope="module")
def written():
    cells = made_up(NAMED)
    return page.write(Findings.of(NAMED, cells)), cells


def tree_of(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.partition("<!DOCTYPE html>")[2])  # noqa: S314  (our own page)


def words(element: ElementTree.Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def number(text: str) -> float:
    return float(text.partition(" ")[0].replace(MINUS, "-"))


# What it must hold


def test_it_is_well_formed_and_has_one_main_heading(written):
    tree = tree_of(written[0])
    assert [words(heading) for heading in tree.iter("h1")] == ["Who pays & who gains?"]


def test_it_loads_nothing(written):
    text, _ = written
    tree = tree_of(text)
    assert not list(tree.iter("script"))
    loaded = [element.get(name) for element in tree.iter() for name in ("src", "href", "srcset") if element.get(name)]
    assert loaded
    assert all(address.startswith(("data:", "#")) for address in loaded)
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_style_reaches_the_browser_as_written(written):
    style = written[0].partition("<style>")[2].partition("</style>")[0]
    assert 'th[scope="colgroup"]' in style
    assert not re.search(r"&|<", style)  # nothing escaped, and nothing that would need it


def test_every_section_is_there_once(written):
    tree = tree_of(written[0])
    found = [element.get("id") for element in tree.iter() if element.tag in ("section", "nav")]
    assert found == list(SECTIONS)
    for anchor in ("variant-1", "variant-2"):
        section = next(element for element in tree.iter("section") if element.get("id") == anchor)
        assert tuple(words(heading) for heading in section.iter("h3")) == PARTS
        assert len(list(section.iter("img"))) == 2
        assert "Not measured" not in words(section)


def test_pictures_have_words_and_tables_have_headers(written):
    tree = tree_of(written[0])
    assert all(len(image.get("alt")) > 50 for image in tree.iter("img"))
    for table in tree.iter("table"):
        assert words(table.find("caption"))
        assert all(head.get("scope") for head in table.iter("th"))
        widths = [sum(int(place.get("colspan", "1")) for place in row) for row in table.iter("tr")]
        assert len(dict.fromkeys(widths)) == 1


def test_names_are_escaped_everywhere(written):
    text, _ = written
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_the_same_study_gives_the_same_bytes(written, undrawn):
    text, cells = written
    own = NAMED.resolved()["b"]
    again = figures.markouts(Curves.of(summarise(cells), "b"), own.markout_horizons)
    assert b64encode(again).decode() in text
    pages = [page.write(Findings.of(NAMED, cells)) for _ in range(2)]
    assert pages[0] == pages[1]


# What it must get right


def test_the_transfer_matrix_is_that_of_the_summary_and_sums_to_zero(written):
    text, cells = written
    summary = summarise(cells)
    means = summary[(summary["variant"] == "b") & (summary["mechanism"] == "clob")].set_index("measure")["mean"]
    section = next(element for element in tree_of(text).iter("section") if element.get("id") == "variant-2")
    table = next(table for table in section.iter("table") if words(table.find("caption")).startswith("CLOB: money"))
    roles = {tables.name_of(role): role for role in ACCOUNTS}
    heads = [roles.get(words(head)) for head in next(table.iter("tr"))][1:]
    assert heads[-2] == "fees"
    body = [[words(place) for place in row] for row in table.find("tbody")]
    checked = 0
    for head, *entries in body[:-1]:
        for other, entry in zip(heads[:-1], entries, strict=False):
            if entry != NONE:
                assert number(entry) == pytest.approx(means[f"transfer_{roles[head]}_{other}"], rel=0.05, abs=1e-12)
                checked += 1
    assert checked == 4 * 3
    assert body[-1][-1] == "0"


def test_the_attribution_adds_up_and_leaves_out_empty_bins(written):
    _, cells = written
    table = tables.attribution(cells[cells["variant"] == "b"], [Point("clob", 0)], 8000, "age")
    assert [row.head for row in table.rows] == ["0 to 10", "10 to 50", "all fills"]
    rates = [number(row.entries[3].text) for row in table.rows]
    assert rates[0] + rates[1] == pytest.approx(rates[2], rel=0.02)


def test_misfitting_beliefs_are_named(written):
    table = tables.belief_fit(written[1])
    verdicts = {row.head: row.entries[-1].text for row in table.rows}
    assert verdicts["naive-1"] == "fits"
    assert verdicts["lp-1"].startswith("mis-specified")


def test_the_band_of_the_nis_is_chi_squared():
    cells = pd.DataFrame({"seed": [1], "nis_a": [1.0], "nis_count_a": [10]})
    # Chi-squared quantiles with 10 degrees of freedom: 3.247 and 20.483, as every table has them.
    assert tables.belief_fit(cells).rows[0].entries[1].text == "0.325 to 2.05"


def test_broken_wealth_is_shouted(undrawn):
    plain_study = Study(seeds=2, pi=(5,))
    cells = made_up(plain_study)
    cells.loc[1, "wealth_sum"] = 0.5
    tree = tree_of(page.write(Findings.of(plain_study, cells)))
    alarms = [words(element) for element in tree.iter() if element.get("role") == "alert"]
    assert len(alarms) == 1
    assert "NOT ZERO in 1 of 4 runs" in alarms[0]
    assert "exactly zero" not in words(tree)


def test_wealth_that_is_not_known_is_not_zero():
    study = Study(seeds=2, pi=(5,))
    cells = made_up(study)
    assert Findings.of(study, cells).broken == 0
    cells.loc[2, "wealth_sum"] = nan
    assert Findings.of(study, cells).broken == 1


def test_a_study_without_the_newer_measures_says_so(undrawn):
    study = Study(seeds=2, pi=(5,))
    cells = made_up(study).drop(columns=["nis_count_naive-1", "nis_count_lp-1"])
    later = [name for name in cells if re.match(r"transfer_|lp_(pnl|lots|fills)_(opening|age|against)", str(name))]
    cells[later] = nan
    cells = cells.iloc[:3]
    said = words(tree_of(page.write(Findings.of(study, cells))))
    for line in (
        "these are the gains of each role",
        "Not measured in this study",
        "No agent here has beliefs",
        "Unfinished.",
    ):
        assert line in said


# The answer in words


def answers(study: Study, cells: pd.DataFrame) -> list[str]:
    return Findings.of(study, cells).answer()


@pytest.mark.parametrize(
    ("gain", "said"), [(10.0, "gains 10.00 ± "), (-10.0, "gains 10.00 ± "), (0.0, "exactly what it gains in the CLOB")]
)
def test_the_answer_has_the_direction_and_the_size(gain, said):
    study = Study(seeds=8, pi=(5, 20))
    cells = made_up(study, gain=gain)
    cells.loc[cells["mechanism"] == "fba", "lp_pnl"] += 0.01 * (cells["seed"] - 4.5) if gain else 0.0
    first, second, third = answers(study, cells)
    assert said in first
    if gain:
        assert ("more money per run" if gain > 0 else "less money per run") in first
        assert ("2 lie above it" if gain > 0 else "2 lie below it") in first
        assert "more there than in the CLOB" in second
    assert third.endswith("no interval beats the CLOB.")


def test_a_difference_within_chance_is_not_called_a_benefit():
    study = Study(seeds=4, pi=(5, 20))
    cells = made_up(study, gain=0.0)
    cells.loc[cells["mechanism"] == "fba", "lp_pnl"] += np.repeat([3.0, -2.5, 3.5, -2.0], 2)
    first = answers(study, cells)[0]
    assert first.startswith("No difference to the CLOB can be told")
    assert "can be chance among 2 comparisons" in first


@pytest.mark.parametrize(("t", "told"), [(2.6, False), (3.1, True)])
def test_the_lines_of_the_summary_take_as_many_comparisons_as_the_answer(t, told):
    # Two points, 8 seeds: the two-sided 5 % points of t with 7 degrees of freedom are 2.36 for one, 2.84 for two.
    study = Study(seeds=8, pi=(5, 20))
    cells = made_up(study, gain=0.0)
    noise = np.linspace(-1, 1, 8)
    gap = t * np.sqrt(noise.var(ddof=1) / 8) + noise
    for pi in (5, 20):
        cells.loc[cells["pi"] == pi, "lp_pnl"] += gap
    found = Findings.of(study, cells)
    assert ("No difference" not in found.answer()[0]) == told
    assert summary.write(found).count("than in the book (") == (2 if told else 0)


def test_one_seed_or_no_book_tells_nothing():
    study = Study(seeds=1, pi=(5,))
    assert "one seed has no error" in answers(study, made_up(study))[0]
    study = Study(seeds=3, pi=(5,))
    cells = made_up(study)
    assert "no CLOB to compare with" in answers(study, cells[cells["mechanism"] == "fba"])[0]


def test_a_pool_is_no_interval_when_the_best_one_is_sought():
    study = Study(seeds=4, pi=(5,))
    cells = made_up(study)
    pool = cells[cells["mechanism"] == "clob"].assign(mechanism="constant-product", shortfall=-100.0)
    both = best_interval(pd.concat([cells, pool]))
    assert both == best_interval(cells)
    assert answers(study, pool)[2] == "No batch interval was tried, so none can be called the best."


def test_where_nobody_provides_liquidity_no_gain_is_compared():
    study = Study(seeds=4, pi=(5,))
    cells = made_up(study).assign(lp_fills=0.0)
    assert Findings.of(study, cells).variants["base"].found is None
    assert answers(study, cells)[0].startswith("The liquidity provider never traded")


def test_the_overall_answer_speaks_of_all_variants(written):
    tree = tree_of(written[0])
    section = next(element for element in tree.iter("section") if element.get("id") == "answer")
    said = [words(item) for item in section.iter("li")]
    assert len(said) == 3
    assert "gains more than in the CLOB in “<b>” (+" in said[0]
    assert "dearer than in the CLOB in “<b>” (+" in said[1]
    assert "no interval beats the CLOB" in said[2]


def test_many_variants_are_counted_and_indexed(undrawn):
    study = Study(seeds=4, pi=(5, 20), variants=tuple(Variant(name=f"number {k}") for k in range(6)))
    cells = made_up(study)
    cells["lp_pnl"] += np.where(cells["mechanism"] == "fba", 0.01 * cells["seed"], 0.0)
    tree = tree_of(page.write(Findings.of(study, cells)))
    index = next(tree.iter("nav"))
    targets = [link.get("href") for link in index.iter("a")]
    assert len(targets) == 6
    assert all(target[1:] in [element.get("id") for element in tree.iter("section")] for target in targets)
    said = next(words(item) for item in tree.iter("li"))
    assert "in 6 variants (from +10.0" in said


def test_flat_markouts_are_said_to_be_flat(written):
    flat = [
        words(item) for item in tree_of(written[0]).iter("p") if "of the 6 curves changes beyond chance" in words(item)
    ]
    assert len(flat) == 2


def test_a_point_is_called_by_its_mechanism_and_interval():
    assert [Point(*pair).label for pair in (("fba", 5), ("clob", 0), ("lmsr", 0))] == ["FBA pi = 5", "CLOB", "lmsr"]
