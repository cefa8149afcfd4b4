"""Exceptions: each is a bug in a program or in a file. What a market refuses is a `Rejected` report instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


class MarketsimError(Exception):
    """Root of all errors raised by marketsim.

    >>> try:
    ...     Streams(-1)
    ... except MarketsimError as error:
    ...     print(type(error).__name__)
    ConfigError
    """


class ConfigError(MarketsimError, ValueError):
    """A parameter or a configuration that cannot be run: what came, what was wanted, where.

    >>> Streams(-1)
    Traceback (most recent call last):
        ...
    marketsim.errors.ConfigError: seed: got -1, wanted an int from 0 to 2**64 - 1
    """


class InputError(MarketsimError, ValueError):
    """A data file that cannot be read as asked: file, row, column, what came, what was wanted.

    >>> from marketsim.tape import TradeTape
    >>> TradeTape([5, 4], [100.0, 100.5], name="my.csv")
    Traceback (most recent call last):
        ...
    marketsim.errors.InputError: my.csv, row 2, column 'time': got 4, wanted at least 5, the time of the trade before it
    """


class RegistrationError(MarketsimError, TypeError):
    """An agent, venue or source that does not have the shape of one.

    >>> Simulation(venues={"shop": "closed"})
    Traceback (most recent call last):
        ...
    marketsim.errors.RegistrationError: venue 'shop' (str): markets must be a non-empty tuple of ..., got None
    """


class PastError(MarketsimError, ValueError):
    """Something was scheduled before the present, or at a time that is not an integer.

    >>> from marketsim.kernel import DECISION, Kernel
    >>> Kernel().schedule(-1, DECISION, "ann", print, "too late")
    Traceback (most recent call last):
        ...
    marketsim.errors.PastError: ann scheduled an event at -1; wanted an int not before the present, 0, and up to 2**62
    """


class EndlessInstantError(MarketsimError, RuntimeError):
    """Too many events at one instant of simulated time.

    >>> from marketsim.testing import PostedPrice
    >>> class Restless:
    ...     agent_id = "ann"
    ...     def start(self, ctx):
    ...         self.wake(ctx)
    ...     def wake(self, ctx):
    ...         ctx.wake_at(ctx.now)
    >>> shop = PostedPrice(("ACME",))
    >>> Simulation(venues={"shop": shop}, agents=[Restless()], events_per_instant_max=100).run(horizon=10)
    Traceback (most recent call last):
        ...
    marketsim.errors.EndlessInstantError: more than 100 events at time 0; 'ann' scheduled 1001 of the last 1001
    """


class LookAheadError(MarketsimError, RuntimeError):
    """The fair value was asked for a time that the run has not reached.

    >>> from marketsim.fairvalue import ConstantFairValue, GuardedFairValue
    >>> GuardedFairValue(ConstantFairValue({"ACME": 100.0}), clock=lambda: 7).at("ACME", 8)
    Traceback (most recent call last):
        ...
    marketsim.errors.LookAheadError: the fair value of market 'ACME' at time 8 was asked for at time 7
    """


class ConservationError(MarketsimError, RuntimeError):
    """A venue call created or destroyed cash, inventory or order quantity.

    >>> from marketsim.ledger import Ledger
    >>> buy = market_order("ACME", Side.BUY, quantity=3)._replace(order_id=1, owner="ann", venue="shop")
    >>> bought, sold = trade(buy, against="house", price=100, quantity=3, now=0)
    >>> Ledger().post([bought])
    Traceback (most recent call last):
        ...
    marketsim.errors.ConservationError: match 1 of market 'ACME' at venue 'shop' leaves 3 lots and 300 tick-lots ...
    """


class PluginError(MarketsimError, RuntimeError):
    """A plugin raised or answered with nonsense. The message names plugin, call, time and seed.

    >>> from marketsim.testing import PostedPrice
    >>> class Clumsy:
    ...     agent_id = "ann"
    ...     def start(self, ctx):
    ...         return ctx.now / 0
    >>> Simulation(venues={"shop": PostedPrice(("ACME",))}, agents=[Clumsy()], seed=7).run(horizon=10)
    Traceback (most recent call last):
        ...
    marketsim.errors.PluginError: agent 'ann' (Clumsy.start) at time 0, seed 7: ZeroDivisionError: division by zero
    """


FAULTS = (Exception, SystemExit)
"""What a plugin's call may raise that is the plugin's fault: a plugin that exits would end the study without a word."""


_SHOWN_MAX, _SHOWN_BITS = 400, 1200


def written(value: object, write: Callable[[Any], str] = repr) -> str:
    """`value` in words, for a message; a plugin's object that raises when it is asked for them gets other words.

    >>> written([1, 2]), written(10**9999)
    ('[1, 2]', '<int that cannot be written: ValueError>')
    """
    try:
        return write(value)
    except FAULTS as error:
        return f"<{type(value).__name__} that cannot be written: {type(error).__name__}>"


def shown(value: object, write: Callable[[Any], str] = repr) -> str:
    """`written`, for a message that somebody is to read: cut where it is long, and a huge integer by its bits.

    >>> shown(10**9999), shown("9" * 5000)[:5], shown("9" * 5000)[-22:]
    ('an int of 33216 bits', "'9999", '9... (5002 characters)')
    """
    if type(value) is int and value.bit_length() > _SHOWN_BITS:
        return f"an int of {value.bit_length()} bits"
    text = written(value, write)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}... ({len(text)} characters)"


def refusal(where: str, got: str, wanted: str) -> str:
    """The one form of a message on a file or on settings: where, what came and what was wanted.

    >>> refusal("day.csv, row 7, column 'price'", shown("-1"), "a finite number above 0")
    "day.csv, row 7, column 'price': got '-1', wanted a finite number above 0"
    """
    return f"{where}: got {got}, wanted {wanted}"


def bad_type(path: str, column: str, kind: Any, wanted: str) -> NoReturn:
    """Raise the InputError for a column of a Parquet file that is of the type `kind`.

    >>> bad_type("day.parquet", "price", "string", "numbers")
    Traceback (most recent call last):
        ...
    marketsim.errors.InputError: day.parquet, column 'price': got type string, wanted numbers
    """
    raise InputError(refusal(f"{path}, column {column!r}", f"type {shown(kind, str)}", wanted))


def unreadable(path: str | Path, wanted: str) -> InputError:
    """The error for a file that cannot be opened or unpacked.

    >>> str(unreadable("nowhere.parquet", "a whole Parquet file"))
    'nowhere.parquet: cannot be read: got no file, wanted a whole Parquet file'
    """
    place = Path(path)
    if not place.exists():
        got = "no file"
    elif place.is_dir():
        got = "a folder"
    else:
        got = "one that is damaged, of another kind or not for this user"
    return InputError(refusal(f"{path}: cannot be read", got, wanted))


def raised(error: BaseException) -> str:
    """The class of what a plugin raised and what it says.

    >>> raised(KeyError("oops"))
    "KeyError: 'oops'"
    """
    return f"{type(error).__name__}: {written(error, str)}"
