"""The self-contained HTML report of a pi-curve study."""

from experiments.report.page import write

__all__ = ["write"]
