"""Whether two scores put models in the same order: a point for each model, in the colour and with the mark of its row."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from objrep_gym.figures.style import CURVE_COLOURS

MARKS = "os^Dv*"


def agreement(rows: Mapping[str, np.ndarray], x: str, y: str) -> Figure:
    """Points (M, 2) of each row's models over two scores in [0, 1], `x` and `y` being the axes' words.

    Rows that share a colour differ in their mark. Raises ValueError where there is nothing to draw, or points are no pairs.
    """
    wrong = {name: points.shape for name, points in rows.items() if points.ndim != 2 or points.shape[1] != 2}
    if wrong or not rows:
        raise ValueError(f"points of rows must be (M, 2), got {wrong or 'none'}")
    figure = Figure(figsize=(6.0, 4.0))
    axis = figure.subplots()
    for number, (name, points) in enumerate(rows.items()):
        colour, mark = CURVE_COLOURS[number % len(CURVE_COLOURS)], MARKS[number // len(CURVE_COLOURS) % len(MARKS)]
        axis.plot(points[:, 0], points[:, 1], mark, color=colour, markersize=6, alpha=0.9, markeredgewidth=0, label=name)
    axis.grid(True)
    axis.set_axisbelow(True)
    axis.set(xlabel=x, ylabel=y)
    axis.margins(0.06)
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, handletextpad=0.2)
    return figure
