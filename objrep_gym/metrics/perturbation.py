"""The perturbation score (Swain & Mahajan 2022, §3.1): change one part of a picture, and one latent alone should change;
hold that part and change all else, and that latent alone should stay.

The document describes it in words. Here s[k, j] = Var μ_j / Var_data μ_j, where μ_j is a code and only the part k of a
picture changes: the factor k of a thing, or what lies inside mask k. Part k scores (top − second) / top of its row; of the
opposite, where k is held and the rest changes, (second − least) / second. The score is the mean over parts.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Num

from objrep_gym.metrics.classes import check, each, few_values, held, mean_of_known
from objrep_gym.metrics.factor_vae import THINGS, active, variances

ANCHORS = 256  # things whose factors are changed, one at a time
SHIFT = 0.5  # of what lies inside a mask, in each channel of a picture in [0, 1]
ROUNDING = 1e-12  # share of a variance that codes may have which are all alike
ALIKE = 1e-2  # standard deviations that codes of one picture may be apart: in half precision every batch has its rounding
MOST_CELLS = 2**26  # combinations of factors, of which a table says which thing has them


@dataclass(frozen=True)
class Perturbation:
    """s[k, j]; a row is NaN where the part k could not be changed, or does not vary."""

    changed: Float[np.ndarray, "K D"]
    """Only the part k changes; 1 is as much as everything together, 0 stands for a code that is not in use too."""
    held: Float[np.ndarray, "K D"]
    """All but the part k changes; 1 stands for a code that is not in use too."""

    @property
    def score(self) -> float:
        """In [0, 1]: 1 where each part changes one code. Whatever the order, the sign and the scale of codes in use."""
        return mean_of_known(lead(self.changed))

    @property
    def complement(self) -> float:
        """In [0, 1]: 1 where each part, held, holds one code."""
        return mean_of_known(lag(self.held))


def perturbation(
    codes: Num[np.ndarray, "N D"],
    factors: Num[np.ndarray, "N F"],
    seed: int = 0,
    anew: Num[np.ndarray, "A _ P _"] | None = None,
) -> Perturbation:
    """The factors of 256 things, each changed by itself in 64 ways to what it is of other things, and each held while the
    rest changes in 64 ways. `seed` draws both.

    A factor is changed by looking up things that are like the first in all others: factors must be finite, the table their
    grid, or enough of it, and a code must follow from them. `changed` is NaN where that finds nothing, and of a world with
    a continuous factor: its things have to be drawn and encoded anew, and `anew` are the codes of A things of which each
    factor was changed by itself in P ways. Raises ValueError as `check` does, and where these are not of as many factors
    and codes.
    """
    check(codes, factors)
    rng, spread = np.random.default_rng(seed), variances(codes)
    shape = (factors.shape[1], codes.shape[1])
    if anew is not None and (anew.shape[1], anew.shape[3]) != shape:
        raise ValueError(f"codes {anew.shape} of changed things, where {shape[0]} factors and {shape[1]} codes are known")
    changed, holding = np.full(shape, np.nan), np.full(shape, np.nan)
    for column, rows in alone(codes, factors, rng).items() if anew is None else ():
        changed[column] = sensitivity(codes[rows], spread).mean(0)
    for column, rows, factor in each(factors):
        if anew is not None:
            changed[column] = sensitivity(anew[:, column], spread).mean(0)
        one, known = held(factor), codes[rows]
        if len(one.shared):
            things = one.like(rng.choice(one.shared, ANCHORS), THINGS, rng)
            holding[column] = sensitivity(known[things], spread, unused=1.0).mean(0)
    return Perturbation(changed, holding)


def sensitivity(
    codes: Num[np.ndarray, "*B P D"], spread: Float[np.ndarray, "D"], unused: float = 0.0
) -> Float[np.ndarray, "*B D"]:
    """Variances of codes of pictures that were changed in P ways, over their variances in the data, `spread`; `unused` for
    a latent that is not in use (`factor_vae.active`)."""
    used = active(spread)
    ratio = variances(codes) / np.where(used, spread, 1)
    return np.where(used, np.where(ratio > ROUNDING, ratio, 0), unused)


def shifted(
    image: Float[np.ndarray, "B C H W"], masks: Float[np.ndarray, "B K H W"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "B K P C H W"]:
    """Pictures in [0, 1] of which only what lies inside mask k has changed, in P = `count` ways: its colours moved by as
    much in each channel, at most SHIFT, and clipped. A mask's value is how much of a pixel it takes."""
    pictures, parts, _, _ = masks.shape
    shift = rng.uniform(-SHIFT, SHIFT, (pictures, parts, count, image.shape[1], 1, 1)).astype(image.dtype)
    moved = np.clip(image[:, None, None] + shift, 0, 1)
    return image[:, None, None] + masks[:, :, None, None].astype(image.dtype) * (moved - image[:, None, None])


def lead(changed: Float[np.ndarray, "*K D"]) -> Float[np.ndarray, "*K"]:
    """(top − second) / top: of a code that changes alone 1, 0 where none changes. A lone code has none beside it."""
    beside = np.concatenate([changed, np.zeros_like(changed[..., :1])], axis=-1)
    second, top = np.moveaxis(np.sort(beside, axis=-1)[..., -2:], -1, 0)
    return np.where(np.isnan(top), np.nan, over(top - second, top))


def lag(holding: Float[np.ndarray, "*K D"]) -> Float[np.ndarray, "*K"]:
    """(second − least) / second: of a code that is held alone 1, 0 where two are; NaN of a part without numbers. A lone
    code has none beside it."""
    beside = np.concatenate([holding, np.ones_like(holding[..., :1])], axis=-1)
    least, second = np.moveaxis(np.sort(beside, axis=-1)[..., :2], -1, 0)
    return np.where(np.isnan(holding).any(-1), np.nan, over(second - least, second))


def over(part: Float[np.ndarray, "*K"], whole: Float[np.ndarray, "*K"]) -> Float[np.ndarray, "*K"]:
    """Quotients, 0 of nothing."""
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def alone(
    codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], rng: np.random.Generator
) -> dict[int, Integer[np.ndarray, "B P"]]:
    """By factor: for each of ANCHORS things that can change in it alone THINGS rows that are like it in all other factors,
    drawn with return. Nothing where a factor is continuous or lacking, where there are too many combinations, and where
    things that are like in all factors have different codes: then something changes that no factor tells."""
    columns = [None if np.isnan(factor).any() else few_values(factor) for factor in factors.T]
    known = [named for named in columns if named is not None]
    sizes = np.array([int(named.max()) + 1 for named in known])
    if len(known) < len(columns) or np.prod(sizes.astype(float)) > MOST_CELLS:
        return {}
    strides = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
    places = np.stack(known, axis=1) @ strides
    table = np.full(int(np.prod(sizes)), -1, np.intp)
    table[places] = np.arange(len(places))
    if not same(codes, codes[table[places]]):
        return {}
    anchors, found = rng.permutation(len(places))[:ANCHORS], {}
    for column, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
        first = places[anchors] - known[column][anchors] * stride
        rows = table[first[:, None] + stride * np.arange(size)]
        rows = rows[(rows >= 0).sum(1) > 1]
        if len(rows):
            found[column] = picked(rows, rng)
    return found


def same(codes: Num[np.ndarray, "N D"], others: Num[np.ndarray, "N D"]) -> bool:
    """Whether codes in use differ by no more than arithmetic in another batch does."""
    spread = variances(codes)
    apart = np.abs(codes - others).max(0)
    return bool((apart <= ALIKE * np.sqrt(spread))[active(spread)].all())


def picked(rows: Integer[np.ndarray, "B V"], rng: np.random.Generator) -> Integer[np.ndarray, "B P"]:
    """THINGS entries of each row that are no -1."""
    there = rows >= 0
    first = np.take_along_axis(rows, np.argsort(~there, axis=1, kind="stable"), axis=1)
    chosen = (rng.random((len(rows), THINGS)) * there.sum(1)[:, None]).astype(np.intp)
    return np.take_along_axis(first, chosen, axis=1)
