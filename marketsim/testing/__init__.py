"""A kit that property-tests plugins: venues, agents and fair values, the built-in ones and anybody's.

    report = check_venue(lambda: MyVenue(("ACME",)))
    print(report)
    report.raise_failures()

Under pytest, one test per check:

    @parametrize_venues({"mine": lambda: MyVenue(("ACME",))})
    def test_venue(venue_check):
        venue_check()

Rules that only some venues have are checked where the venue claims them, in an optional attribute `claims` (see
`CLAIMS`). Other optional attributes that the kit reads: `price_step` and `quantity_step` (the grid, in ticks and
lots), `depth` (levels a side that are published), `pi` (the period of a clock), `reserves(market)` (what a pool holds),
`unit` (what a winning lot pays), `index_spacing` (grid of a pool's ranges), `separate_markets` (see
`marketsim.protocols.Venue`).
"""

from marketsim.testing.agent_kit import AgentCheck, agent_checks, check_agent, replay_agent
from marketsim.testing.failures import CheckFailure, CheckReport, Outcome
from marketsim.testing.fair_value_kit import FairValueCheck, check_fair_value, fair_value_checks, replay_fair_value
from marketsim.testing.profile import CLAIMS, Profile, probe
from marketsim.testing.program import Cancel, Program, Step
from marketsim.testing.reference import PostedPrice, ReferenceBook, ReferencePool
from marketsim.testing.reference_auction import ReferenceAuction
from marketsim.testing.strategies import books, message_streams, orders, venue_machine
from marketsim.testing.venue_kit import VenueCheck, check_venue, parametrize_venues, replay_venue, venue_checks

__all__ = [
    "CLAIMS",
    "AgentCheck",
    "Cancel",
    "CheckFailure",
    "CheckReport",
    "FairValueCheck",
    "Outcome",
    "PostedPrice",
    "Profile",
    "Program",
    "ReferenceAuction",
    "ReferenceBook",
    "ReferencePool",
    "Step",
    "VenueCheck",
    "agent_checks",
    "books",
    "check_agent",
    "check_fair_value",
    "check_venue",
    "fair_value_checks",
    "message_streams",
    "orders",
    "parametrize_venues",
    "probe",
    "replay_agent",
    "replay_fair_value",
    "replay_venue",
    "venue_checks",
    "venue_machine",
]
