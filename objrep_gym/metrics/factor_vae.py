"""The FactorVAE score (Kim & Mnih 2018, §4), as Locatello et al. 2019 measured it: does one code stay where one factor is
held? Things are drawn that share the value of a factor, and the code that varies least among them casts a vote."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

from objrep_gym.metrics.classes import TEST, TRAIN, Held, check, holders

THINGS = 64  # L, that share a factor in one vote
SPREAD = 10_000  # things that say how much a code varies when nothing is held
LEAST = 0.05  # standard deviation of a latent of a unit prior, from which on it takes part
NUMBERS = 2**22  # codes that are looked up at once


def factor_vae(codes: Num[np.ndarray, "N D"], factors: Num[np.ndarray, "N F"], seed: int = 0) -> float:
    """How often a code's vote is for the factor that it mostly votes for: 10,000 votes teach which factor that is, 5,000
    others are counted, each of 64 things that share a factor. `seed` draws them.

    In [0, 1]; one of F factors at random is 1/F. 0 where no code varies by LEAST, NaN where fewer than two factors vary.
    The order and the sign of codes do not matter, nor their scale above LEAST. Raises ValueError as `check` does.
    """
    check(codes, factors)
    rng, holding = np.random.default_rng(seed), holders(factors)
    if len(holding) < 2:
        return float("nan")
    spread = variances(codes[rng.permutation(len(codes))[:SPREAD]])
    kept = active(spread)
    if not kept.any():
        return 0.0
    codes, spread = codes[:, kept], spread[kept]
    learned, counted = (tally(codes, spread, holding, votes, rng) for votes in (TRAIN, TEST))
    told = learned.argmax(1)
    return float(counted[np.arange(len(told)), told].sum() / counted.sum())


def active(spread: Float[np.ndarray, "D"]) -> Bool[np.ndarray, "D"]:
    """Which latents of a unit prior take part, by their variances: the others would win every vote by their noise."""
    return spread >= LEAST**2


def variances(codes: Num[np.ndarray, "*B P D"]) -> Float[np.ndarray, "*B D"]:
    """Unbiased variances over the last axis but one."""
    return codes.var(-2, dtype=np.float64, ddof=1)


def tally(
    codes: Num[np.ndarray, "N D"],
    spread: Float[np.ndarray, "D"],
    holding: list[tuple[np.ndarray | slice, Held]],
    votes: int,
    rng: np.random.Generator,
) -> Integer[np.ndarray, "D F"]:
    """How often each code varied least, in units of its spread, while each factor was held."""
    table = np.zeros((codes.shape[1], len(holding)), np.int64)
    for column, alike in drawn(holding, votes, codes.shape[1], rng):
        least = (variances(codes[alike]) / spread).argmin(1)
        table[:, column] += np.bincount(least, minlength=len(table))
    return table


def drawn(
    holding: list[tuple[np.ndarray | slice, Held]], count: int, codes: int, rng: np.random.Generator
) -> Iterator[tuple[int, Integer[np.ndarray, "B P"]]]:
    """`count` draws of THINGS rows that share a factor's value: each of any factor, at the value of any thing. In parts, so
    that no part has more than NUMBERS `codes`."""
    asked = np.bincount(rng.integers(len(holding), size=count), minlength=len(holding))
    for column, (rows, factor) in enumerate(holding):
        things = rng.choice(factor.shared, asked[column])
        for part in np.array_split(things, -(-len(things) * THINGS * codes // NUMBERS) or 1):
            alike = factor.like(part, THINGS, rng)
            yield column, alike if isinstance(rows, slice) else rows[alike]
