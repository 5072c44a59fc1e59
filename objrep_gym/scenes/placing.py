"""Where things go that must not stand in each other's way."""

import numpy as np


def gaps(places: np.ndarray, own: np.ndarray, taken: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How far (N, P) circles of radius `own` (N, P), or (N, 1), at places (N, P, 2) are from the nearest of those that are
    there, at `taken` (N, T, 2) with `radii` (N, T); inf where none is, NaN ones being none."""
    away = places[:, :, None] - taken[:, None]
    between = np.sqrt(away[..., 0] ** 2 + away[..., 1] ** 2) - radii[:, None] - own[..., None]
    return np.fmin.reduce(between, axis=-1, initial=np.inf)


def first_free(gap: np.ndarray, clearance: float) -> np.ndarray:
    """int (N,): of places with a gap (N, P), the first that has more than `clearance`, or that with the widest."""
    free = gap > clearance
    return np.where(free.any(axis=1), free.argmax(axis=1), gap.argmax(axis=1))
