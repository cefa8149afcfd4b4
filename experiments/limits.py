"""How large a study may be: a slip of the finger is refused at once, in place of a run without an end."""

from __future__ import annotations

from marketsim.fairvalue.table import HORIZON_MAX

SEEDS_MAX = 10**6
"""Of a study, or of one point of a sweep."""
STEPS_MAX = HORIZON_MAX
"""Of one simulated market; no path of a fair value is longer."""
BUCKETS_MAX = 10**6
"""Of one simulated market, of a label's horizon, and steps of a bucket."""
BUCKET_MS_MAX = 10**9
"""Eleven days: with the number of buckets all times in ms stay below 2**53, and so are exact as floats too."""
