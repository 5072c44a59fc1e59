"""Counting objects by how much information lies where (Nash et al. 2017, §4.3): places whose KL is above a threshold.

Maps are KL in nats per cell, (B, h, w), as `MVAE.information` gives them, or per slot, (B, K), as any model's `nats` are.
The threshold is chosen on scenes whose counts are known, and is all that these counts are used for.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer


@dataclass(frozen=True)
class Threshold:
    """A threshold in nats, and the rate of scenes (0–1) that it counts right among those that it was chosen on."""

    nats: float
    accuracy: float


def count_by_kl(nats: Float[np.ndarray, "B *places"], threshold: float) -> Integer[np.ndarray, "B"]:
    """How many places of each scene have a KL above `threshold`, in nats."""
    return (nats > threshold).sum(axis=tuple(range(1, nats.ndim)))


def best_threshold(nats: Float[np.ndarray, "B *places"], counts: Integer[np.ndarray, "B"]) -> Threshold:
    """The threshold at which most scenes are counted right, in the middle of the widest range of those that do.

    Exact: a scene of n objects is counted right from its (n + 1)-th largest KL up to its n-th, so that a threshold is worth
    as many scenes as ranges that cover it. Raises ValueError for no scenes, or counts that do not fit the maps.
    """
    if not len(nats) or counts.shape != (len(nats),) or counts.min() < 0:
        raise ValueError(f"{len(nats)} maps and counts of shape {counts.shape}: give one count, 0 or more, to each map")
    ranked = -np.sort(-nats.reshape(len(nats), -1).astype(np.float64), axis=1)
    known = counts <= ranked.shape[1]  # more objects than places are counted right by no threshold
    if not known.any():
        raise ValueError(
            f"every scene has more objects than the {ranked.shape[1]} places of its map: nothing can be chosen"
        )
    edge = np.ones((len(ranked), 1))
    padded = np.concatenate([np.inf * edge, ranked, -np.inf * edge], axis=1)[known]
    rows, chosen = np.arange(len(padded)), counts[known]
    upper, lower = np.sort(padded[rows, chosen]), np.sort(padded[rows, chosen + 1])
    edges = np.unique(np.concatenate([upper, lower]))
    covering = np.searchsorted(lower, edges[:-1], "right") - np.searchsorted(upper, edges[:-1], "right")
    widths = np.diff(edges)
    best = np.flatnonzero(covering == covering.max())
    start = best[np.argmax(widths[best])]
    return Threshold(between(float(edges[start]), float(edges[start + 1])), float(covering[start] / len(counts)))


def between(low: float, high: float) -> float:
    """The middle of a range; one nat from its end where the other is infinite."""
    if np.isinf(low) and np.isinf(high):
        return 0.0
    if np.isinf(low):
        return high - 1
    return low + 1 if np.isinf(high) else (low + high) / 2


def peaks(nats: Float[np.ndarray, "B h w"]) -> Bool[np.ndarray, "B h w"]:
    """Cells whose KL no neighbour's exceeds, the eight around them: a rule of our own for objects that two cells share.
    Of neighbours that are equal, all are peaks."""
    height, width = nats.shape[1:]
    padded = np.pad(nats, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    shifted = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return nats >= np.max(shifted, axis=0)


def count_seen(mask: Integer[np.ndarray, "B H W"], background: int) -> Integer[np.ndarray, "B"]:
    """How many entities from id `background` on have a pixel in each mask: the true number of objects that are seen."""
    ids = range(background, int(mask.max(initial=background)) + 1)
    return np.sum([(mask == number).any(axis=(1, 2)) for number in ids], axis=0)


def count_regions(image: Integer[np.ndarray, "B H W C"]) -> Integer[np.ndarray, "B"]:
    """How many connected bright regions each picture on black has: a count that knows nothing of objects, and takes those
    that touch for one. Pixels are bright at half of full intensity, in any channel; neighbours are the eight around."""
    from scipy.ndimage import label

    bright = image.max(-1) >= 128
    return np.array([int(label(one, np.ones((3, 3)))[1]) for one in bright])  # type: ignore[index]
