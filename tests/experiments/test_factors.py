"""Factors cross into variants, and contrasts answer what a configuration asks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.pi_curve import config
from experiments.pi_curve.contrasts import Contrast, Place
from experiments.pi_curve.factors import Factor, Variant, crossed, merged, swept
from experiments.pi_curve.report.tables import answer
from marketsim.errors import ConfigError


def test_the_factorial_is_four_mechanisms_by_three_by_three_by_two_by_25_seeds():
    study = config.load("factorial.toml")
    studies = study.resolved()
    assert len(studies) == 3 * 3 * 2
    assert sum(own.seeds * len(own.mechanisms) for own in studies.values()) == 1800
    assert {own.horizon for own in studies.values()} == {40_000}
    high = studies["naive-dominated, high capital, high noise"]
    assert (high.population.kind, high.population.naive, high.population.lps) == ("naive_dominated", 5, 0)
    assert (high.population.budget, high.signals.routine_sigma, high.signals.tail_sigma) == (10_000.0, 0.055, 0.022)


def test_a_key_with_values_is_a_level_for_each():
    study = config.load("requote.toml")
    assert [own.population.lp_requote for own in study.resolved().values()] == 2 * [50, 100, 250, 500, 1000, 2000]


def test_a_sweep_from_the_command_line_reads_values_as_toml():
    assert swept("population.lp_delay=1, 50") == Factor(
        name="population.lp_delay", key="population.lp_delay", values=(1, 50)
    )
    assert swept('world.kind="jumps"').values == ("jumps",)
    for bad in ("population.lp_delay", "=1", "a=", "a=1,,2", "a=b"):
        with pytest.raises(ConfigError, match="sweep"):
            swept(bad)


def test_levels_and_a_key_exclude_each_other():
    with pytest.raises(ConfigError, match="either levels, or a key"):
        Factor(name="f", levels=(Variant(name="a"),), key="seeds", values=(1,))
    with pytest.raises(ConfigError, match="either levels, or a key"):
        Factor(name="f")


def test_twenty_factors_of_fifty_levels_are_refused_before_they_are_crossed():
    factors = tuple(Factor(name=f"f{n}", key="seeds", values=tuple(range(1, 51))) for n in range(20))
    with pytest.raises(ConfigError, match=rf"factors: got {50**20} combinations, wanted at most 10000"):
        crossed((), factors)


def test_two_variants_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two variants"):
        crossed((Variant(name="a"), Variant(name="a")), ())


def test_later_factors_change_what_earlier_ones_left():
    both = crossed(
        (Variant(name="v", change={"world": {"walk_var": 1.0, "level": 2.0}}),),
        (Factor(name="walk", key="world.walk_var", values=(0.0,)),),
    )
    assert [(one.name, one.change) for one in both] == [("v, walk = 0.0", {"world": {"walk_var": 0.0, "level": 2.0}})]


def test_another_kind_of_table_brings_its_own_defaults():
    base = {"population": {"kind": "lp_vs_informed", "lps": 1}}
    assert merged(base, {"population": {"kind": "diverse"}}) == {"population": {"kind": "diverse"}}
    assert merged(base, {"population": {"lps": 2}}) == {"population": {"kind": "lp_vs_informed", "lps": 2}}


CELLS = pd.DataFrame(
    [
        {"variant": variant, "mechanism": mechanism, "pi": pi, "seed": seed, "lp_pnl": base + seed, "lp_lots": 2.0}
        for variant, mechanism, pi, base in (("a", "clob", 0, 1.0), ("a", "fba", 10, 5.0), ("b", "clob", 0, 2.0))
        for seed in (1, 2, 3)
    ]
)


def test_a_contrast_is_a_difference_seed_by_seed():
    asked = Contrast(
        asks="?", of=Place(variant="a", mechanism="fba", pi=10), minus=Place(variant="a", mechanism="clob")
    )
    found = answer(CELLS, asked)
    assert (found.n, found.mean, found.se) == (3, 4.0, 0.0)
    assert found.told()


def test_a_contrast_without_a_second_place_is_a_mean():
    found = answer(CELLS, Contrast(asks="?", of=Place(variant="b")))
    assert (found.n, found.mean) == (3, 4.0)
    assert found.se == pytest.approx(1 / np.sqrt(3))


def test_a_contrast_can_subtract_a_measure():
    assert answer(CELLS, Contrast(asks="?", less="lp_lots", of=Place(variant="b"))).mean == 2.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Contrast(asks="how?", measure="luck", of=Place(variant="a")), "measures no luck"),
        (Contrast(asks="how?", of=Place(variant="z")), "no cells at"),
    ],
)
def test_a_contrast_that_the_study_cannot_answer_is_named(asked, said):
    with pytest.raises(ConfigError, match=said) as caught:
        answer(CELLS, asked)
    assert "how?" in str(caught.value)


def test_the_ladder_can_answer_all_its_questions():
    study = config.load("ladder.toml")
    studies = study.resolved()
    for asked in study.contrasts:
        for place in (asked.of, asked.minus):
            if place is not None:
                own = studies[place.variant]
                assert place.mechanism in own.mechanisms
                assert place.pi in (own.pi if place.mechanism == "fba" else (0,))


@pytest.mark.parametrize("name", config.shipped())
def test_every_shipped_study_reads_back_what_it_writes(name):
    study = config.load(name)
    assert config.loads(config.dumps(study), name) == study
    assert study.resolved()
