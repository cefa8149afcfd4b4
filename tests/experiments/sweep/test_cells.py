"""Cells: what they may hold, their one text, their ids; grids."""

from __future__ import annotations

import json
import math

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from experiments.sweep.cells import Grid, canonical, cell_id, checked_cell, grid_from_dict, load_grid
from marketsim.errors import ConfigError

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=5)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=5),
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5))
def test_canonical_text_reads_back_exactly_and_ignores_order(cell):
    text = canonical(checked_cell(cell, "cell"))
    back = json.loads(text)
    assert {key: (type(value), repr(value)) for key, value in back.items()} == {
        key: (type(value), repr(value)) for key, value in cell.items()
    }
    assert canonical(dict(reversed(cell.items()))) == text
    assert "\n" not in text


def test_ids_tell_apart_what_differs():
    cells = [{"x": 1}, {"x": 1.0}, {"x": True}, {"x": "1"}, {"x": 0.0}, {"x": -0.0}, {"y": 1}, {"x": 1, "y": 1}]
    assert len({cell_id(cell, version) for cell in cells for version in ("a", "b")}) == 16
    assert cell_id({"x": 1, "y": 2}, "a") == cell_id({"y": 2, "x": 1}, "a")


AXES = st.dictionaries(
    NAMES.filter(lambda name: name != "seed"),
    st.lists(VALUES, min_size=1, max_size=3, unique_by=canonical),
    min_size=1,
    max_size=3,
)


@given(AXES, st.one_of(st.none(), st.integers(1, 3)))
def test_a_grid_is_the_product_of_its_axes_with_the_same_seeds_and_survives_toml(axes, seeds):
    grid = Grid(axes=axes, seeds=seeds, first_seed=5)
    cells = list(grid)
    assert len(cells) == len(grid) == math.prod(map(len, axes.values())) * (seeds or 1)
    assert len({canonical(cell) for cell in cells}) == len(cells)
    if seeds:
        points: dict[str, list[int]] = {}
        for cell in cells:
            points.setdefault(canonical({key: cell[key] for key in axes}), []).append(cell["seed"])
        assert all(found == list(range(5, 5 + seeds)) for found in points.values())
    assert list(map(canonical, grid_from_dict(grid.to_dict(), "again"))) == list(map(canonical, cells))


def test_the_order_is_that_of_the_file_seeds_fastest(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text('seeds = 2\n[fixed]\nhorizon = 9\n[axes]\nmechanism = ["fba", "clob"]\npi = [10, 1]\n')
    found = [(cell["mechanism"], cell["pi"], cell["seed"]) for cell in load_grid(path)]
    assert found == [(m, p, s) for m in ("fba", "clob") for p in (10, 1) for s in (0, 1)]
    assert all(cell["horizon"] == 9 for cell in load_grid(path))


def test_a_list_of_cells(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(tomli_w.dumps({"cells": [{"pi": 1}, {"pi": 50, "delay": 2.5}], "first_seed": 1, "seeds": 2}))
    assert list(load_grid(path)) == [
        {"pi": 1, "seed": 1},
        {"pi": 1, "seed": 2},
        {"pi": 50, "delay": 2.5, "seed": 1},
        {"pi": 50, "delay": 2.5, "seed": 2},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[axes]\nx = [1, nan]", "got nan"),
        ("[axes]\nx = [inf]", "got inf"),
        ("[axes]\nx = [1, 1]", "twice"),
        ("[axes]\nx = []", "got no value"),
        ("[axes]\nx = [[1]]", "got [1]"),
        ("[axes]\ncell_id = [1]", "cell_id"),
        ("[axes]\nx = [2020-01-01]", "datetime.date"),
        ("[axes]\nx = [9223372036854775808]", "64 bits"),
        ("[[cells]]\nx = 1\n[[cells]]\nx = 1", "twice"),
        ("[[cells]]\nx = {y = 1}", "got {'y': 1}"),
        ("[[cells]]\n", "got no value"),
        ("[axes]\nx = [1]\n[[cells]]\nx = 1", "both"),
        ("seeds = 3", "neither"),
        ("seeds = 0\n[axes]\nx = [1]", "at least 1"),
        ("seeds = true\n[axes]\nx = [1]", "True"),
        ("seeds = 2\n[axes]\nseed = [1]", "'seed'"),
        ("seeds = 2\n[fixed]\nseed = 1\n[axes]\nx = [1]", "'seed'"),
        ("[fixed]\nx = 1\n[axes]\nx = [1]", "'x'"),
        ("axis = 1\n[axes]\nx = [1]", "axis"),
        ("[axes\n", "grid.toml"),
    ],
)
def test_bad_grids_are_refused_with_what_came(tmp_path, text, said):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_grid(path)
    assert said in str(refused.value)
    assert "grid.toml" in str(refused.value)


@pytest.mark.parametrize("cell", [{"x": "\ud800"}, {"\udc80": 1}, {1: 2}, {None: 1}])
def test_a_cell_that_no_file_can_hold_is_refused(cell):
    with pytest.raises(ConfigError, match="cell"):
        checked_cell(cell, "cell")
