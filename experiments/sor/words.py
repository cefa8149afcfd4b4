"""What a smart order router study says in words: its question, its answer, its caveats."""

from __future__ import annotations

from math import comb

from experiments.pages.numbers import listed, percent, plain, with_error
from experiments.quotes.tape import QuoteTape
from experiments.sor.compare import common, difference, estimate, ranking
from experiments.sor.config import SYNTHETIC, SorStudy
from experiments.sor.search import Prices, points_of
from experiments.sor.study import Results


def question(study: SorStudy, tape: QuoteTape | None, results: Results) -> str:
    """What is bought, where, when."""
    venues = len(study.books.activity) if tape is None else len(tape.publishers)
    where = f"{venues} simulated books" if tape is None else f"replayed quotes of {venues} publisher(s) in {study.data}"
    decisions = 0 if results.orders.empty else results.orders["number"].nunique()
    seconds = plain(study.horizon * study.step_ms / 1000)
    return (
        f"{study.quantity} shares are to be bought within {seconds} s on {where}, at {decisions} decisions. Which "
        "policy buys them cheapest, and what do the prices of the Cont-Kukanov model change?"
    )


def answer(study: SorStudy, results: Results, best: Prices | None) -> list[str]:
    """Completion, the cheapest policy and whether it can be told from the others, and the search."""
    if results.orders.empty:
        seconds = plain(study.horizon * study.step_ms / 1000)
        wanted = f"at no time are there quotes on every side needed, with {seconds} s of them before it and after it"
        return [f"No order was executed: {wanted}."]
    return [_completion(results), _cheapest(results), *_search(study, results, best)]


def _completion(results: Results) -> str:
    whole = results.orders.groupby("policy", sort=False)["complete"]
    short = [f"{policy} ({int((~own).sum())} of {len(own)})" for policy, own in whole if not own.all()]
    if not short:
        return "Every policy completed every order."
    compared = common(results.orders)["number"].nunique()
    return (
        f"Orders that stayed incomplete: {listed(short)}. Policies are compared at the {compared} decisions that every "
        "policy completed which completed any."
    )


def _cheapest(results: Results) -> str:
    order = ranking(results.orders)
    if not order:
        return "No policy can be ranked: there is no decision that can be compared."
    same = common(results.orders)
    mean = estimate(same, order[0], "shortfall")
    cents = with_error(100 * mean.mean, 100 * mean.se)
    said = f"Cheapest at the decisions compared is {order[0]}: {cents} cents a share above arrival, with fees"
    if len(order) == 1:
        return said + "."
    # Which one is cheapest was seen on the same decisions, so any two policies might have been compared.
    pairs = comb(len(order), 2)
    alike = [name for name in order[1:] if not difference(same, name, order[0]).told(pairs)]
    if alike:
        return f"{said}; the decisions cannot tell it from {listed(alike)}."
    return f"{said}; every other policy is dearer beyond chance."


def _search(study: SorStudy, results: Results, best: Prices | None) -> list[str]:
    search = results.search
    if search.empty:
        return []
    if best is None and not (search["part"] == "in").any():
        return ["The search chose nothing: there is no decision in the first part."]
    if best is None:
        return ["The search chose nothing: no point of the grid completed every order of the first part."]
    grid = search[search["grid"]]
    runs = grid.groupby("number")["run"].nunique()
    said = f"lambda_o {plain(best.over)}, lambda_u {plain(best.under)}, theta {plain(best.impact)}"
    points = len(points_of(study.grid))
    if (runs == 1).all():
        share = percent(float(grid["market"].mean()) / study.quantity)
        flat = f"The search has nothing to choose: at every decision its {points} points have one placement"
        return [f"{flat}, with {share} at market; it keeps the first, {said}."]
    most = int(runs.max())
    return [f"The search chose {said}; its {points} points have at most {most} different placements at a decision."]


def caveats(study: SorStudy, tape: QuoteTape | None) -> list[str]:
    """What the numbers do not say."""
    prices = f"{study.half_spread:g}, {study.fee:g} and {study.rebate:g} a share"
    lines = [
        "Naive, TWAP and VWAP are benchmark prices: nobody executed at them, and the naive price has no depth limit.",
        "An order with shares left has no savings, slippage or shortfall, and is not ranked.",
        "Shares bought beyond the order count in its average price; nothing is charged for having them.",
        f"The model's half spread, fee and rebate are {prices}; the true spread may be another.",
        "Fees and rebates enter the shortfall, not the prices, the savings and the slippage.",
        "Outflows are lots that leave the best bid, seen between two looks or quotes: a lower bound.",
        "In the model all that leaves a queue beyond the lots ahead fills the order; in the market only trades do.",
        "The model pays lambda_u for a share left; here the rest is bought at market at the deadline instead.",
    ]
    if study.data == SYNTHETIC:
        return [*lines, "The flow of the simulated books does not learn from, or answer to, the order."]
    lines.append(f"The tape does not answer to the order. Queues are a model: {study.queue}.")
    if tape is not None and (again := sum(tape.repeated.values())):
        lines.append(f"Of several quotes of one publisher and time stamp the first counts: {again} left out.")
    if tape is not None and tape.hidden:
        lines.append(f"Trades at prices between two ticks met no displayed order: {tape.hidden} left out.")
    if tape is not None and not len(tape.trade_times):
        lines.append("The file has no trades: what leaves the best price is taken for traded.")
    if tape is not None and tape.bids is None:
        lines.append("The file has no bids: the arrival price is the best ask.")
    if tape is not None and len(tape.publishers) == 1:
        lines.append("There is one publisher: nothing is routed, only placed.")
    return lines
