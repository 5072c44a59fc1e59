"""How well segments agree with objects: adjusted Rand index and mean segmentation covering, on foreground.

Masks are ids per pixel, of any numbering per image. Every table of an image's segments against its entities is counted in
one `bincount` for the whole batch; agreement with scikit-learn's `adjusted_rand_score` is a test.
"""

import numpy as np
from jaxtyping import Float, Integer

TAKES_ALL = 0.9  # share of the objects from which on a segment holds them all: a rim of each may lie elsewhere
COLLAPSED = 0.5  # of the images: more of them, and it is the model that failed
MOST_IDS = 4096  # beyond it the table of segments against entities, not the image, would fill the memory


def segments(masks: Float[np.ndarray, "B K H W"]) -> Integer[np.ndarray, "B H W"]:
    """Soft masks over slots become ids: the slot with the largest mask, the first of those that are equal."""
    return masks.argmax(1)


def contingency(
    predicted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"]
) -> Integer[np.ndarray, "B P T"]:
    """Pixels of each predicted segment (row) in each true entity (column). Raises ValueError on ids below 0 or huge,
    and on two different shapes."""
    if predicted.shape != true.shape:
        raise ValueError(f"predicted ids are {predicted.shape} and true ones {true.shape}: bring them to one size first")
    if not true.size:
        return np.zeros((len(true), 0, 0), np.intp)
    for name, ids in (("predicted", predicted), ("true", true)):
        if ids.min() < 0 or ids.max() >= MOST_IDS:
            raise ValueError(
                f"{name} ids run from {ids.min()} to {ids.max()}: number them from 0 within each image (at most {MOST_IDS})"
            )
    batch, rows, columns = len(true), int(predicted.max()) + 1, int(true.max()) + 1
    cells = predicted.astype(np.intp)
    cells *= columns
    cells += true
    cells += (np.arange(batch) * rows * columns)[:, None, None]
    return np.bincount(cells.ravel(), minlength=batch * rows * columns).reshape(batch, rows, columns)


def ari(
    predicted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"], background: int
) -> Float[np.ndarray, "B"]:
    """Adjusted Rand index (Hubert & Arabie 1985) over pixels whose true id is `background` or more.

    In [−0.5, 1]: 1 is the same partition, 0 is chance. NaN for an image without a foreground pixel: `mean_over_images`
    leaves it out. One object covered by one segment is 1, as scikit-learn has it.
    """
    table = contingency(predicted, true)[:, :, background:].astype(np.float64)
    total = table.sum((1, 2))
    together = np.square(table).sum((1, 2))
    in_true, in_predicted = np.square(table.sum(1)).sum(1), np.square(table.sum(2)).sum(1)
    # ordered pairs of pixels: together in both, only in the truth, only in the prediction, in neither
    both, only_true, only_predicted = together - total, in_true - together, in_predicted - together
    neither = np.square(total) - in_true - only_predicted
    above = 2 * (both * neither - only_true * only_predicted)
    below = (both + only_true) * (only_true + neither) + (both + only_predicted) * (only_predicted + neither)
    same = (only_true == 0) & (only_predicted == 0)
    score = np.divide(above, below, out=np.ones_like(above), where=~same)
    return np.where(total > 0, score, np.nan)


def msc(
    predicted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"], background: int
) -> Float[np.ndarray, "B"]:
    """Mean segmentation covering (Engelcke et al. 2020): of each true object the largest intersection over union with any
    predicted segment, mean over the objects that are visible.

    In [0, 1]. Segments are not cropped to the foreground, so one that runs into the background covers less. NaN for an
    image without a foreground pixel.
    """
    table = contingency(predicted, true)
    areas = table.sum(1, keepdims=True)
    union = table.sum(2, keepdims=True) + areas - table
    overlap = (table / np.maximum(union, 1))[:, :, background:]
    visible = areas[:, 0, background:] > 0
    count = visible.sum(1)
    covered = overlap.max(1, initial=0).sum(1)
    return np.divide(covered, count, out=np.full(len(true), np.nan), where=count > 0)


def one_segment(true: Integer[np.ndarray, "B H W"]) -> Integer[np.ndarray, "B H W"]:
    """Everything in one segment: the row of a table that shows what a score is worth which knows nothing at all."""
    return np.zeros_like(true)


def share_of_largest(
    predicted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"], background: int
) -> Float[np.ndarray, "B"]:
    """How much of the objects lies in the segment that holds most of them: the failure of Berriel 2022, §5.4, where one
    slot takes all.

    Every visible object counts as one, however large it is, and is spread over segments as its pixels are. In [0, 1]: 1 is
    one segment for all n objects, 1/n is one for each. NaN for an image with fewer than two visible objects, in which one
    segment is right.
    """
    table = contingency(predicted, true)[:, :, background:].astype(np.float64)
    areas = table.sum(1, keepdims=True)
    count = (areas[:, 0] > 0).sum(1)
    held = (table / np.maximum(areas, 1)).sum(2).max(1, initial=0)
    return np.divide(held, count, out=np.full(len(true), np.nan), where=count > 1)


def takes_all(shares: Float[np.ndarray, "B"], threshold: float = TAKES_ALL) -> float:
    """Of the images with two or more visible objects, the fraction in which one segment holds `threshold` or more of them:
    `shares` are those of `share_of_largest`. NaN where there is no such image."""
    several = shares[~np.isnan(shares)]
    return float((several >= threshold).mean()) if several.size else float("nan")


def collapsed(shares: Float[np.ndarray, "B"], threshold: float = TAKES_ALL) -> bool:
    """Is it the model that failed, and not a picture: one segment takes all in more than half of the images."""
    return takes_all(shares, threshold) > COLLAPSED


def mean_over_images(scores: Float[np.ndarray, "B"]) -> tuple[float, int]:
    """Mean of the scores that are numbers, and how many images were left out because theirs is NaN. NaN if all were."""
    valid = scores[~np.isnan(scores)]
    return (float(valid.mean()) if valid.size else float("nan")), int(scores.size - valid.size)
