"""Fair values: the truth, as a price in ticks for every market and every step.

Every class here answers `at(market, time)` for one step and `values(market, times)` for an array of them, and all but
`ConstantFairValue` and `GuardedFairValue` have a `horizon` and `path(market)`, the read-only prices of steps 0 to
`horizon`. Random ones are drawn whole, by the classmethod `draw`, from a `numpy.random.Generator`.
"""

from marketsim.fairvalue.basic import ConstantFairValue, GuardedFairValue
from marketsim.fairvalue.factors import LatentFactorWalk
from marketsim.fairvalue.historical import HistoricalPath
from marketsim.fairvalue.jumps import PoissonJumps
from marketsim.fairvalue.probability import ProbabilityMartingale
from marketsim.fairvalue.reversion import OrnsteinUhlenbeck
from marketsim.fairvalue.table import PriceTable, digest, fair_values

__all__ = [
    "ConstantFairValue",
    "GuardedFairValue",
    "HistoricalPath",
    "LatentFactorWalk",
    "OrnsteinUhlenbeck",
    "PoissonJumps",
    "PriceTable",
    "ProbabilityMartingale",
    "digest",
    "fair_values",
]
