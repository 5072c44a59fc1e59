"""Which part of a model stands for which kind of object: presence told by how much a slot says, and purity of who takes an
object."""

import numpy as np
from jaxtyping import Bool, Float, Integer

from objrep_gym.metrics.segmentation import contingency


def presence_auc(nats: Float[np.ndarray, "N"], present: Bool[np.ndarray, "N"]) -> float:
    """Area under the ROC curve of telling scenes in which a kind of object is present by a slot's KL: the rate at which a
    scene with it has the larger KL than one without (Hanley & McNeil 1982). In [0, 1]; 0.5 is chance, NaN where all scenes
    are alike."""
    if present.all() or not present.any():
        return float("nan")
    from scipy.stats import rankdata

    ranks, count = rankdata(nats), int(present.sum())
    return float((ranks[present].sum() - count * (count + 1) / 2) / (count * (len(present) - count)))


def purity(takers: Integer[np.ndarray, "N"], kinds: Integer[np.ndarray, "N"]) -> float:
    """Share of objects whose kind is the commonest one of whoever took them (Manning et al. 2008, eq. 16.1). In [0, 1]: 1
    where none takes two kinds, the share of the commonest kind where one takes all; NaN for no objects."""
    if not len(kinds):
        return float("nan")
    table = contingency(takers[None, :, None], kinds[None, :, None])[0]
    return float(table.max(1).sum() / len(kinds))


def takers(
    masks: Float[np.ndarray, "B K H W"], true: Integer[np.ndarray, "B H W"], entities: int
) -> Integer[np.ndarray, "B E"]:
    """Which slot takes each entity: that with most of the mask over its pixels; −1 for entities that are not seen."""
    batch, slots = masks.shape[:2]
    sums = np.zeros((batch, entities, slots))
    rows = np.broadcast_to(np.arange(batch)[:, None, None], true.shape)
    np.add.at(sums, (rows, true), np.moveaxis(masks, 1, -1))
    seen = np.zeros((batch, entities), bool)
    seen[rows, true] = True
    return np.where(seen, sums.argmax(-1), -1)


def fields(true: Integer[np.ndarray, "B H W"], kinds: Float[np.ndarray, "B E"]) -> Integer[np.ndarray, "B H W"]:
    """The kind of what each pixel belongs to, from 1 on, 0 where it is of no kind: objects of one kind are one field."""
    numbers = np.where(np.isnan(kinds), 0, 1 + np.nan_to_num(kinds)).astype(np.intp)
    return numbers[np.arange(len(true))[:, None, None], true]
