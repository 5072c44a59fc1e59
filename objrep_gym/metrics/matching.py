"""Which segment is which thing: matched by their pixels, at most one segment to a thing and one thing to a segment.

With true ids it says whose factors a slot should tell. With the segments of a second model it says, without labels, which
slots of the two see the same.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from objrep_gym.metrics.segmentation import contingency

LEAST = 1 / 256  # of an image's pixels, 16 of 64×64: what is less is hidden but for a rim, and tells nothing of its shape


@dataclass(frozen=True)
class Matches:
    """M pairs, in the order of images and of things in them; and what is not among them."""

    image: Integer[np.ndarray, "M"]
    segment: Integer[np.ndarray, "M"]
    thing: Integer[np.ndarray, "M"]
    overlap: Float[np.ndarray, "M"]
    """Intersection over union of segment and thing, above 0."""
    hidden: int
    """Things in sight of which too few pixels are."""
    unmatched: int
    """Things that no segment was left for, or none that touches them."""

    def __len__(self) -> int:
        return len(self.image)


def match(
    predicted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"], background: int, least: float = LEAST
) -> Matches:
    """Each thing of `true` with an id of `background` or more gets the segment of `predicted` that makes the sum of
    intersections over unions in its image the largest (Hungarian method, Kuhn 1955).

    Not each its best one: a segment that took two things would then speak for both, and a model that cannot tell them apart
    would be judged as if it could. Things of fewer than `least` of the image's pixels are left out and counted as hidden.
    Raises ValueError as `contingency` does.
    """
    from scipy.optimize import linear_sum_assignment

    table = contingency(predicted, true)
    areas = table.sum(1)
    union = table.sum(2, keepdims=True) + areas[:, None] - table
    overlap = table / np.maximum(union, 1)
    seen, large = areas > 0, areas >= max(least * true[0].size if len(true) else 1, 1)
    seen[:, :background], large[:, :background] = False, False
    found: list[tuple[int, int, int, float]] = []
    for image, (ious, things) in enumerate(zip(overlap, large, strict=True)):
        chosen = np.flatnonzero(things)
        rows, columns = linear_sum_assignment(ious[:, chosen], maximize=True)
        pairs = sorted(zip(chosen[columns].tolist(), rows.tolist(), strict=True))
        found += [(image, segment, thing, ious[segment, thing]) for thing, segment in pairs if ious[segment, thing] > 0]
    images, segments, matched = np.array([pair[:3] for pair in found], np.intp).reshape(-1, 3).T
    ious = np.array([pair[3] for pair in found], np.float64)
    hidden = int(seen.sum() - large.sum())
    return Matches(images, segments, matched, ious, hidden, unmatched=int(large.sum()) - len(found))
