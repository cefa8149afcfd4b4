"""Studies that run their simulations in several processes give the tables of one, to the last bit."""

from __future__ import annotations

import pytest
from pandas.testing import assert_frame_equal

from experiments.ofi.config import Market
from experiments.ofi.money import money_table
from experiments.sor.config import Books, SorStudy
from experiments.sor.study import run_study
from tests.experiments.ofi.build import noise_tables, study_of

SOR = SorStudy(
    quantity=300, seeds=3, horizon=30, interval=5, slices=3, under=0.05, search=False,
    policies=("twap", "cont-kukanov"), books=Books(activity=(1.0, 0.7), lookback=60),
)  # fmt: skip


def of_sor(jobs: int):
    done = run_study(SOR, None, jobs=jobs)
    return [done.orders, done.children, done.fills]


def of_ofi(jobs: int):
    study = study_of(market=Market(buckets=40, traders=40, money_runs=2, money_buckets=30, effect=6))
    return [money_table(study, noise_tables(500, 1, effect=1.0), jobs=jobs)]


@pytest.mark.parametrize("tables", [of_sor, of_ofi])
def test_two_processes_give_the_tables_of_one(tables):
    one, two = tables(1), tables(2)
    assert min(map(len, one)) >= 4
    for alone, together in zip(one, two, strict=True):
        assert_frame_equal(alone, together, check_exact=True)
