"""One kind of picture for all checks: what is predicted as a curve, what was measured as points on it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from experiments.validation.check import BAND, Line


@frozen
class Series:
    """A curve of predictions by x, and the lines that measured some of its points, by x."""

    label: str
    predicted: Mapping[int, float]
    measured: Mapping[int, Line]


def compare(path: str, series: list[Series], *, across: str, up: str, scales: tuple[str, str]) -> None:
    """Draw every series into the file `path`; `scales` are those of the axis across and of the one up."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(series):
        colour, lines = f"C{place}", list(each.measured.values())
        axes.plot(list(each.predicted), list(each.predicted.values()), color=colour, label=f"{each.label}: predicted")
        bars = [BAND * line.error for line in lines]
        values = [line.measured for line in lines]
        axes.errorbar(list(each.measured), values, yerr=bars, fmt="o", color=colour, label=f"measured, {BAND:g} s.e.")
    axes.set(xscale=scales[0], yscale=scales[1], xlabel=across, ylabel=up)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=100)
