"""The reference problems of Cont and Kukanov, and independent arithmetic for them."""

from __future__ import annotations

from math import exp, pi, sqrt

import numpy as np
from scipy import stats
from scipy.integrate import quad
from scipy.special import ndtr

from agents.execution.cost import Costs

LOTS, QUEUE = 1000.0, 2000.0


def prices(under, over=0.05, rebates=(0.002,), half_spread=0.02, fee=0.003, impact=0.0005):
    return Costs(half_spread, fee, rebates, impact, under, over)


# Two venues with equal queues and independent outflows.
C1, C1_QUEUES, C1_COST = prices(0.08, rebates=(0.002, 0.002)), (2000.0, 2000.0), 10.8304
C1_FLOW = stats.norm(2400, 500)


def grid(points, venues=2):
    """Every combination of the mid-quantiles: a sample of `points` ** `venues` equally likely outcomes of C1."""
    axis = C1_FLOW.ppf((np.arange(points) + 0.5) / points)
    return np.stack(np.meshgrid(*[axis] * venues), axis=-1).reshape(-1, venues)


def filled(placement, reach):
    """Shape (N,): A, the lots bought or sold in each outcome."""
    return placement.market + np.minimum(reach, placement.limits).sum(axis=1)


def subgradients(placement, quantity, costs, reach):
    """Shape (N, 1 + K), derivatives of v to M and L_k in each outcome as published, away from the corners:

    g_0 = h + f + theta - (lambda_u + theta) 1{A < S} + lambda_o 1{A > S},
    g_k = theta + 1{xi_k > Q_k + L_k} (-(h + r_k) - (lambda_u + theta) 1{A < S} + lambda_o 1{A > S}).
    """
    total = filled(placement, reach)
    lot = costs.over * (total > quantity) - (costs.under + costs.impact) * (total < quantity)
    earned = costs.half_spread + np.array(costs.rebates)
    limits = costs.impact + (reach > placement.limits) * (lot[:, None] - earned)
    return np.column_stack([costs.half_spread + costs.fee + costs.impact + lot, limits])


def first_order(placement, quantity, costs, reach):
    """(P(A < S), P(A < S | xi_k > Q_k + L_k)), each as (what the sample has, what an interior optimum has)."""
    scale = costs.under + costs.over + costs.impact
    short, full = filled(placement, reach) < quantity, reach > placement.limits
    often = full.mean(axis=0)
    wanted = (costs.half_spread + costs.fee + costs.over + costs.impact) / scale
    excess = costs.over - costs.half_spread - np.array(costs.rebates)
    given = (full & short[:, None]).mean(axis=0) / often
    return (short.mean(), wanted), (given, (excess + costs.impact / often) / scale)


def one_venue_cost(problem, placement, outflow):
    """The expected cost of M + L <= S at one venue, by quadrature of the fill E f = L - int_Q^(Q+L) F."""
    (limit,), costs = placement.limits, problem.costs
    fill = limit - quad(outflow.cdf, problem.queue, problem.queue + limit, limit=200)[0]
    short = problem.quantity - placement.market - fill
    paid = (costs.half_spread + costs.fee) * placement.market - (costs.half_spread + costs.rebates[0]) * fill
    return paid + costs.impact * (placement.total + short) + costs.under * short


def normal_cdf_integral(low, high, mean, sd):
    """int_low^high Phi((x - mean) / sd) dx."""

    def antiderivative(x):
        z = (x - mean) / sd
        return sd * (z * ndtr(z) + exp(-z * z / 2) / sqrt(2 * pi))

    return antiderivative(high) - antiderivative(low)


def c1_cost(placement):
    """The expected cost of a placement in C1, by quadrature over one venue and in closed form over the other."""
    market, (first, second) = placement.market, placement.limits
    mean, sd, queue = 2400.0, 500.0, 2000.0

    def fill(limit):
        return limit - normal_cdf_integral(queue, queue + limit, mean, sd)

    def short_after(lots):  # E (lots - f_2)^+
        inside = min(max(lots, 0.0), second)
        return normal_cdf_integral(queue, queue + inside, mean, sd) + max(lots - second, 0.0)

    need = LOTS - market
    inner = quad(
        lambda x: stats.norm.pdf(x, mean, sd) * short_after(need - (x - queue)),
        queue,
        queue + first,
        points=[point for point in (queue + need, queue + need - second) if queue < point < queue + first] or None,
    )[0]
    below, above = ndtr((queue - mean) / sd), ndtr((mean - queue - first) / sd)
    short = below * short_after(need) + inner + above * short_after(need - first)
    over = market + fill(first) + fill(second) - LOTS + short
    gain = (C1.half_spread + 0.002) * (fill(first) + fill(second))
    sent = (C1.half_spread + C1.fee) * market + C1.impact * placement.total
    return sent - gain + (C1.impact + C1.under) * short + C1.over * over
