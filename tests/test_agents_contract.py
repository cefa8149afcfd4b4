"""The agent seam: what is refused at registration, what a context does, and what hooks may do."""

from __future__ import annotations

import pytest

from marketsim.errors import PluginError, RegistrationError
from marketsim.simulation import Simulation
from marketsim.types import Feed, Fill, Settle
from tests.small_market import MiniBook, PostedPrice, Script, Scripted, buy, run, sell, signal

# Registration


class _Reviews:
    agent_id = "x"
    review_interval = 5

    def review(self, ctx): ...


def _agent(**attributes):
    return type("Odd", (), {"agent_id": "x", **attributes})()


def _hook(self, ctx): ...


def _hook2(self, ctx, item): ...


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"on_review": _hook, "review_interval": 5},
        {"start": _hook, "on_review": _hook},
        {"start": _hook, "reviw": _hook},
        {"start": _hook, "on_report": _hook2},
        {"start": _hook, "decides": _hook2},
        {"start": _hook, "onReview": _hook},
        {"decide": _hook2, "observe": lambda self, market, tier: False},
        {"start": lambda self: None},
        {"decide": _hook},
        {"report": _hook},
        {"wake": _hook2},
        {"review": _hook},
        {"review": _hook, "review_interval": 0},
        {"review": _hook, "review_interval": True},
        {"review": _hook, "review_interval": 5.0},
        {"arrive": _hook},
        {"arrive": _hook, "arrival_rate": 0},
        {"arrive": _hook, "arrival_rate": -1.0},
        {"arrive": _hook, "arrival_rate": True},
        {"arrive": _hook, "arrival_rate": float("nan")},
        {"arrive": _hook, "arrival_rate": float("inf")},
        {"arrive": _hook, "arrival_rate": 10**400},
        {"start": _hook, "agent_id": ""},
        {"start": _hook, "agent_id": 7},
        {"start": _hook, "agent_id": None},
        {"start": _hook, "agent_id": "pool:amm"},
        {"start": _hook, "agent_id": "tape:trades"},
        {"decide": _hook2, "observes": ("A", "routine")},
        {"decide": _hook2, "observes": lambda self: True},
    ],
)
def test_what_does_not_look_like_an_agent_is_refused(attributes):
    with pytest.raises(RegistrationError):
        run(_agent(**attributes))


@pytest.mark.parametrize("name", ["observation_delay", "market_data_delay", "order_latency", "report_latency"])
@pytest.mark.parametrize("bad", [-1, 1.0, True, None, "3", float("nan"), {"book": -1}, {"book": 1.5}, {3: 1}, [1]])
def test_bad_delays_are_refused_by_name(name, bad):
    with pytest.raises(RegistrationError, match=name):
        run(_agent(start=_hook, **{name: bad}))


def test_two_agents_with_one_id_are_refused():
    with pytest.raises(RegistrationError, match="'x'"):
        run(_Reviews(), _Reviews())


def test_a_class_in_place_of_an_object_is_refused():
    with pytest.raises(RegistrationError):
        run(Scripted)
    with pytest.raises(RegistrationError):
        run(venues={"book": MiniBook})


@pytest.mark.parametrize("call", ["submit", "cancel", "state", "estimate_impact", "clock", "next_clock"])
def test_a_venue_with_a_missing_or_misshaped_call_is_refused(call):
    attributes = {name: value for name, value in vars(PostedPrice).items() if not name.startswith("_")}
    attributes.update(markets=("A",), price=100, house="house")
    without = type("Without", (), {key: value for key, value in attributes.items() if key != call})()
    with pytest.raises(RegistrationError, match=call):
        run(venues={"v": without})
    with pytest.raises(RegistrationError, match=call):
        run(venues={"v": type("Misshaped", (), {**attributes, call: lambda self: None})()})


# Hooks


@pytest.mark.parametrize("answer", [0, False, [], "done", ()])
def test_a_hook_that_returns_something_is_named(answer):
    agent = _agent(review=lambda self, ctx: answer, review_interval=7)
    with pytest.raises(PluginError, match=r"agent 'x' \(Odd.review\) at time 7, seed 3.*returned"):
        run(agent, seed=3)


@pytest.mark.parametrize("hook", ["start", "review", "arrive", "wake", "report", "decide"])
def test_a_hook_that_raises_is_named(hook):
    def broken(self, *_):
        raise KeyError("oops")

    def start(self, ctx):
        ctx.wake_at(5)
        ctx.submit(buy())

    attributes = {"start": start, "wake": _hook, "review_interval": 5, "arrival_rate": 100.0, hook: broken}
    with pytest.raises(PluginError, match=rf"agent 'x' \(Odd.{hook}\) at time \d+, seed 3.*KeyError.*oops") as caught:
        run(_agent(**attributes), sources=[Script([(5, [signal(5)])])], seed=3)
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_observes_that_raises_names_the_agent():
    def observes(self, market, tier):
        raise KeyError("oops")

    with pytest.raises(PluginError, match="'x'"):
        run(_agent(decide=_hook2, observes=observes), sources=[Script([(5, [signal(5)])])])


def test_observes_selects_signals_and_agents_without_decide_get_none():
    seen = []
    agent = _agent(
        decide=lambda self, ctx, item: seen.append((ctx.now, item.tier)),
        observes=lambda self, market, tier: tier == "tail",
    )
    run(agent, _Reviews2(), sources=[Script([(5, [signal(5), signal(5, tier="tail")]), (6, [signal(6)])])])
    assert seen == [(5, "tail")]


class _Reviews2(_Reviews):
    agent_id = "y"


def test_reviews_fall_on_multiples_and_may_change_their_interval():
    times = []

    def review(self, ctx):
        times.append(ctx.now)
        if ctx.now == 15:
            self.review_interval = 20

    run(_agent(review=review, review_interval=5), horizon=55)
    assert times == [5, 10, 15, 35, 55]


def test_a_review_interval_that_turns_bad_stops_the_run():
    def review(self, ctx):
        self.review_interval = 0

    with pytest.raises(PluginError, match=r"agent 'x' \(Odd.review_interval\) at time 5, seed 3: .*wanted an int"):
        run(_agent(review=review, review_interval=5), seed=3)


@pytest.mark.parametrize("message", [Settle("A", 1), Feed("A", 100, 5), ("A", 1), "order", None, 5])
def test_an_agent_cannot_send_what_is_not_an_agents_to_send(message):
    with pytest.raises(PluginError, match=r"'x'.*named tuple with owner and venue"):
        run(Scripted("x", {1: lambda ctx: ctx.submit(message)}))


def test_owner_id_and_venue_are_stamped_over_whatever_the_agent_wrote():
    forged = buy()._replace(owner="victim", order_id=77, venue="elsewhere")
    agent = Scripted("x", {1: lambda ctx: ctx.submit(forged)})
    victim = Scripted("victim")
    frame = run(agent, victim).orders.frame()
    assert frame[["order_id", "owner", "venue"]].values.tolist() == [[1, "x", "book"]]
    assert victim.heard == []


@pytest.mark.parametrize("name", ["market_data_delay", "order_latency", "report_latency"])
def test_a_delay_for_a_venue_that_does_not_exist_is_refused(name):
    with pytest.raises(RegistrationError, match=rf"'x'\.{name}: no venue 'elsewhere'; there are book"):
        Simulation(venues={"book": MiniBook()}, agents=[Scripted("x", **{name: {"elsewhere": 9}})])


def test_the_account_is_brought_up_to_date_report_by_report():
    held = []

    class Watching(Scripted):
        def report(self, ctx, report):
            if type(report) is Fill:
                held.append(ctx.inventory("A"))

    sellers = [Scripted(f"s{n}", {1: lambda ctx: ctx.submit(sell(1))}) for n in range(3)]
    run(*sellers, Watching("x", {2: lambda ctx: ctx.submit(buy(3))}))
    assert held == [1, 2, 3]
