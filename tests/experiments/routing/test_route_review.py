"""What a second reading of the routing study found, each with the test that would have shown it."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve

from agents.routing import paths
from experiments.routing import report, sampling
from experiments.routing.config import RouteStudy
from experiments.routing.run import check_ready, run
from experiments.routing.study import load_data
from experiments.routing.synthetic import LeadLag, Quoting
from experiments.routing.tapes import read_folder
from marketsim.errors import ConfigError, InputError

pytest.importorskip("jax")

SMALL = RouteStudy(
    agents=("hidden-markov", "chance"), information=("own",), contexts=("random",), seeds=2, steps=40, control_seeds=0,
    engine_steps=20, samples=0, made=LeadLag(duration_ms=80_000),
)  # fmt: skip
CROWD = LeadLag(duration_ms=20_000, venues=tuple(Quoting(venue=f"v{k}", trades=20_000.0) for k in range(17)))


def test_alike_means_alike_with_the_batched_path(monkeypatch):
    data, batched = load_data(SMALL), paths.follow_batched
    assert sampling.through_the_engine(SMALL, data)["alike"].all()

    def off_by_one(policy, labels, *seen):
        choices, state = batched(policy, labels, *seen)
        return (choices + 1) % labels.shape[1], state

    monkeypatch.setattr(paths, "follow_batched", off_by_one)
    assert not sampling.through_the_engine(SMALL, data)["alike"].any()


@pytest.mark.parametrize(
    ("library", "change"),
    [("jax", {}), ("thrml", {"compare_seeds": 1}), ("thrml", {"inference": "thrml"})],
    ids=["jax", "thrml to compare", "thrml to infer"],
)
def test_a_library_that_is_missing_is_said_before_anything_is_run(library, change, monkeypatch, tmp_path):
    def ran(_seeds):
        raise AssertionError("a batch was run first")

    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=rf"needs {library}.*pip install '\.\[route\]'"):
        run(evolve(SMALL, **change), tmp_path / "out", advance=ran, clock=lambda: 0.0)
    assert not (tmp_path / "out").exists()


def test_more_venues_than_can_be_enumerated_are_refused_at_once():
    many = evolve(SMALL, made=CROWD, steps=5)
    data = load_data(many)
    check_ready(many, data)
    for name in ("samples", "compare_seeds"):
        with pytest.raises(ConfigError, match=f"got 17 venues.*wanted at most 16, or {name} = 0"):
            check_ready(evolve(many, **{name: 1}), data)


def test_a_folder_that_is_not_there_is_not_called_unknown(tmp_path):
    for name in ("nowhere", "btcusd-1m-3venues-202303"):
        with pytest.raises(InputError, match=f"{name}: got no such folder"):
            read_folder(tmp_path / name)


def test_the_summary_begins_with_what_must_be_said_of_the_data(tmp_path):
    data = load_data(SMALL)
    sources = evolve(data.tapes.sources, fungible=False, note="Three contracts of one operator.")
    found = run(SMALL, tmp_path, data=evolve(data, tapes=evolve(data.tapes, sources=sources)), clock=lambda: 0.0)
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert "not fungible" in lines[2]
    assert "Three contracts of one operator." in lines[:8]
    assert "not fungible" not in report.summary(evolve(found, data=data))
