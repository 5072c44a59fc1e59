"""How much is said where: KL maps as pictures."""

import numpy as np


def heat(nats: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps (N, h, w) of nats as uint8 (N, H, W, 3) of `size` (H, W), each in greys from nothing to its own largest cell.

    Cells stay squares: no number lies between two of them. Raises ValueError where they do not divide the size, or on nats
    below 0.
    """
    height, width = nats.shape[1:]
    if size[0] % height or size[1] % width:
        raise ValueError(f"maps of {height}×{width} cells do not divide a picture of {size[0]}×{size[1]}")
    if nats.size and nats.min() < 0:
        raise ValueError(f"a map has a cell of {nats.min()} nats: how much is said is never below 0")
    largest = nats.max(axis=(1, 2), keepdims=True)
    greys = np.round(255 * np.divide(nats, largest, out=np.zeros_like(nats), where=largest > 0)).astype(np.uint8)
    cells = greys.repeat(size[0] // height, axis=1).repeat(size[1] // width, axis=2)
    return np.repeat(cells[..., None], 3, axis=3)
