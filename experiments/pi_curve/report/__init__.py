"""The self-contained HTML report of a pi-curve study."""

from experiments.pi_curve.report.page import write

__all__ = ["write"]
