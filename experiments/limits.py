"""How large a study may be: a slip of the finger is refused at once, in place of a run without an end."""

from __future__ import annotations

from marketsim.fairvalue.table import HORIZON_MAX
from marketsim.table_files import STAMP_MAX

SEEDS_MAX = 10**6
"""Of a study, or of one point of a sweep; and decisions of a router on recorded quotes."""
SEED_MAX = 2**63 - 1 - SEEDS_MAX
"""Of a seed, or the first of several: the last one still fits a column of a table."""
CELLS_MAX = SEEDS_MAX
"""Of a pi-curve study, whose rows are all read into memory at the end: some 25 kB each."""
JOBS_MAX = 1000
"""Processes or threads."""
STEPS_MAX = HORIZON_MAX
"""Of one simulated market; no path of a fair value is longer. And of every delay, interval and lag in it."""
MARKETS_MAX = 1000
"""Markets, venues, and common factors, of which `LatentFactorWalk` takes no more; each market has a path of its own."""
AGENTS_MAX = 10_000
"""Of one kind; each is an object with an account, a stream of draws and orders of its own."""
ORDERS_MAX = 1000
"""That a book opens with: rungs of a ladder on a side, which at 0.1 % a rung end at a price of 0, or a venue's flow."""
LOTS_MAX = 10**9
"""Of an order."""
TICKS_MAX = 10**9
"""Of an opening price, or a distance from it: its product with `LOTS_MAX`, money, fits 64 bits."""
SAMPLES_MAX = 10**6
"""Drawn states: a share of them is off by 0.0005, and those of 16 venues, the most there may be, take 1 GB."""
BUCKETS_MAX = 10**6
"""Of one simulated market, of a label's horizon, a rolling window or a schedule, and steps of a bucket."""
BUCKET_MS_MAX = 10**9
"""Eleven days: with the number of buckets all times in ms stay below 2**53, and so are exact as floats too."""
MS_MAX = STAMP_MAX // 10**6
"""Of a time since 1970 and of a length of time, in ms: their sum in nanoseconds fits 64 bits."""
ROWS_MAX = 10**9
"""That a verdict may ask for: no table in memory is longer."""
