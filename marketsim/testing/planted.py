"""Venues with planted bugs, which the kit must catch: the test of the tests.

`BUGS` maps a name to a factory, a description and the checks of which at least one has to fail. Each is a reference
venue with one thing changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from marketsim.testing import planted_agents as agents
from marketsim.testing import planted_books as books
from marketsim.testing import planted_others as others
from marketsim.testing.reference import PostedPrice, ReferencePool

__all__ = ["AGENTS", "BUGS", "FAIR_VALUES", "Bug"]


class Bug(NamedTuple):
    """A planted bug: what makes the venue, what is wrong with it, and the checks that should notice."""

    factory: Callable[[], Any]
    description: str
    checks: tuple[str, ...]


def _bug(venue: type[Any], description: str, *checks: str) -> Bug:
    markets = ("A",) if issubclass(venue, (PostedPrice, ReferencePool)) else ("A", "B")
    return Bug(lambda: venue(markets), description, checks)


BUGS: dict[str, Bug] = {
    "last-in-first-out": _bug(books.LastInFirstOut, "the newest order at a price trades first", "price-time"),
    "ignores-price-priority": _bug(books.IgnoresPricePriority, "the oldest acceptable order trades", "price-time"),
    "favours-names": _bug(books.FavoursNames, "owners trade in alphabetical order", "price-time", "relabelled"),
    "fills-beyond-limit": _bug(books.FillsBeyondTheLimit, "an order trades a tick beyond its limit", "limits",
                               "price-time"),
    "takers-price": _bug(books.TakersPrice, "trades at the taker's price", "price-time"),
    "loses-a-partial": _bug(books.LosesAPartial, "what is left of a hit order vanishes", "open-book", "cancels"),
    "over-fills": _bug(books.OverFills, "a resting order trades more than it has", "over-fill", "price-time"),
    "rests-crossed": _bug(books.RestsCrossed, "large limits rest without trading", "never-crossed", "price-time"),
    "cancels-for-anybody": _bug(books.CancelsForAnybody, "cancel does not ask whose order it is", "refusals"),
    "cancels-the-wrong-one": _bug(books.CancelsTheWrongOne, "cancel takes the newest order", "owners", "cancels"),
    "forgets-a-cancel": _bug(books.ForgetsACancel, "a cancelled order stays", "open-book", "after-the-end"),
    "cancels-half": _bug(books.CancelsHalf, "a cancel leaves half of the order", "cancels"),
    "keeps-a-drop": _bug(books.KeepsADrop, "a lot of a cancelled order of 7 stays", "open-book", "cancels"),
    "true-is-one": _bug(books.TrueIsOne, "True and 1.0 are taken for order 1", "refusals"),
    "double-fill": _bug(books.DoubleFill, "every leg is reported twice", "over-fill", "accounting", "price-time"),
    "one-leg": _bug(books.OneLeg, "the resting order is not told of its trade", "conservation"),
    "fee-from-nowhere": _bug(books.FeeFromNowhere, "the fee is named but not paid", "conservation"),
    "loses-a-tick-lot": _bug(books.LosesATickLot, "money is a tick-lot short of price x quantity", "conservation"),
    "wrong-owner": _bug(books.WrongOwner, "a leg carries the other side's name", "owners"),
    "yesterdays-reports": _bug(books.YesterdaysReports, "a report is dated a step too early", "answers"),
    "state-rotates": _bug(books.StateRotates, "asking for the state moves the queue", "questions", "price-time"),
    "estimate-of-the-top": _bug(books.EstimateOfTheTop, "everything is estimated at the best price", "estimates"),
    "accepts-duplicates": _bug(books.AcceptsDuplicates, "an id that is live is taken again", "refusals"),
    "accepts-nan": _bug(books.AcceptsNan, "a price of nan is taken", "refusals-unaided"),
    "refusal-costs": _bug(books.RefusalCosts, "a refused order moves the queue", "refusals", "refusals-unaided",
                          "price-time"),
    "ioc-rests": _bug(books.IocRests, "an IOC order rests", "lifetimes"),
    "fok-in-part": _bug(books.FokInPart, "a FOK order fills in part", "lifetimes"),
    "post-only-takes": _bug(books.PostOnlyTakes, "a post-only order trades at once", "lifetimes"),
    "reduce-loses-place": _bug(books.ReduceLosesPlace, "a reduced order goes to the end of its queue", "price-time"),
    "replace-keeps-place": _bug(books.ReplaceKeepsPlace, "a replacement takes the old one's place", "price-time"),
    "replace-destroys": _bug(books.ReplaceDestroys, "the old order is gone when a post-only replacement is refused",
                             "open-book", "cancels", "price-time"),
    "counts-for-all": _bug(books.CountsForAll, "match ids are counted over all venues", "determinism"),
    "wrong-mids": _bug(books.WrongMids, "mid before and mid after are swapped", "mids"),
    "no-mids": _bug(books.NoMids, "fills have no mids", "mids"),
    "empty-levels": _bug(books.EmptyLevels, "a level without lots is published", "states"),
    "friday-rules": _bug(books.FridayRules, "from time 900 on market orders trade nothing", "time-shift",
                         "price-time"),
    "fills-the-dead": _bug(books.FillsTheDead, "an expired order trades later", "after-the-end", "open-book",
                           "never-crossed"),
    "forgets-the-rest": _bug(books.ForgetsTheRest, "what an IOC order did not fill is not reported", "accounting"),
    "raises": _bug(books.Raises, "an order with 5 lots left cannot be found", "answers"),
    "one-tape-for-all": _bug(books.OneTapeForAll, "separate markets, but a trade in one is the last price of all",
                             "separate-markets"),
    "one-pool-for-all": Bug(lambda: others.OnePoolForAll(("A", "B")), "separate markets, but of a pool they share",
                            ("separate-markets",)),
    "two-prices": _bug(others.TwoPrices, "half of a clear trades at one price, half at another", "uniform-price"),
    "one-sided-prices": _bug(others.OneSidedPrices, "buyers pay a tick less than sellers get", "conservation"),
    "volume-midpoint": _bug(others.VolumeMidpoint, "the midpoint of all prices of maximal volume", "market-clearing"),
    "leaves-a-lot": _bug(others.LeavesALot, "one lot less than could trade", "market-clearing"),
    "first-come-first-served": _bug(others.FirstComeFirstServed, "arrival decides within a batch", "pro-rata"),
    "largest-first": _bug(others.LargestFirst, "large orders at the price go first", "pro-rata"),
    "stale-clock": _bug(others.StaleClock, "the next clock is not later than now", "clock-times", "clock"),
    "forgets-the-clock": _bug(others.ForgetsTheClock, "a crossed book names no clear", "clock", "lifetimes"),
    "clears-when-asked": _bug(others.ClearsWhenAsked, "a clock call between two clears clears", "clock"),
    "counts-clocks": _bug(others.CountsClocks, "a rule depends on how often the clock was called", "clock"),
    "market-orders-linger": _bug(others.MarketOrdersLinger, "a market order outlives its clear", "lifetimes"),
    "expired-stays": _bug(others.ExpiredStays, "an expired order trades at a later clear", "after-the-end",
                          "open-book"),
    "expires-silently": _bug(others.ExpiresSilently, "some orders end without a report", "lifetimes"),
    "clears-too-high": _bug(others.ClearsTooHigh, "clears two ticks too high", "market-clearing"),
    "foreign-cancel": _bug(others.ForeignCancel, "anybody can withdraw an order from a batch", "refusals"),
    "rounds-for-the-taker": _bug(others.RoundsForTheTaker, "a pool rounds against itself", "round-trips"),
    "marginal-price": _bug(others.MarginalPrice, "a pool trades any size at the price before it", "round-trips"),
    "reserves-drift": _bug(others.ReservesDrift, "a pool says it holds more than it has", "reserves"),
    "pays-into-nothing": _bug(others.PaysIntoNothing, "a tick-lot of every trade is lost", "conservation"),
    "moving-estimate": _bug(others.MovingEstimate, "every question raises the price", "questions", "reserves"),
    "takes-any-limit": _bug(others.TakesAnyLimit, "limits are not looked at", "limits"),
    "reveals-when-idle": _bug(others.RevealsWhenIdle, "a sealed auction shows its batch at any clock call", "clock"),
    "settles-never": _bug(others.SettlesNever, "every settlement is refused", "settles"),
    "quotes-on": _bug(others.QuotesOn, "a settled market has prices", "settles"),
    "estimates-on": _bug(others.EstimatesOn, "a settled market estimates trades", "settles"),
    "half-the-house": _bug(others.HalfTheHouse, "the house does not take the other side", "conservation"),
}  # fmt: skip
"""Planted bugs by name."""

AGENTS: dict[str, Bug] = {
    "global-dice": Bug(agents.GlobalDice, "draws from the global generator", ("randomness",)),
    "returns-orders": Bug(agents.ReturnsOrders, "returns an order instead of submitting it", ("busy", "empty")),
    "needs-a-market": Bug(agents.NeedsAMarket, "fails on an empty book", ("empty",)),
    "cannot-be-refused": Bug(agents.CannotBeRefused, "fails when an order is refused", ("refusing",)),
    "reaches-inside": Bug(agents.ReachesInside, "looks behind its context", ("context",)),
    "float-lots": Bug(agents.FloatLots, "orders fractions of a lot", ("well-formed",)),
    "remembers-past-lives": Bug(agents.RemembersPastLives, "shares a counter with every other run", ("determinism",)),
    "misspelt": Bug(agents.Misspelt, "has a hook that is never called", ("registration",)),
}
"""Agents with planted bugs by name."""

FAIR_VALUES: dict[str, Bug] = {
    "forgetful": Bug(agents.Forgetful, "answers otherwise when asked again", ("repeatable",)),
    "in-sequence": Bug(agents.InSequence, "walks on with every question", ("repeatable", "sequence")),
    "takes-floats": Bug(agents.TakesFloats, "answers for any time", ("times",)),
    "goes-negative": Bug(agents.GoesNegative, "falls below zero", ("prices",)),
    "two-tables": Bug(agents.TwoTables, "values() rounds and at() does not", ("values",)),
    "different-twins": Bug(agents.DifferentTwins, "every object has a path of its own", ("twins",)),
    "global-walk": Bug(agents.GlobalWalk, "draws from the global generator", ("randomness", "twins")),
}
"""Fair values with planted bugs by name."""
