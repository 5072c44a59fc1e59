"""Which latent tells which factor: a map for each model, the darker the more."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

from objrep_gym.figures.style import CURVE_COLOURS

INK = LinearSegmentedColormap.from_list("ink", [f"{CURVE_COLOURS[0]}{opacity:02x}" for opacity in (0, 255)])
"""From nothing, on paper of any colour, to the first ink of curves."""


def importance(
    tables: Mapping[str, np.ndarray], factors: Sequence[str], columns: int = 4, inches: float = 0.24, first: int = 0
) -> Figure:
    """Maps by the name of their model: importances (D, F) in [0, 1] of latents, one a row, for `factors`, one a column.
    NaN, of a factor that does not vary, is crossed out. Latents are counted from `first`.

    Raises ValueError where a table has not as many columns as there are factors, or there is none.
    """
    wrong = {name: table.shape for name, table in tables.items() if table.ndim != 2 or table.shape[1] != len(factors)}
    if wrong or not tables:
        raise ValueError(f"maps of {len(factors)} factors must be (D, {len(factors)}), got {wrong or 'none'}")
    columns = min(columns, len(tables))
    rows, most = -(-len(tables) // columns), max(len(table) for table in tables.values())
    wide, tall = inches * (len(factors) + 2.2), inches * (most + 5)
    figure = Figure(figsize=(columns * wide, rows * tall), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(tables) :]:
        axis.set_visible(False)
    for axis, (name, table) in zip(axes.flat, tables.items(), strict=False):
        axis.imshow(np.nan_to_num(table), cmap=INK, norm=PowerNorm(0.7, 0, 1), aspect="equal")
        axis.set_title(name, fontsize=8, pad=6)
        axis.set_xticks(range(len(factors)), factors, rotation=90, fontsize=7)
        axis.set_yticks(range(len(table)), [str(first + row) for row in range(len(table))], fontsize=6)
        axis.tick_params(length=0)
        axis.set_xticks(np.arange(len(factors) - 1) + 0.5, minor=True)
        axis.set_yticks(np.arange(len(table) - 1) + 0.5, minor=True)
        axis.grid(which="minor", linewidth=0.4)
        axis.tick_params(which="minor", length=0)
        for column in np.flatnonzero(np.isnan(table).any(0)):
            axis.plot([column - 0.5, column + 0.5], [len(table) - 0.5, -0.5], color="#8b94a3", linewidth=0.8)
        axis.spines[["left", "bottom"]].set_visible(False)
    axes[0, 0].set_ylabel("latent")
    return figure
