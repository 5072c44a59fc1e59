"""What every engine returns."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """A batch of scenes as one camera each saw them; `mask` and `depth` are None where they were not asked for.

    image: uint8 (N, H, W, 3). mask: uint8 (N, H, W), entity ids, row `id` of `factors`. depth: float32 (N, H, W), metres
    along the optical axis, `inf` where there is only sky. factors: float32 (N, E, F), NaN where an entity does not exist.
    """

    image: np.ndarray
    mask: np.ndarray | None
    depth: np.ndarray | None
    factors: np.ndarray
