"""The populations are what the specification's tables say, know what they should, and disturb nobody's draws."""

from __future__ import annotations

from functools import cache
from math import exp, log

import numpy as np
import pandas as pd
import pytest
from attrs import Factory, define, evolve

from agents.aggregated import AggregatedEvidenceTrader
from agents.belief import pooled
from agents.bootstrap import BootstrapLadder
from agents.flow import NoiseTrader
from agents.gaussian import GaussianTrader
from agents.joint_factor import JointFactorTrader
from agents.market_maker import MarketMaker
from experiments.pi_curve import config
from experiments.pi_curve.cell import Cell, run_cell, simulate
from experiments.pi_curve.mechanisms import POOLS, build_venues
from experiments.pi_curve.populations import build_agents
from experiments.pi_curve.settings import KIND_DEFAULTS
from experiments.pi_curve.worlds import build_world
from experiments.statistics import belief_fit
from marketsim.metrics import fair_marks, nis_band, trades
from marketsim.simulation import Simulation
from marketsim.streams import Streams
from tests.agents.beliefs import variance_of

SEED = 3
UNIT = 1e9  # tick-lots in a unit of money, at a tick of 1e-3 and a lot of 1e-6
LOT = 10**6  # lots in a lot of size 1
KINDS = tuple(KIND_DEFAULTS)


def study_of(kind="lp_vs_informed", **changes):
    return config.from_dict({"population": {"kind": kind, **changes}}, "test")


def built(study, mechanism="clob", seed=SEED):
    """(world, agents by id) of one run."""
    streams = Streams(seed)
    world = build_world(study, streams)
    return world, {agent.agent_id: agent for agent in build_agents(study, world, streams, mechanism)}


def precisions(agent):
    (only,) = {belief.precision for belief in agent.beliefs.values()}
    return only


# The tables

INFORMED = {  # class, prior precision, assumed precision (None: the signal's own), delay
    "naive-1": (GaussianTrader, 3.0, 0.55, 6),
    "tail-aware-1": (GaussianTrader, 1.2, None, 1),
    "aggregated-1": (AggregatedEvidenceTrader, 2.0, 0.85, 6),
    "joint-factor-1": (JointFactorTrader, 1.0, None, 1),
}


@pytest.mark.parametrize("kind", ["lp_vs_informed", "diverse"])
def test_one_of_each_informed_agent(kind: str):
    world, agents = built(study_of(kind, information="as_published"))
    expected = ["bootstrap", *(["lp-1"] if kind == "lp_vs_informed" else []), *INFORMED, "noise-1"]
    assert list(agents) == expected
    for name, (cls, prior, assumed, delay) in INFORMED.items():
        agent = agents[name]
        assert type(agent) is cls
        assert agent.observation_delay == delay
        assert agent.review_interval == 5000
        assert agent.trading.threshold == 0.0035
        assert agent.trading.take_ratio == 2.0
        assert agent.trading.quantity == round(1000 / 120 * LOT)
        assert (agent.trading.capital.budget, agent.trading.capital.safety) == (1000 * UNIT, 1.08)
        if name != "joint-factor-1":
            assert precisions(agent) == prior
            assert agent.assumed_precision == assumed
            assert {belief.process_variance for belief in agent.beliefs.values()} == {1e-6}
    joint = agents["joint-factor-1"].belief
    assert [variance_of(joint, market, 0) for market in world.anchors] == pytest.approx(
        [sum(weight**2 for weight in world.loadings[market]) for market in world.anchors]
    )  # f ~ N(0, I)


def test_priors_stand_where_the_published_ones_do():
    world, agents = built(study_of(information="as_published"))
    opening = {market: log(anchor) for market, anchor in world.anchors.items()}
    for name in ("naive-1", "aggregated-1", "lp-1"):
        assert {market: belief.mean for market, belief in agents[name].beliefs.items()} == opening
    joint = agents["joint-factor-1"].belief
    assert {market: joint.mean_log(market) for market in opening} == pytest.approx(opening)


def test_the_tail_aware_prior_is_the_truth_within_two_and_a_half_percent():
    shifts = []
    for seed in range(1, 101):
        world, agents = built(evolve(study_of(information="as_published"), horizon=1), seed=seed)
        own = agents["tail-aware-1"].beliefs
        shifts += [belief.mean - log(world.fair_value.at(market, 0)) for market, belief in own.items()]
    assert abs(np.mean(shifts)) < 3 * 0.025 / np.sqrt(300)
    assert np.std(shifts) == pytest.approx(0.025, rel=3 / np.sqrt(600))


def test_the_lp_the_noise_and_the_ladder():
    world, agents = built(study_of(information="as_published"))
    lp, noise, ladder = agents["lp-1"], agents["noise-1"], agents["bootstrap"]
    assert type(lp) is MarketMaker
    assert (lp.half_spread, lp.review_interval, lp.observation_delay) == (0.0005, 500, 50)
    assert (lp.quantity, lp.budget) == (round(1000 / 120 * LOT), 20_000 * UNIT)
    assert (precisions(lp), lp.assumed_precision) == (1.0, 0.7)
    assert type(noise) is NoiseTrader
    assert (noise.arrival_rate, noise.quantity_mean, noise.jitter) == (1.2, 5 * LOT, 0.45)
    assert (noise.capital.budget, noise.markets) == (1000 * UNIT, tuple(world.anchors))
    assert type(ladder) is BootstrapLadder
    assert (ladder.levels, ladder.step, ladder.quantity) == (5, 0.001, 40 * LOT)
    assert ladder.anchors == world.anchors


def test_naive_dominated():
    _, agents = built(study_of("naive_dominated", information="as_published"))
    naive = [f"naive-{number}" for number in range(1, 6)]
    assert list(agents) == ["bootstrap", *naive, "noise-1"]
    assert [precisions(agents[name]) for name in naive] == pytest.approx([2.6, 2.7, 2.8, 2.9, 3.0])
    for name in naive:
        assert (agents[name].assumed_precision, agents[name].review_interval) == (0.5, 4500)
        assert agents[name].observation_delay == 6
    noise = agents["noise-1"]
    assert (noise.arrival_rate, noise.jitter) == (1.3, 0.5)
    assert noise.quantity_mean == round(0.55 * 1000 / 120 * LOT)


@pytest.mark.parametrize(
    ("budget", "trade", "lp", "noise"), [(10, 0.4, 2, 0.8), (100, 100 / 120, 2, 0.8), (10_000, 12, 12, 7.2)]
)
def test_sizes_follow_the_budget_within_their_bounds(budget, trade, lp, noise):
    _, agents = built(study_of(information="as_published", budget=float(budget)))
    assert agents["naive-1"].trading.quantity == round(trade * LOT)
    assert agents["lp-1"].quantity == round(lp * LOT)
    assert agents["noise-1"].quantity_mean == round(noise * LOT)
    assert agents["lp-1"].budget == 20_000 * UNIT


def test_calibrated_agents_know_how_the_world_moves_and_how_far_they_are_off():
    world, agents = built(study_of(information="calibrated"))
    moves = {market: 1e-6 * sum(weight**2 for weight in world.loadings[market]) for market in world.anchors}
    assert len(set(moves.values())) == 3
    for name, doubt in (("naive-1", 0.01), ("aggregated-1", 0.01), ("lp-1", 0.01), ("tail-aware-1", 0.025)):
        agent = agents[name]
        assert agent.assumed_precision is None
        for market, belief in agent.beliefs.items():
            assert belief.process_variance == pytest.approx(moves[market])
            assert belief.precision == pytest.approx(doubt**-2)
            assert belief.last_update == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mechanism", POOLS)
def test_beside_a_pool_there_is_neither_ladder_nor_maker(kind: str, mechanism: str):
    _, agents = built(study_of(kind), mechanism)
    book = built(study_of(kind))[1]
    assert list(agents) == [name for name in book if name not in {"bootstrap", "lp-1"}]
    assert all(agent.trading.market_orders_only for agent in agents.values() if hasattr(agent, "trading"))
    assert not any(agent.trading.market_orders_only for agent in book.values() if hasattr(agent, "trading"))


# Beliefs that fit

SEEDS = 60


@cache
def runs(information: str, mechanism: str, pi: int):
    study = study_of(information=information)
    return [simulate(study, Cell("base", mechanism, pi, seed)) for seed in range(1, SEEDS + 1)]


def nis_of(run, name: str):
    agent = run.agents[name]
    return agent.nis if hasattr(agent, "nis") else pooled(belief.nis for belief in agent.beliefs.values())


def pooled_nis(information: str, name: str):
    return pooled(nis_of(run, name) for run in runs(information, "clob", 0))


@pytest.mark.parametrize("name", ["naive-1", "tail-aware-1", "lp-1"])
def test_calibrated_beliefs_fit(name: str):
    own = pooled_nis("calibrated", name)
    low, high = nis_band(own.count)
    assert own.count > 1000
    assert high - low < 0.2
    assert low <= own.mean <= high


@pytest.mark.parametrize("name", ["aggregated-1", "joint-factor-1"])
def test_beliefs_across_markets_nearly_fit(name: str):
    # Neither model is the world's: the one cannot remember what foreign signals share, the other knows no offset of a
    # market's own opening. They are off by less than a tenth.
    own = pooled_nis("calibrated", name)
    assert own.mean == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", ["naive-1", "aggregated-1", "joint-factor-1", "lp-1"])
def test_published_beliefs_do_not_fit(name: str):
    own = pooled_nis("as_published", name)
    low, high = nis_band(own.count, level=0.999)
    assert not low <= own.mean <= high


def test_a_mis_specified_population_is_flagged():
    study = study_of(information="as_published")
    cells = pd.DataFrame([run_cell(study, Cell("base", "clob", 0, seed))[0] for seed in range(1, 6)])
    fits = {fit.agent: fit.fits for fit in belief_fit(cells)}
    assert sorted(fits) == sorted([*INFORMED, "lp-1"])
    # One signal moves all beliefs of aggregated-1, whose mean differs too much between five seeds to tell.
    assert not fits["naive-1"]
    assert not fits["lp-1"]


def test_every_mechanism_shows_a_belief_the_same():
    for one, other in zip(runs("calibrated", "clob", 0), runs("calibrated", "fba", 10), strict=True):
        assert all(nis_of(one, name) == nis_of(other, name) for name in [*INFORMED, "lp-1"])


# Martingale

HORIZONS = (0, 1, 10, 100, 1000)
ROLES = ("lp", "informed", "noise", "bootstrap")


def mark_gains(run, horizon: int) -> dict[str, float]:
    """By role, what its legs gained from the fill to `horizon` steps later, in money (negative: steps earlier).

    The log price has no drift, so the price grows by half its variance a step, which is taken off.
    """
    fills = trades(run.fills)
    then = fills["time"] + horizon
    within = (then >= 0) & (then <= run.horizon)
    fills = {name: column[within] for name, column in fills.items()}
    now, later = (
        fair_marks(run.fair_value, fills["market"], when, end=run.horizon) for when in (fills["time"], then[within])
    )
    growth = dict(zip(run.fair_value.markets, run.fair_value.market_walk_var.tolist(), strict=True))
    drift = np.array([exp(-0.5 * growth[market] * horizon) for market in fills["market"]])
    gains = fills["side"] * fills["quantity"] * (later * drift - now) / UNIT
    owners = np.array([run.role(owner) for owner in fills["owner"]])
    return {role: float(gains[owners == role].sum()) for role in ROLES}


def in_errors(values: list[float]) -> float:
    array = np.array(values)
    return float(array.mean() / (array.std(ddof=1) / np.sqrt(len(array))))


def check_flat(of_runs, bound: float) -> None:
    for horizon in HORIZONS[1:]:
        gains = [mark_gains(run, horizon) for run in of_runs]
        for role in ROLES:
            assert abs(in_errors([gain[role] for gain in gains])) <= bound, (role, horizon)
            assert sum(gain[role] != 0 for gain in gains) > len(gains) / 2
        # Both legs of a trade are marked at one price.
        assert max(abs(sum(gain.values())) for gain in gains) < 1e-6


@pytest.mark.parametrize(
    ("information", "mechanism", "pi"),
    [("calibrated", "clob", 0), ("calibrated", "fba", 10), ("as_published", "clob", 0)],
)
def test_markouts_are_flat_in_the_horizon_for_every_role(information: str, mechanism: str, pi: int):
    # Truth is a martingale that nobody sees ahead of: after the fill nobody gains from it. Of 48 comparisons one is
    # beyond 3 errors by chance every eighth time, and beyond 4 every hundredth.
    check_flat(runs(information, mechanism, pi), 4.0)


@pytest.mark.slow
@pytest.mark.parametrize(("mechanism", "pi"), [("clob", 0), ("fba", 10)])
def test_markouts_are_flat_over_300_seeds(mechanism: str, pi: int):
    study = study_of()
    check_flat([simulate(study, Cell("base", mechanism, pi, seed)) for seed in range(61, 361)], 3.0)


def test_the_flatness_test_sees_who_knew_what_had_happened():
    # Read backwards, the curve is not flat: the informed had seen the last steps, and whoever rests pays for it.
    gains = [mark_gains(run, -500) for run in runs("calibrated", "clob", 0)]
    assert in_errors([gain["informed"] for gain in gains]) < -4
    assert in_errors([gain["bootstrap"] for gain in gains]) > 4


# Common random numbers


@define
class Listener:
    """Writes down every signal and never trades."""

    agent_id: str = "listener"
    seen: list = Factory(list)

    def decide(self, ctx, signal):
        self.seen.append((ctx.now, *signal))


@define
class Noted:
    """A capital rule that writes down what is asked of it and passes it on."""

    rule: object
    asked: list = Factory(list)

    def take(self, ctx, market, side, quantity):
        self.asked.append((ctx.now, market, side, quantity))
        return self.rule.take(ctx, market, side, quantity)

    def post(self, ctx, market, side, quantity, price):
        self.rule.post(ctx, market, side, quantity, price)

    def learn(self, ctx, report):
        self.rule.learn(ctx, report)


def drawn(study, mechanism: str, pi: int, seed: int = SEED):
    """What a run's signals were and what its uninformed traders wanted, whether or not they could."""
    streams = Streams(seed)
    world = build_world(study, streams)
    agents, listener = build_agents(study, world, streams, mechanism), Listener()
    noted = []
    for agent in agents:
        if isinstance(agent, NoiseTrader):
            agent.capital = Noted(agent.capital)
            noted.append(agent.capital)
    run = Simulation(
        venues=build_venues(mechanism, pi, study.venue, study.world, world.anchors),
        agents=[*agents, listener],
        fair_value=world.fair_value,
        information=world.information,
        sources=world.sources,
        seed=seed,
        ties=study.ties,
        time_unit=study.world.time_unit,
    ).run(study.horizon)
    orders = run.orders.frame()
    investors = orders[orders["owner"].str.startswith("investor")]
    wanted = list(zip(investors["submitted"], investors["market"], investors["side"], strict=True))
    return listener.seen, [note.asked for note in noted], sorted(wanted)


MECHANISMS = (("clob", 0), ("fba", 1), ("fba", 200), ("constant-product", 0), ("hybrid", 0))


def test_signals_and_noise_are_the_same_everywhere():
    seen, noise = [], {}
    for kind in KINDS:
        for mechanism, pi in MECHANISMS:
            signals, asked, _ = drawn(study_of(kind), mechanism, pi)
            seen.append(signals)
            noise.setdefault(kind, []).append(asked)
    signals, asked, _ = drawn(study_of(information="as_published"), "clob", 0)
    assert len(signals) > 10
    assert all(other == signals for other in seen)
    for kind, (first, *others) in noise.items():
        assert len(first[0]) > 3, kind
        assert all(other == first for other in others), kind
    # Where the noise is the same in law, it is the same in every draw.
    assert noise["diverse"][0] == noise["lp_vs_informed"][0] == asked


def test_faults_change_no_draw():
    published = evolve(config.load("published.toml"), variants=(), factors=(), contrasts=())
    sound = evolve(published, venue=evolve(published.venue, book="clob"), ties="seeded")
    sound = evolve(sound, population=evolve(sound.population, maker="market-maker", capital="committed"))
    assert drawn(published, "clob", 0) == drawn(sound, "clob", 0) == drawn(published, "fba", 10)


def test_another_seed_is_another_world():
    assert drawn(study_of(), "clob", 0, seed=1)[:2] != drawn(study_of(), "clob", 0, seed=2)[:2]


def test_investors_and_clues_of_an_event_are_the_same_everywhere():
    study = config.from_dict(
        {
            "world": {"kind": "event", "level": 1.0, "lot_size": 1.0, "displacement": 0.0, "jump_rate": 1.0},
            "signals": {"routine_rate": 0.0, "tail_rate": 0.0},
            "population": {"kind": "lp_vs_snipers", "half_spread": 0.01, "size": 10, "investor_rate": 2.0},
        },
        "test",
    )
    first, *others = [drawn(study, mechanism, pi) for mechanism, pi in (("clob", 0), ("fba", 10), ("lmsr", 0))]
    assert first[0]
    assert len(first[2]) > 3
    assert all(other == first for other in others)
