"""Entity exchange: two scenes, and the same two with an object of each in the other (Nash et al. 2017, Figure 3)."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from objrep_gym.figures.grid import sheet

COLUMNS = ("scene", "other", "drawn again", "other again", "exchanged", "other exchanged")


@dataclass(frozen=True)
class Exchange:
    """N pairs of scenes: as they are, as a model draws them again, and with one slot of each in the other.

    All uint8 (N, 2, H, W, 3), the second axis being the scene and the other.
    """

    scenes: np.ndarray
    drawn: np.ndarray
    exchanged: np.ndarray


def exchange(pairs: Exchange, inches: float = 0.9) -> Figure:
    """One row per pair: both scenes, both reconstructions, both with the exchanged slot. Raises ValueError where shapes
    disagree."""
    shapes = {pairs.scenes.shape, pairs.drawn.shape, pairs.exchanged.shape}
    if len(shapes) > 1 or pairs.scenes.ndim != 5 or pairs.scenes.shape[1] != 2:
        raise ValueError(f"pairs of shapes {sorted(shapes)}: all must be one (N, 2, H, W, 3)")
    return sheet(np.concatenate([pairs.scenes, pairs.drawn, pairs.exchanged], axis=1), columns=COLUMNS, inches=inches)
