"""Configurations: TOML in and out, and errors that say what is wrong and where."""

from __future__ import annotations

import pytest

from experiments.pi_curve import config
from experiments.pi_curve.cell import cells_of
from experiments.pi_curve.config import Informed, Snipers, Study, Variant, World
from marketsim.errors import ConfigError


@pytest.mark.parametrize("name", config.shipped())
def test_shipped_configurations_read_back(name: str):
    study = config.load(name)
    assert config.loads(config.dumps(study), "again") == study
    assert cells_of(study)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = 2.5", "f.toml, seeds"),
        ('seeds = "7"', "f.toml, seeds"),
        ("seeds = true", "f.toml, seeds"),
        ("seeds = 0", "Study.seeds"),
        ("horizon = -1", "Study.horizon"),
        ("pi = [1, 1]", "Study.pi"),
        ("pi = []", "Study.pi"),
        ("pi = [0]", "Study.pi"),
        ('mechanisms = ["cda"]', "clob, fba"),
        ("colour = 1", "colour"),
        ("[world]\nwalk_var = nan", "World.walk_var"),
        ("[world]\nwalk_var = inf", "World.walk_var"),
        ("[world]\ntick_size = 0.0", "World.tick_size"),
        ('[world]\nkind = "flat"', "World.kind"),
        ('[population]\nkind = "crowd"', "diverse, naive_dominated, lp_vs_snipers"),
        ('[population]\nkind = "lp_vs_snipers"\nbudget = 5.0', "budget"),
        ("seeds = ", "f.toml"),
    ],
)
def test_bad_configurations_say_what_is_wrong(text: str, said: str):
    with pytest.raises(ConfigError, match=r"Study|World|toml") as caught:
        config.loads(text, "f.toml")
    assert said in str(caught.value)


def test_unknown_name_lists_what_is_shipped():
    with pytest.raises(ConfigError, match="demo"):
        config.load("nothing.toml")


def test_variants_change_what_they_name_and_nothing_else():
    study = Study(seeds=3, variants=(Variant(name="fast", change={"population": {"lp_requote": 50}}),))
    own = study.resolved()["fast"]
    assert own == Study(seeds=3, population=Informed(lp_requote=50))


def test_a_variant_of_another_kind_has_that_kinds_defaults():
    change = {"world": {"kind": "jumps"}, "population": {"kind": "lp_vs_snipers", "snipers": 2}}
    study = Study(world=World(walk_var=0.5), variants=(Variant(name="jumps", change=change),))
    own = study.resolved()["jumps"]
    assert own.world == World(kind="jumps")
    assert own.population == Snipers(snipers=2)


def test_bad_variants_are_named():
    with pytest.raises(ConfigError, match="variant 'odd'"):
        Study(variants=(Variant(name="odd", change={"sedes": 1}),)).resolved()
    with pytest.raises(ConfigError, match="two variants"):
        Study(variants=(Variant(name="a"), Variant(name="a"))).resolved()


def test_the_book_has_one_cell_per_seed():
    cells = cells_of(Study(seeds=2, pi=(5, 10)))
    assert [(cell.mechanism, cell.pi, cell.seed) for cell in cells] == [
        ("clob", 0, 1),
        ("clob", 0, 2),
        ("fba", 5, 1),
        ("fba", 5, 2),
        ("fba", 10, 1),
        ("fba", 10, 2),
    ]
