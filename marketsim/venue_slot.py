"""What the simulation keeps about one venue."""

from __future__ import annotations

from attrs import frozen

from marketsim.protocols import Venue
from marketsim.registration import check_venue_shape


@frozen(eq=False)
class VenueSlot:
    """A venue under its name, the message types it takes."""

    name: str
    venue: Venue
    markets: tuple[str, ...]
    messages: tuple[type, ...]


def venue_slot(name: str, venue: Venue) -> VenueSlot:
    """Read a venue; raises `RegistrationError` where it lacks a call."""
    messages = check_venue_shape(name, venue)
    return VenueSlot(name, venue, venue.markets, messages)
