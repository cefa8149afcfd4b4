"""Sweeps and studies of many variants: where variants lie, what their tables say, and that their pictures are drawn."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from attrs import evolve
from matplotlib.figure import Figure

from experiments.pi_curve.config import Study, Variant, load
from experiments.pi_curve.contrasts import Point
from experiments.pi_curve.factors import Factor
from experiments.pi_curve.report import figures, page, panels, summary
from experiments.pi_curve.report.curves import Curves, points_of
from experiments.pi_curve.report.findings import Findings
from experiments.pi_curve.report.layout import axis, many, sweep_of, tick
from experiments.pi_curve.report.words import caveats
from experiments.statistics import summarise
from tests.experiments.test_report import made_up, words

DELAY = Factor(name="delay", key="population.lp_delay", values=(50, 5, 500))
CAPITAL = Factor(
    name="capital",
    levels=tuple(Variant(name=f"{name} capital", change={"population": {"budget": 10.0}}) for name in ("low", "high")),
)
SWEPT = Study(
    name="swept", seeds=4, pi=(10,), variants=(Variant(name="one"), Variant(name="two")), factors=(DELAY, CAPITAL)
)
MANY = Study(name="many", seeds=4, pi=(10,), variants=tuple(Variant(name=f"number {k}") for k in range(8)))


def measured(study: Study, gains: dict[str, float]) -> pd.DataFrame:
    """Runs in which batching changes the LP's gain by the number of the first name that the variant's contains."""
    cells = made_up(study, gain=0.0)
    for part, gain in gains.items():
        here = cells["variant"].str.contains(part, regex=False) & (cells["mechanism"] == "fba")
        cells.loc[here, "lp_pnl"] += gain + 0.01 * cells.loc[here, "seed"]
    return cells


def told(study: Study, cells: pd.DataFrame) -> str:
    return summary.write(Findings.of(study, cells))


def with_pool(cells: pd.DataFrame) -> pd.DataFrame:
    pool = cells[cells["mechanism"] == "clob"].assign(mechanism="lmsr")
    pool["lp_pnl"] -= 50.0
    return pd.concat([cells, pool], ignore_index=True)


# Where the variants lie


@pytest.mark.parametrize("name", ["requote.toml", "walk_variance.toml", "delay_gap.toml"])
def test_every_variant_of_a_shipped_sweep_has_one_place(name):
    study = load(name)
    sweep = sweep_of(study)
    places = [variant for row in sweep.rows.values() for variant in row]
    assert sorted(places) == sorted(study.resolved())
    for row in sweep.rows.values():
        assert [variant.rpartition(" = ")[2] for variant in row] == [str(value) for value in study.factors[0].values]


def test_values_are_put_in_order_and_the_rest_keeps_its_place_in_the_name():
    sweep = sweep_of(SWEPT)
    assert sweep.values == (5, 50, 500)
    assert sweep.label == "delay, steps"
    assert list(sweep.rows) == [f"{one}, {two} capital" for one in ("one", "two") for two in ("low", "high")]
    assert sweep.rows["two, low capital"][0] == "two, delay = 5, low capital"
    assert sorted(name for row in sweep.rows.values() for name in row) == sorted(SWEPT.resolved())


@pytest.mark.parametrize("values", [("clob", "other"), (True, False), (5,)])
def test_words_truths_and_single_values_are_no_sweep(values):
    assert sweep_of(evolve(SWEPT, factors=(Factor(name="x", key="venue.book", values=values),))) is None


def test_many_means_more_than_six_and_no_numbers():
    assert many(load("factorial.toml"))
    assert not many(load("demo.toml"))
    assert not many(load("requote.toml"))
    assert many(MANY)
    assert not many(evolve(MANY, variants=MANY.variants[:6]))


@pytest.mark.parametrize(
    ("values", "places", "apart"),
    [
        ((1.0, 10.0, 1000.0), (0.0, 1.0, 3.0), False),
        ((0.0, 1e-7, 1e-5), (-7.5, -7.0, -5.0), True),
        ((2.0, 3.0, 6.0), (0.0, 0.25, 1.0), False),
        ((-10.0, 0.0, 10.0), (0.0, 0.5, 1.0), False),
        ((0.0, 5.0), (0.0, 1.0), False),
    ],
)
def test_an_axis_is_logarithmic_over_a_decade_of_positive_values(values, places, apart):
    found = axis(values)
    assert found.places == pytest.approx(places)
    assert found.apart == apart
    assert found.log == (places[-1] - places[0] > 1.0)
    assert [len(values[piece]) for piece in found.pieces] == ([1, len(values) - 1] if apart else [len(values)])


def test_ticks_are_the_values():
    assert [tick(value) for value in (50.0, 0.1, 1e-7, 0.0, 1e6)] == ["50", "0.1", "1e-7", "0", "1e6"]


def test_what_was_not_run_is_unknown():
    cells = measured(MANY, {})
    table, point = summarise(cells[cells["variant"] != "number 3"]), Point("fba", 10)
    absent, there = (Curves.of(table, name) for name in ("number 3", "number 2"))
    assert not absent.mean(point, "lp_pnl").known
    assert there.mean(point, "lp_pnl").n == 4
    assert [absent.provided(point), there.provided(point)] == [False, True]


# What the summary says


def test_a_sweep_has_a_table_per_remaining_variant_and_a_row_per_value():
    cells = measured(SWEPT, {"delay = 50,": 7.0, "delay = 500,": -4.0})
    text = told(SWEPT, cells)
    assert [line for line in text.splitlines() if line.startswith("## ")][:4] == [
        f"## {name}" for name in sweep_of(SWEPT).rows
    ]
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    table = {row[0]: row for row in rows[2:5]}
    assert list(table) == ["5", "50", "500"]
    assert table["50"][3].startswith("7.025 ± 0.0065")
    assert (table["50"][4], table["500"][4]) == ("100 %", "0 %")
    assert text.count("above the book's at 50; below the book's at 500; not to be told from the book's at 5.") == 4


def test_many_variants_have_one_table_and_a_count():
    cells = with_pool(measured(MANY, {"number 1": 5.0}))
    text = told(MANY, cells)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {head}" for head in ("Results", "The pi-curve", "What to keep in mind", "Validity")
    ]
    assert sum(line.startswith("| number") for line in text.splitlines()) == 16
    assert "- FBA pi = 10: the liquidity provider's gain is above the book's at “number 1”; not to be told" in text
    assert "- lmsr: the liquidity provider's gain is below the book's in all 8." in text


def test_without_provided_liquidity_or_with_one_seed_nothing_is_told():
    cells = measured(MANY, {"number": 5.0})
    cells["lp_fills"] = 0.0
    assert "gains beside the book cannot be told" in told(MANY, cells)
    single = evolve(MANY, seeds=1)
    cells = measured(single, {"number": 5.0})
    assert "gains beside the book cannot be told" in told(single, cells)


def test_a_pool_is_named_in_the_summary_and_in_the_picture():
    study = Study(seeds=4, pi=(5, 20))
    found = Findings.of(study, with_pool(made_up(study)))
    text = summary.write(found)
    assert "- lmsr: the liquidity provider gains 50 " in text
    assert "- Mechanisms without an interval, cost of trading at once per lot: lmsr" in text
    panel = Figure().subplots()
    panels.gains(panel, found.variants["base"], "base")
    lines = {line.get_label(): line for line in panel.get_lines()}
    assert set(lines["LP, lmsr"].get_ydata()) == {found.curves["base"].mean(Point("lmsr", 0), "lp_pnl").mean}


def test_sound_variants_are_named_where_others_are_faulty():
    study = load("requote.toml")
    line = next(line for line in caveats(evolve(study, seeds=1), pd.DataFrame({"variant": []})) if "faulty" in line)
    assert "Of 12 variants, sound are “sound, re-quote interval = 50”," in line
    assert "as published, re-quote" not in line


# What the pictures show


def test_a_sweep_draws_means_at_their_places_and_differences_with_paired_errors():
    cells = measured(SWEPT, {"delay = 50,": 7.0})
    found, figure = Findings.of(SWEPT, cells), Figure()
    panels.overview(figure, found)
    drawn = figure.get_axes()
    assert len(drawn) == 4 * 4
    assert [text.get_text() for text in drawn[0].get_xticklabels()] == ["5", "50", "500"]
    gaps = drawn[1].containers[0]
    assert gaps.lines[0].get_ydata() == pytest.approx([0.0, 7.025, 0.0], abs=1e-12)
    bar = gaps.lines[2][0].get_segments()[1]
    own = found.curves[sweep_of(SWEPT).rows["one, low capital"][1]]
    assert np.ptp(bar[:, 1]) == pytest.approx(4 * own.change(Point("fba", 10), "lp_pnl").se)
    assert drawn[0].get_title(loc="left") == "one, low capital: LP gain"


def test_a_title_between_dollars_is_drawn_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(panels, "overview", lambda *_: None)
    found = Findings.of(evolve(MANY, title="x$\\foo$"), measured(MANY, {}))
    figures.draw(found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 0


def test_many_variants_are_dots_of_differences_in_their_lines():
    cells = with_pool(measured(MANY, {"number 5": 5.0}))
    figure = Figure()
    panels.overview(figure, Findings.of(MANY, cells))
    drawn = figure.get_axes()
    assert [panel.get_title(loc="left") for panel in drawn] == [
        "LP gain",
        "LP gain,\ndifference to the book",
        "informed gain,\ndifference to the book",
        "cost of trading at once,\ndifference to the book",
        "price error,\ndifference to the book",
    ]
    assert next(dots.get_label() for dots in drawn[0].containers) == "CLOB"  # the means themselves, book included
    batches = next(dots for dots in drawn[1].containers if dots.get_label() == "FBA pi = 10")
    places, lines = batches.lines[0].get_data()
    assert places == pytest.approx([0.0] * 5 + [5.025] + [0.0] * 2, abs=1e-12)
    assert [round(line) for line in lines] == list(range(8))


def test_mechanisms_have_different_colours():
    points = [("clob", 0), ("fba", 1), ("fba", 10), ("lmsr", 0), ("hybrid", 0), ("constant-product", 0)]
    paint = panels.colours([Point(*each) for each in points])
    assert len({str(colour) for colour in paint.values()}) == 6


def test_the_order_of_points_is_that_of_the_study():
    points = points_of(Findings.of(MANY, measured(MANY, {})).curves.values())
    assert [point.label for point in points] == ["CLOB", "FBA pi = 10"]


# What the report does with them


@pytest.mark.parametrize("study", [SWEPT, MANY], ids=["sweep", "many"])
def test_a_report_of_many_variants_has_one_picture_and_folds_the_rest(study, monkeypatch):
    drawn = []
    for name in ("pi_curve", "markouts", "all_variants"):
        monkeypatch.setattr(figures, name, lambda *_, name=name: drawn.append(name) or b"")
    cells = measured(study, {"number 5": 5.0})
    text = page.write(Findings.of(study, cells))
    assert drawn == ["all_variants"]
    tree = ElementTree.fromstring(text.partition("<!DOCTYPE html>")[2])  # noqa: S314  (our own page)
    sections = [each for each in tree.iter("section") if each.get("class") == "variant"]
    assert len(sections) == len(study.resolved())
    for section in sections:
        assert len(section.findall("details")) == 1
        assert any("Markout per lot" in words(caption) for caption in section.iter("caption"))


def test_the_answer_speaks_of_batching_first_and_then_of_pools(monkeypatch):
    monkeypatch.setattr(figures, "picture_of", lambda *_: b"")
    cells = with_pool(measured(MANY, {"number 1": 5.0}))
    pool = cells["mechanism"] == "lmsr"
    cells.loc[pool, "lp_pnl"] += 0.01 * cells.loc[pool, "seed"]
    tree = ElementTree.fromstring(  # noqa: S314  (our own page)
        page.write(Findings.of(MANY, cells)).partition("<!DOCTYPE html>")[2]
    )
    first = next(words(item) for item in tree.iter("li"))
    assert first.startswith("The liquidity provider gains more than in the CLOB in “number 1” (+5.02")
    assert "With lmsr it gains less than in the CLOB in 8 variants (from" in first
