"""Exceptions: each is a bug in a program or in a file. What a market refuses is a `Rejected` report instead."""

from __future__ import annotations


class MarketsimError(Exception):
    """Root of all errors raised by marketsim."""


class ConfigError(MarketsimError, ValueError):
    """A parameter or a configuration that cannot be run: what came, what was wanted, where."""


class InputError(MarketsimError, ValueError):
    """A data file that cannot be read as asked: file, row, column, what came, what was wanted."""


class RegistrationError(MarketsimError, TypeError):
    """An agent, venue or source that does not have the shape of one."""


class PastError(MarketsimError, ValueError):
    """Something was scheduled before the present, or at a time that is not an integer."""


class EndlessInstantError(MarketsimError, RuntimeError):
    """Too many events at one instant of simulated time."""


class LookAheadError(MarketsimError, RuntimeError):
    """The fair value was asked for a time that the run has not reached."""


class ConservationError(MarketsimError, RuntimeError):
    """A venue call created or destroyed cash, inventory or order quantity."""


class PluginError(MarketsimError, RuntimeError):
    """A plugin raised or answered with nonsense. The message names plugin, call, time and seed."""


FAULTS = (Exception, SystemExit)
"""What a plugin's call may raise that is the plugin's fault: a plugin that exits would end the study without a word."""
