"""Faults that were once there, each with the test that would have found it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from attrs import evolve
from typer.testing import CliRunner

from agents.bootstrap import BootstrapLadder
from experiments import cli
from experiments.pi_curve.cell import Cell, simulate
from experiments.pi_curve.config import Informed, Snipers, Study, World
from experiments.pi_curve.report import summary
from experiments.pi_curve.report.findings import Findings
from experiments.pi_curve.runner import run_study
from experiments.pi_curve.worlds import on_recorded_prices
from marketsim import Order, OrderKind, Side, Simulation
from venues.clob import ContinuousBook


def test_the_opening_ladder_does_not_trade_with_itself_on_a_coarse_grid():
    book = ContinuousBook(("ACME",))
    result = Simulation(venues={"book": book}, agents=[BootstrapLadder("b", {"ACME": 200.0}, quantity=4)]).run(5)
    assert len(result.fills) == 0
    assert {order.side for order in book.orders("ACME")} == {Side.BUY, Side.SELL}
    assert (book.state("ACME").best_bid, book.state("ACME").best_ask) == (199, 201)


def test_what_a_recorded_price_does_later_changes_no_earlier_fill(tmp_path):
    times = np.arange(0, 8001)
    calm = 100.0 + np.cumsum(np.random.Generator(np.random.PCG64(1)).normal(0, 0.05, len(times)))
    wild = np.where(times > 4000, calm + 20 * np.sin(times / 7.0), calm)
    logs = []
    for name, prices in (("calm", calm), ("wild", wild)):
        path = tmp_path / f"{name}.parquet"
        pd.DataFrame({"time": times, "price": prices}).to_parquet(path)
        study = on_recorded_prices(Study(), World(kind="historical", path=str(path), step=1))
        fills = simulate(evolve(study, horizon=7000), Cell("base", "clob", 0, 3)).fills.frame()
        logs.append(fills[fills["time"] < 3900].astype({"owner": str}))
    assert len(logs[0])
    pd.testing.assert_frame_equal(logs[0], logs[1], check_categorical=False)


def written(study: Study) -> str:
    return summary.write(Findings.of(study, run_study(study)))


JUMPS = Study(
    horizon=1500,
    seeds=2,
    pi=(10,),
    world=World(kind="jumps", n_markets=1, tick_size=0.01, lot_size=1.0),
    population=Snipers(investor_rate=20.0),
)


def test_one_seed_and_one_interval_are_not_called_flat():
    assert "cannot be told from one seed" in written(evolve(JUMPS, seeds=1))
    alone = written(evolve(JUMPS, mechanisms=("clob",)))
    assert "none can be called the best" in alone
    assert "min(1," not in alone


def test_a_provider_that_never_traded_is_said_to_have_done_so():
    idle = evolve(JUMPS, population=Snipers(investor_rate=0.0, snipers=0))
    assert "never traded" in written(idle)


def test_no_window_has_no_law():
    assert "min(1," not in written(evolve(JUMPS, population=Snipers(lp_delay=0, sniper_delay=5, investor_rate=9.0)))


def test_beliefs_that_do_not_fit_are_named():
    text = written(Study(horizon=6000, seeds=4, pi=(10,), population=Informed(noise=0)))
    assert "mis-specified" in text


@pytest.mark.parametrize("name", ["x[/b].toml", "x[red].toml"])
def test_names_in_errors_are_not_read_as_markup(name: str, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["marketsim", "pi-curve", "--config", name])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert name in capsys.readouterr().err


def test_fill_logs_of_like_named_variants_do_not_meet(tmp_path, undrawn):
    variants = "".join(f'[[variants]]\nname = "{name}"\n' for name in ("a b", "a-b", "a/b"))
    config = tmp_path / "three.toml"
    config.write_text(f"horizon = 300\nseeds = 1\nmechanisms = ['clob']\n{variants}")
    arguments = ["pi-curve", "--config", str(config), "--fills", "--quiet", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out" / "fills").iterdir())) == 3


class Amender:
    """Rests a market-to-limit order, and then asks for another price."""

    agent_id = "amender"

    def start(self, ctx):
        self.order = ctx.submit(Order("ACME", Side.BUY, 9, None, OrderKind.MARKET_TO_LIMIT))
        ctx.wake_at(5)

    def wake(self, ctx):
        ctx.replace(self.order, quantity=3, price=190)


def test_what_is_left_of_a_market_to_limit_order_can_be_given_a_price():
    book, ladder = ContinuousBook(("ACME",)), BootstrapLadder("b", {"ACME": 200.0}, quantity=4, levels=1)
    result = Simulation(venues={"book": book}, agents=[ladder, Amender()], ties="list").run(9)
    assert [(order.price, order.quantity) for order in book.orders("ACME") if order.owner == "amender"] == [(190, 3)]
    assert "rejected" not in set(result.orders.frame()["outcome"])
