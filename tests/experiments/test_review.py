"""Configurations that used to run and mean something else than they said."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from experiments.commands import pi_curve as command
from experiments.pi_curve import config
from experiments.pi_curve import run as pi_curve
from experiments.pi_curve.cell import Cell, cells_of, simulate, unanswerable
from experiments.pi_curve.config import Study
from experiments.pi_curve.contrasts import Contrast
from experiments.pi_curve.factors import Factor, Variant, crossed
from experiments.pi_curve.settings import KIND_DEFAULTS, Informed, Snipers, World
from marketsim.errors import ConfigError

POOL = """
horizon = 3000
seeds = 1
mechanisms = ["constant-product"]
[world]
kind = "jumps"
tick_size = 0.01
lot_size = 1.0
n_markets = 2
[population]
kind = "lp_vs_snipers"
investor_rate = 0.0
"""


@pytest.mark.parametrize("kind", KIND_DEFAULTS)
def test_a_kind_has_the_same_defaults_in_python_as_in_a_file(kind):
    read = config.from_dict({"population": {"kind": kind}}, "test").population
    assert Informed(kind=kind) == read
    assert Informed(kind="diverse", lps=2).lps == 2
    assert Informed(kind="diverse").lps == 0


def test_a_later_factor_that_names_a_kind_keeps_what_an_earlier_one_set():
    capital = Factor(name="capital", key="population.budget", values=(100.0, 10_000.0))
    kind = Factor(name="kind", key="population.kind", values=("diverse", "naive_dominated"))
    for factors in ((capital, kind), (kind, capital)):
        populations = [own.population for own in config.Study(factors=factors).resolved().values()]
        assert sorted((each.kind, each.budget) for each in populations) == [
            ("diverse", 100.0),
            ("diverse", 10_000.0),
            ("naive_dominated", 100.0),
            ("naive_dominated", 10_000.0),
        ]


def test_a_level_of_another_kind_replaces_what_a_variant_of_one_kind_set():
    snipers = Variant(name="news", change={"population": {"kind": "lp_vs_snipers", "snipers": 2}})
    other = Factor(name="p", levels=(Variant(name="d", change={"population": {"kind": "diverse"}}),))
    assert crossed((snipers,), (other,))[0].change == {"population": {"kind": "diverse"}}


def test_every_pool_has_its_sniper_where_there_are_any_and_none_where_there_are_none():
    def snipers(number: int) -> dict[str, int]:
        study = config.loads(POOL.replace("[population]", f"[population]\nsnipers = {number}"), "test")
        fills = simulate(study, cells_of(study)[0]).fills.frame()
        own = fills[fills["owner"].str.startswith("sniper")]
        return own["market"].value_counts().to_dict()

    assert snipers(0) == {}
    assert sorted(snipers(3)) == ["market-1", "market-2"]


def test_the_sniper_of_a_deep_pool_moves_its_price_to_the_value():
    study = config.loads(POOL + "[venue]\npool_reserve = 1e6\n", "test")
    result = simulate(study, Cell("base", "constant-product", 0, 3))
    quotes, fair = result.quotes.frame(), result.fair_value
    last = quotes[quotes["market"] == "market-1"].iloc[-1]
    assert (last["best_bid"] + last["best_ask"]) / 2 == pytest.approx(fair.at("market-1", 3000), abs=2)


def test_a_scoring_rule_wants_contracts_on_one_event():
    with pytest.raises(ConfigError, match="got lmsr in a world of kind 'latent-factor', wanted kind 'event'"):
        evolve(config.load("centre.toml"), mechanisms=("clob", "lmsr")).resolved()


def test_a_contrast_without_cells_is_refused_before_anything_runs(tmp_path: Path):
    study = config.from_dict({"contrasts": [{"asks": "what", "of": {"variant": "nowhere"}}]}, "test")
    with pytest.raises(ConfigError, match=r"contrast 'what': the study lacks cells of lp_pnl \[nowhere, CLOB\]"):
        pi_curve.run(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_questions_that_the_command_line_leaves_without_cells_are_left_out(tmp_path: Path, capsys):
    saved = tmp_path / "study.toml"
    command.pi_curve("ladder.toml", mechanism=["clob"], save_config=saved)
    kept = config.load(str(saved))
    whole = config.load("ladder.toml")
    assert unanswerable(kept) == unanswerable(whole) == []
    assert 0 < len(kept.contrasts) < len(whole.contrasts)
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", config.shipped())
def test_shipped_questions_have_their_cells(name):
    assert unanswerable(config.load(name)) == []


def test_belief_and_noise_traders_can_stand_beside_snipers():
    beside = Informed(kind="diverse", aggregated=0, joint_factor=0)
    study = Study(
        horizon=4000,
        world=World(kind="jumps", n_markets=1, tick_size=0.01, lot_size=1.0, displacement=0.0, jump_rate=1.0),
        population=Snipers(snipers=2, beside=beside),
    )
    assert config.loads(config.dumps(study), "beside") == study
    result = simulate(study, Cell("base", "clob", 0, 1))
    assert {"naive-1", "tail-aware-1", "noise-1", "sniper-1", "lp-1"} <= set(result.agents)
    assert "bootstrap" not in result.agents
    traded = set(result.fills.columns()["owner"])
    assert {"noise-1", "lp-1"} <= traded


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"venue": {"book": "clubs"}}, "clubs"),
        ({"population": {"capital": "none"}}, "none"),
        ({"population": {"maker": "nobody"}}, "nobody"),
    ],
)
def test_what_cannot_run_says_so_before_anything_has(tmp_path, change, said):
    study = Study(horizon=500, seeds=1, pi=(10,), variants=(Variant(name="good"), Variant(name="bad", change=change)))
    done = []
    with pytest.raises(ConfigError, match=said):
        pi_curve.run(study, tmp_path, advance=done.append)
    assert not done
    assert not list(tmp_path.iterdir())


def test_a_misspelt_measure_says_so_before_anything_has_run(tmp_path):
    study = Study(horizon=500, seeds=1, pi=(10,), contrasts=(Contrast(asks="how?", measure="lp_luck"),))
    with pytest.raises(ConfigError, match="measures no lp_luck"):
        pi_curve.run(study, tmp_path)
