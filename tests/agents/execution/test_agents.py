"""Execution agents on two continuous books that trade one market."""

from __future__ import annotations

import pytest
from attrs import define, field

from agents import examples
from agents.execution.agents import TWAP, VWAP, ContKukanov, FixedSplit, PercentOfVolume, SweepBest
from agents.execution.cost import Costs
from agents.execution.parent import ParentOrder, equal_parts, sweep
from agents.execution.schedules import targets
from marketsim.errors import ConfigError
from marketsim.simulation import Simulation
from marketsim.testing import check_agent
from marketsim.types import Side, VenueState, limit_order, market_order
from venues.clob import ContinuousBook

BUY, SELL = Side.BUY, Side.SELL
VENUES = ("east", "west")
PRICES = Costs(half_spread=1.0, fee=0.2, rebates=(0.1, 0.1), impact=0.05, under=4.0, over=3.0)


@define(eq=False)
class Script:
    """Sends (time, venue, side, lots, price or None for a market order) as it says."""

    agent_id: str
    plan: list[tuple]
    order_latency: int = 0

    def start(self, ctx):
        for time in sorted({row[0] for row in self.plan}):
            ctx.wake_at(time)

    def wake(self, ctx):
        for time, venue, side, lots, price in self.plan:
            if time == ctx.now:
                ctx.submit(
                    market_order("A", side, quantity=lots)
                    if price is None
                    else limit_order("A", side, quantity=lots, price=price),
                    venue=venue,
                )


@define(eq=False)
class Crowd:
    """Random quotes, cancels and takes at both venues."""

    agent_id: str = "crowd"
    review_interval: int = 2
    seen: int = field(default=0)

    def review(self, ctx):
        for venue in VENUES:
            side = Side(int(ctx.rng.choice([1, -1])))
            lots, away = int(ctx.rng.integers(1, 30)), int(ctx.rng.integers(1, 6))
            if ctx.rng.random() < 0.4:
                ctx.submit(market_order("A", side, quantity=lots), venue=venue)
            else:
                ctx.submit(limit_order("A", side, quantity=lots, price=1000 - side * away), venue=venue)
        if len(ctx.open_orders) > 30:
            ctx.cancel(next(iter(ctx.open_orders)))


def run(*agents, horizon=400, seed=1):
    venues = {name: ContinuousBook(("A",)) for name in VENUES}
    return Simulation(venues=venues, agents=agents, seed=seed).run(horizon)


def parent(side=BUY, quantity=100, deadline=200, start=100, venues=VENUES):
    return ParentOrder("A", side, quantity, deadline, start, venues)


def book(*rows, name="maker", time=1):
    return Script(name, [(time, *row) for row in rows])


def log(agent):
    return [(c.time, c.venue, c.kind, c.quantity, c.price, c.filled) for c in agent.parent.children.values()]


def everyone(side=BUY, quantity=100, **delays):
    yield TWAP("x", parent(side, quantity), **delays)
    yield VWAP("x", parent(side, quantity), (1.0, 3.0, 2.0), **delays)
    yield PercentOfVolume("x", parent(side, quantity), **delays)
    yield SweepBest("x", parent(side, quantity), **delays)
    yield FixedSplit("x", parent(side, quantity), **delays)
    yield ContKukanov("x", parent(side, quantity), PRICES, **delays)
    yield ContKukanov("x", parent(side, quantity), PRICES, draws=200, **delays)


NAMES = ["twap", "vwap", "percent", "sweep", "split", "cont-kukanov", "stochastic"]


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("delays", [{}, {"order_latency": 3, "report_latency": 4, "market_data_delay": 2}])
def test_account_and_log_agree_and_nothing_is_sent_twice(place, side, delays):
    agent = list(everyone(side, 150, **delays))[place]
    result = run(Crowd(), agent)
    fills = result.fills.frame()
    own = fills[fills["owner"] == "x"]
    order = agent.parent
    assert 0 < order.filled == own["quantity"].sum() == side * result.ledger.inventory["x"]["A"]
    assert order.money == -result.ledger.cash["x"]
    assert order.unfilled == max(0, 150 - order.filled)
    assert order.working == 0
    if place < 5 or (place, delays) == (5, {}):
        assert order.filled <= 150
    assert all(child.time >= order.start for child in order.children.values())


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_what_no_venue_offers_stays_unfilled(place):
    agent = list(everyone(quantity=100))[place]
    thin = book(("east", SELL, 30, 1010), ("west", SELL, 15, 1011), ("east", BUY, 30, 1000), ("west", BUY, 5, 1000))
    run(thin, agent)
    assert (agent.parent.filled, agent.parent.unfilled, agent.parent.working) == (45, 55, 0)
    assert agent.parent.average_price == pytest.approx((30 * 1010 + 15 * 1011) / 45)


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_empty_books_fill_nothing(place):
    agent = list(everyone())[place]
    run(agent)
    assert (agent.parent.filled, agent.parent.unfilled, agent.parent.average_price) == (0, 100, None)


def test_twap_takes_equal_parts_and_makes_up_for_what_was_not_there():
    agent = TWAP("x", parent(quantity=40), slices=4)
    maker = Script("maker", [(1, "east", SELL, 4, 1010), (130, "west", SELL, 100, 1012)])
    run(maker, agent)
    assert log(agent) == [
        (100, "east", "take", 4, 1010, 4),
        (150, "west", "take", 26, 1012, 26),
        (175, "west", "take", 10, 1012, 10),
    ]


def test_vwap_follows_its_curve():
    agent = VWAP("x", parent(quantity=60), (1.0, 3.0, 2.0))
    run(book(("east", SELL, 500, 1010)), agent)
    assert [(row[0], row[3]) for row in log(agent)] == [(100, 10), (133, 30), (166, 20)]


def test_sweep_takes_the_best_price_of_both_venues_and_waits_for_more():
    agent = SweepBest("x", parent(quantity=50), interval=20)
    rows = [("east", SELL, 10, 1010), ("west", SELL, 7, 1010), ("west", SELL, 100, 1015), ("east", SELL, 5, 1012)]
    run(book(*rows), agent)
    assert log(agent)[:3] == [
        (100, "east", "take", 10, 1010, 10),
        (100, "west", "take", 7, 1010, 7),
        (120, "east", "take", 5, 1012, 5),
    ]
    assert log(agent)[3:] == [(140, "west", "take", 28, 1015, 28)]


def test_percentage_of_volume_takes_its_share_of_what_leaves_the_touch():
    agent = PercentOfVolume("x", parent(quantity=100), rate=0.25, interval=10)
    flow = Script("flow", [(105, "east", BUY, 40, None), (125, "west", BUY, 80, None)])
    run(book(("east", SELL, 500, 1010), ("west", SELL, 500, 1010)), flow, agent)
    taken = [(row[0], row[3]) for row in log(agent) if row[0] < 200]
    assert taken == [(110, 10), (130, 20)]
    assert agent.parent.filled == 100


def test_fixed_split_sends_two_fifths_and_spreads_the_rest():
    agent = FixedSplit("x", parent(quantity=1000), interval=50)
    rows = [("east", SELL, 300, 1010), ("west", SELL, 900, 1009), ("east", BUY, 10, 1000), ("west", BUY, 10, 1001)]
    run(book(*rows), agent)
    assert log(agent)[:3] == [
        (100, "west", "take", 400, 1009, 400),
        (100, "east", "limit", 300, 1000, 0),
        (100, "west", "limit", 300, 1001, 0),
    ]
    # Below 1000 left: a tenth.
    assert log(agent)[3][:4] == (150, "west", "take", 60)


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_the_only_venue_needs_no_name(place):
    agent = list(everyone(quantity=20))[place]
    agent.parent = ParentOrder("A", BUY, 20, 200, 100)
    if place >= 5:
        agent.costs = Costs(1.0, 0.2, (0.1,), 0.05, 4.0, 3.0)
    maker = [("only", SELL, 90, 1010), ("only", BUY, 90, 1000)]
    Simulation(venues={"only": ContinuousBook(("A",))}, agents=[book(*maker), agent]).run(300)
    assert agent.parent.filled == 20


EXAMPLES = [
    examples.cont_kukanov, examples.fixed_split, examples.percent_of_volume, examples.sweep_best, examples.twap,
    examples.vwap,
]  # fmt: skip


@pytest.mark.parametrize("factory", EXAMPLES, ids=lambda factory: factory.__name__)
def test_examples_pass_the_conformance_kit(factory):
    assert [outcome for outcome in check_agent(factory).outcomes if outcome.failure] == []
    assert factory() == factory()


# Cont and Kukanov


def placed(agent):
    return [row[1:5] for row in log(agent) if row[0] == agent.parent.start]


@pytest.mark.parametrize("outflow", [0, 20, 30, 35, 60, 90, 200])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_limit_order_fills_what_the_model_says(side, outflow):
    """A book's queue is the model's: fill = min(max(xi - Q, 0), L) for any outflow after the start."""
    order = parent(side, quantity=60, start=5, venues=("east",))
    prices = Costs(1.0, 0.2, (0.1,), 0.05, 4.0, 3.0)
    agent = ContKukanov("x", order, prices, history=((1000.0,),))
    quotes = book(("east", side, 30, 1000), ("east", side.opposite, 500, 1000 + 10 * side))
    takers = [Script("taker", [(150, "east", side.opposite, outflow, None)])] if outflow else []
    run(quotes, *takers, agent)
    limits = [child for child in order.children.values() if child.kind == "limit"]
    assert [(child.quantity, child.price) for child in limits] == [(60, 1000)]
    assert limits[0].filled == min(max(outflow - 30, 0), 60)
    # The rest is taken at the deadline.
    assert order.unfilled == 0
    rest = [child for child in order.children.values() if child.kind == "market"]
    assert sum(child.filled for child in rest) == 60 - limits[0].filled
    assert all(child.time == order.deadline for child in rest)


def two_sided(lots=50):
    return book(*[(venue, side, lots, 1005 - 5 * side) for venue in VENUES for side in (BUY, SELL)])


def test_placement_is_the_solution_for_the_sample_and_more_outflow_means_more_limit_orders():
    def of(history):
        agent = ContKukanov("x", parent(quantity=40, start=5), PRICES, history=history)
        run(two_sided(), agent)
        solution = agent.solution.placement
        assert sum(row[2] for row in placed(agent) if row[3] == 1010) == round(solution.market)
        assert solution.total >= 40 - 1e-6
        return solution

    assert of(((0.0, 0.0),)).market == 40
    assert of(((500.0, 500.0),)).market == 0
    one = of(((500.0, 0.0), (400.0, 0.0)))
    assert one.market < 1e-6
    assert one.limits[0] > one.limits[1]


def test_stochastic_approximation_comes_near_the_best_cost_for_the_sample():
    history = tuple((float(first), float(second)) for first in range(0, 100, 9) for second in range(0, 100, 7))

    def of(draws, seed=1):
        agent = ContKukanov("x", parent(quantity=40, start=5), PRICES, history=history, draws=draws)
        run(two_sided(), agent, seed=seed)
        return agent.solution

    best, near, rough = of(0), of(20_000), of(20)
    assert best.cost <= near.cost <= best.cost + 0.02 * abs(best.cost)
    assert near.cost < rough.cost
    assert near == of(20_000)
    assert near.placement != of(20_000, seed=2).placement


def test_outflows_are_those_seen_before_the_start_and_no_others():
    def of(after):
        flow = [(time, "east", SELL, 10, None) for time in range(5, 50, 10)]
        refill = [(time + 2, "east", BUY, 10, 1000) for time in range(5, 50, 10)]
        later = [(time, "west", SELL, 40, None) for time in range(101, 200, 7)] if after else []
        agent = ContKukanov("x", parent(quantity=40), PRICES, interval=20)
        run(two_sided(), Script("flow", flow + refill + later), agent)
        return agent

    agent, other = of(False), of(True)
    assert agent.sample().tolist() == other.sample().tolist() == [[0.0, 0.0]]
    assert agent.solution == other.solution
    assert placed(agent) == placed(other)


def test_outflow_is_what_left_the_touch_in_a_window_as_long_as_the_parent_order():
    agent = ContKukanov("x", parent(quantity=40, start=140), PRICES, interval=20)
    run(two_sided(), Script("flow", [(30, "east", SELL, 10, None), (70, "west", SELL, 25, None)]), agent)
    # Looks at 0, 20, .. 140, windows of three: the first look finds the book empty.
    assert agent.looks == 3
    assert agent.sample().tolist() == [[10, 0], [10, 25], [0, 25], [0, 25], [0, 0]]


def test_it_may_not_decide_without_a_window():
    with pytest.raises(ConfigError, match="start 90"):
        ContKukanov("x", parent(deadline=200, start=90), PRICES)
    ContKukanov("x", parent(deadline=200, start=90), PRICES, history=((1.0, 2.0),))


def test_orders_left_over_are_withdrawn_once_the_parent_is_filled():
    def of(**options):
        agent = ContKukanov("x", parent(quantity=40), PRICES, history=((90.0, 0.0), (0.0, 90.0)), **options)
        flow = Script("flow", [(150, "east", SELL, 90, None), (160, "west", SELL, 90, None)])
        run(two_sided(), flow, agent)
        return agent.parent

    stops, stays = of(), of(withdraws_when_filled=False)
    assert sum(child.quantity for child in stays.children.values()) > 40
    assert stays.filled > 40
    assert stops.filled == 40
    assert stops.unfilled == stays.unfilled == stops.working == stays.working == 0


# The parent order


def test_a_sweep_takes_the_cheapest_lots_and_mirrors():
    east, west = VenueState(asks=((100, 5), (103, 9))), VenueState(asks=((101, 2), (103, 9)))
    assert sweep([east, west], BUY, 10, None) == [(0, 8, 103), (1, 2, 101)]
    assert sweep([east, west], BUY, 10, 2) == [(0, 5, 100), (1, 2, 101)]
    assert sweep([east, west], BUY, 99, None) == [(0, 14, 103), (1, 11, 103)]
    assert sweep([VenueState(), VenueState()], BUY, 10, None) == []
    assert sweep([VenueState(bids=((100, 5),)), VenueState(bids=((101, 2),))], SELL, 6, None) == [
        (1, 2, 101),
        (0, 4, 100),
    ]


def test_equal_parts_and_targets_add_up():
    assert equal_parts(10, 4) == [3, 3, 2, 2]
    assert targets(7, (1.0, 0.0, 1.0)) == [4, 4, 7]
    assert targets(100, (0.1,) * 10) == list(range(10, 101, 10))


@pytest.mark.parametrize(
    "bad", [{"quantity": 0}, {"side": 1}, {"deadline": 100}, {"venues": ("east", "east")}, {"start": -1}]
)
def test_bad_parents_are_refused(bad):
    with pytest.raises(ConfigError):
        ParentOrder(**({"market": "A", "side": BUY, "quantity": 10, "deadline": 200, "start": 100} | bad))
