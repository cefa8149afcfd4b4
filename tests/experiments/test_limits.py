"""A slip of the finger in a count is refused at once: the study of a million million seeds would never end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import attrs
import pytest
import typer

from experiments import cli
from experiments.limits import (
    AGENTS_MAX,
    BUCKET_MS_MAX,
    BUCKETS_MAX,
    CELLS_MAX,
    LOTS_MAX,
    MARKETS_MAX,
    MS_MAX,
    ORDERS_MAX,
    SAMPLES_MAX,
    SEED_MAX,
    SEEDS_MAX,
    STEPS_MAX,
    TICKS_MAX,
)
from experiments.ofi import config as ofi
from experiments.pi_curve import config as pi_curve
from experiments.pi_curve.cell import cell_count, cells_of, rehearse
from experiments.position import config as position
from experiments.routing import config as routing
from experiments.routing.synthetic import LeadLag
from experiments.sor import config as sor
from experiments.sweep.cells import Grid, grid_from_dict
from marketsim.checks import integer
from marketsim.errors import ConfigError

LIMITS = [
    (pi_curve, "seeds", SEEDS_MAX),
    (pi_curve, "horizon", STEPS_MAX),
    (pi_curve, "realised_horizon", STEPS_MAX),
    (pi_curve, "max_lag", STEPS_MAX),
    (pi_curve, "world.n_markets", MARKETS_MAX),
    (pi_curve, "population.naive", AGENTS_MAX),
    (pi_curve, "population.ladder_levels", ORDERS_MAX),
    (routing, "seeds", SEEDS_MAX),
    (routing, "control_seeds", SEEDS_MAX),
    (routing, "compare_seeds", SEEDS_MAX),
    (routing, "samples", SAMPLES_MAX),
    (routing, "engine_steps", STEPS_MAX),
    (sor, "seeds", SEEDS_MAX),
    (sor, "decisions", SEEDS_MAX),
    (sor, "books.resting", ORDERS_MAX),
    (ofi, "horizon", BUCKETS_MAX),
    (ofi, "bucket_ms", BUCKET_MS_MAX),
    (ofi, "market.buckets", BUCKETS_MAX),
    (ofi, "market.bucket_steps", BUCKETS_MAX),
    (ofi, "market.traders", AGENTS_MAX),
    (ofi, "market.money_runs", SEEDS_MAX),
    (ofi, "market.money_buckets", BUCKETS_MAX),
    (position, "horizon", BUCKETS_MAX),
    (position, "bucket_ms", BUCKET_MS_MAX),
    (position, "market.buckets", BUCKETS_MAX),
    (position, "market.bucket_steps", BUCKETS_MAX),
    (position, "market.holders", AGENTS_MAX),
]
STUDIES = (pi_curve.Study, ofi.OfiStudy, position.PositionStudy, routing.RouteStudy, sor.SorStudy, Grid)
LARGE = {"seed", "first_seed", "made_seed", "start_ms", "duration_ms", "step"}
"""Fields that are no counts: seeds and time stamps."""


def integer_fields(kind: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Every class below `kind`, itself too, and its fields that hold integers, each with its type."""
    hints = get_type_hints(kind)
    for each in attrs.fields(kind):
        parts = get_args(hints[each.name]) or (hints[each.name],)
        for below in filter(attrs.has, parts):
            yield from integer_fields(below)
        if int in parts:
            yield kind, each, hints[each.name]


def taken(kind: Any, each: Any, value: Any) -> bool:
    try:
        each.validator(object.__new__(kind), each, value)
    except ConfigError:
        return False
    return True


def bounded(kind: Any, each: Any, hint: Any, beyond: int) -> bool:
    """Whether a field takes 1000, alone or after 0, and not a number beyond all reason."""
    assert each.validator is not None, f"{kind.__name__}.{each.name} has no bound"
    forms: list[Callable[[int], Any]] = [lambda value: value]
    if "tuple" in str(hint):
        forms = [lambda value: (value,), lambda value: (0, value)]
    fitting = [form for form in forms if taken(kind, each, form(1000))]
    return bool(fitting) and not any(taken(kind, each, form(beyond)) for form in fitting)


FIELDS = list(dict.fromkeys(found for study in STUDIES for found in integer_fields(study)))


@pytest.mark.parametrize(
    ("kind", "each", "hint"), FIELDS, ids=[f"{kind.__module__}.{kind.__name__}.{each.name}" for kind, each, _ in FIELDS]
)
def test_every_integer_of_every_study_has_an_upper_bound(kind: Any, each: Any, hint: Any):
    assert bounded(kind, each, hint, beyond=2**63 if each.name in LARGE else 10**9 + 1)


def test_an_integer_without_an_upper_bound_is_found():
    @attrs.frozen
    class Loose:
        count: int = attrs.field(validator=integer(1))
        tight: int = attrs.field(validator=integer(1, 2000))

    loose, tight = attrs.fields(Loose)
    assert not bounded(Loose, loose, int, beyond=10**10)
    assert bounded(Loose, tight, int, beyond=10**10)


def test_every_whole_number_of_the_command_line_has_an_upper_bound():
    # What goes into a study is bounded there, and has no range here.
    ranged = {name: option for name, option in options_of(cli.app) if option.min is not None}
    assert ranged.keys() >= {"bench_book messages", "bench_cell seeds", "check_venue seed", "route jobs", "run jobs"}
    assert [name for name, option in ranged.items() if option.max is None] == []


def options_of(app: typer.Typer) -> Iterator[tuple[str, Any]]:
    for each in app.registered_groups:
        yield from options_of(each.typer_instance)
    for command in (*app.registered_commands, app.registered_callback):
        called: Any = command.callback if command else None
        for name, hint in get_type_hints(called, include_extras=True).items() if called else ():
            yield from ((f"{called.__name__} {name}", option) for option in getattr(hint, "__metadata__", ()))


@pytest.mark.parametrize("key", ["pi", "markout_horizons"])
def test_a_step_beyond_the_longest_market_is_refused_in_a_list(key: str):
    first = [0] if key == "markout_horizons" else []
    pi_curve.loads(f"{key} = {[*first, STEPS_MAX]}\n", "study.toml")
    for value in (STEPS_MAX + 1, 10**24):
        values = [*first, value]
        with pytest.raises(ConfigError) as refused:
            pi_curve.loads(f"{key} = {values}\n", "study.toml")
        assert f"Study.{key}: got {values}, wanted different ints of at least" in str(refused.value)
        assert f"up to {STEPS_MAX}" in str(refused.value)


def test_cells_are_counted_without_listing_them_and_refused_beyond_a_limit():
    all_seeds = f'seeds = {SEEDS_MAX}\nmechanisms = ["clob"]\n'
    assert cell_count(pi_curve.loads(all_seeds, "study.toml")) == CELLS_MAX == SEEDS_MAX
    two = '[[factors]]\nname = "delay"\nkey = "population.lp_delay"\nvalues = [1, 2]\n'
    for text, count, made in (
        (f"{all_seeds}{two}", 2 * SEEDS_MAX, "variants and factors: 2, mechanisms and pi: up to 1, seeds: up to"),
        (f"seeds = {SEEDS_MAX}\n{two}", 10 * SEEDS_MAX, "variants and factors: 2, mechanisms and pi: up to 5, seeds"),
    ):
        study = pi_curve.loads(text, "study.toml")
        for refused in (cell_count, cells_of, rehearse):
            with pytest.raises(ConfigError, match=rf"study: got {count} cells \({made}.*wanted at most {CELLS_MAX}"):
                refused(study)


@pytest.mark.parametrize("name", pi_curve.shipped())
def test_the_count_of_a_shipped_study_is_that_of_its_cells(name: str):
    study = pi_curve.load(name)
    assert cell_count(study) == len(cells_of(study))


def test_a_made_market_has_as_many_moves_as_the_longest_path_at_most():
    LeadLag(duration_ms=STEPS_MAX * 100, bucket_ms=100, grid_ms=100)
    with pytest.raises(ConfigError, match=r"LeadLag.duration_ms: got 10000000100, wanted at most 100000000 times"):
        LeadLag(duration_ms=STEPS_MAX * 100 + 100, grid_ms=100)


@pytest.mark.parametrize(("config", "key", "most"), LIMITS)
def test_a_count_beyond_its_limit_is_refused_with_the_limit(config: Any, key: str, most: int):
    config.loads(f"{key} = {most}\n", "study.toml")
    for value in (most + 1, 10**12, 10**300):
        with pytest.raises(ConfigError, match=rf"{key.rpartition('.')[2]}: got {value}, wanted an int .*up to {most}"):
            config.loads(f"{key} = {value}\n", "study.toml")


def test_an_order_works_within_the_longest_simulated_market():
    sor.loads(f"horizon = {STEPS_MAX}\nbooks.lookback = {STEPS_MAX}\n", "study.toml")
    for key in ("horizon", "books.lookback"):
        with pytest.raises(ConfigError, match=f"got {10**12}, wanted an int .*up to {STEPS_MAX}"):
            sor.loads(f"{key} = {10**12}\n", "study.toml")


def test_a_sweep_has_a_million_seeds_a_point_at_most():
    assert len(grid_from_dict({"axes": {"pi": [1, 10]}, "seeds": SEEDS_MAX}, "grid.toml")) == 2 * SEEDS_MAX
    with pytest.raises(ConfigError, match=rf"Grid.seeds: got .*up to {SEEDS_MAX}"):
        grid_from_dict({"axes": {"pi": [1, 10]}, "seeds": SEEDS_MAX + 1}, "grid.toml")


def test_all_times_of_a_simulated_recording_are_exact_as_floats():
    assert BUCKETS_MAX * BUCKETS_MAX < 2**53
    assert BUCKETS_MAX * BUCKET_MS_MAX < 2**53
    assert STEPS_MAX < 2**53


def test_what_is_bounded_apart_fits_64_bits_together():
    assert LOTS_MAX * 2 * TICKS_MAX < 2**63
    assert SEED_MAX + SEEDS_MAX < 2**63
    assert 2 * MS_MAX * 10**6 < 2**63
