"""What grew with time: lines with a band around each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from objrep_gym.figures.style import CURVE_COLOURS


@dataclass(frozen=True)
class Curve:
    """One line: `x` (N,), `y` (N,), and where they are known the bounds `low` and `high` of its band, (N,) each."""

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


@dataclass(frozen=True)
class Level:
    """A line across, such as what a random hand reaches, with the bounds of its band."""

    y: float
    low: float
    high: float


def curves(
    lines: Mapping[str, Curve],
    x: str,
    y: str,
    levels: Mapping[str, Level] | None = None,
    scale: Literal["linear", "rate", "log"] = "linear",
    size: tuple[float, float] = (6.4, 3.2),
) -> Figure:
    """Lines by name over one axis each way, `x` and `y` being the axes' words; a rate runs from 0 to 1.

    Names stand at the ends of their lines, so that no legend has to be matched by colour.
    """
    figure = Figure(figsize=size)
    axis = figure.subplots()
    ends: list[tuple[float, str, str]] = []
    for (name, line), colour in zip(lines.items(), _colours(len(lines)), strict=True):
        axis.plot(line.x, line.y, color=colour, linewidth=2.2, solid_capstyle="round")
        if line.low is not None and line.high is not None:
            axis.fill_between(line.x, line.low, line.high, color=colour, alpha=0.16, linewidth=0)
        ends.append((float(line.y[-1]), name, colour))
    for name, level in (levels or {}).items():
        axis.axhline(level.y, color="#8b94a3", linewidth=1.4, linestyle=(0, (4, 3)))
        axis.axhspan(level.low, level.high, color="#8b94a3", alpha=0.14, linewidth=0)
        ends.append((level.y, name, "#8b94a3"))
    axis.grid(axis="y")
    axis.set_axisbelow(True)
    axis.set(xlabel=x, ylabel=y)
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    if scale == "rate":
        axis.set_ylim(0, 1)
    if scale == "log":
        axis.set_yscale("log")
    axis.margins(x=0.01)
    axis.autoscale_view()  # else the transform to places is that of empty axes
    to_axes = (axis.transScale + axis.transLimits).transform
    for place, (_, name, colour) in zip(_apart([to_axes((0, e[0]))[1] for e in ends], 0.07), ends, strict=True):
        place_of = {"xy": (1.015, place), "xycoords": "axes fraction", "va": "center"}
        axis.annotate(name, **place_of, color=colour, fontweight="bold", fontsize=9)
    return figure


def smooth(values: np.ndarray, counts: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last `window` entries at each place, (N,), each entry weighed by its count; no count gives NaN."""
    total, weight = np.cumsum(np.nan_to_num(values) * counts), np.cumsum(counts)
    total[window:], weight[window:] = total[window:] - total[:-window], weight[window:] - weight[:-window]
    return np.divide(total, weight, out=np.full(len(values), np.nan), where=weight > 0)


def exponential(values: np.ndarray, span: int) -> np.ndarray:
    """Exponential moving average (N,) that weighs the latest of `values` by 2 / (span + 1); it starts at the first of
    them. Raises ValueError for a span below 1."""
    if span < 1:
        raise ValueError(f"span {span} must be at least 1")
    share, mean, averages = 2 / (span + 1), float(values[0]) if len(values) else 0.0, []
    for value in values:
        mean += share * (float(value) - mean)
        averages.append(mean)
    return np.array(averages)


def _colours(count: int) -> list[str]:
    return [CURVE_COLOURS[i % len(CURVE_COLOURS)] for i in range(count)]


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """The same heights, pushed up from the lowest on until each is `least` above the one below."""
    moved, last = list(heights), -np.inf
    for i in np.argsort(heights):
        moved[i] = last = max(heights[i], last + least)
    return moved
