"""Latent traversals: what changes in a picture while one latent goes from end to end and all others stay."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from objrep_gym.figures.grid import sheet


def traversal(
    images: np.ndarray,
    values: np.ndarray,
    rows: Sequence[str] = (),
    origin: np.ndarray | None = None,
    inches: float = 0.7,
) -> Figure:
    """One row per latent, one column per value that it takes.

    images: uint8 (R, T, H, W, 3), row r decoded with latent r at `values[t]`; of a slot model either the whole scene or the
    part of the slot that is traversed. values: (T,), written over the columns. rows: a name before each row, such as
    "latent 7, x", or none. origin: uint8 (R, H, W, 3), what each row started from, as a first column. inches: the width of
    an image. Raises ValueError where shapes or names disagree.
    """
    if images.ndim != 5 or images.shape[1] != len(values):
        raise ValueError(f"images of shape {images.shape} for {len(values)} values: they must be (rows, values, H, W, 3)")
    titles = [f"{value:+.2f}".replace("-", "−") if value else "0" for value in values]
    if origin is None:
        return sheet(images, rows, titles, inches)
    if origin.shape != images[:, 0].shape:
        raise ValueError(f"origin has the shape {origin.shape}, and each column of images {images[:, 0].shape}")
    return sheet(np.concatenate([origin[:, None], images], axis=1), rows, ["from", *titles], inches)


def effects(images: np.ndarray) -> np.ndarray:
    """How much each row of a traversal changes: standard deviation over its values, mean over pixels, float (R,), in units
    of intensity from 0 to 1. Rows are then chosen by number and not by eye.

    images: uint8 (R, T, H, W, 3).
    """
    return (images.astype(np.float32) / 255).std(axis=1).mean(axis=(1, 2, 3))
