"""Visual analogies on boards: A is to B as C is to which of four boards, with further worked pairs like A and B.

A change is what a pair's two boards differ in: another symbol, another scale, another place, or two of these. Symbol and
scale change from one value to another that are the same in all pairs; a place is shifted by as much. All else is drawn
anew for each pair. Where one property changes, the four options have four values of it; where two do, two of each in all
four combinations. None of these values is C's, and all are drawn from what C may become: who does not look at the worked
pairs is right one time in four.
"""

from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.boards import FACTORS, PLACES, SCALES, Boards
from objrep_gym.scenes.symbols import SYMBOLS
from objrep_gym.scenes.world import Random

PROPERTIES = ("symbol", "scale", "place")
OPTIONS = 4
LEAST = 4  # steps, in x or in y, between any two places of a problem's query and options
MOST = PLACES // 2  # by which a place changes: from everywhere there is a way back into the board
TRIES = 64  # draws of places, of which the first that lie apart are taken; one in two does
CHANGES = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)], bool)  # one property, or two
SYMBOL, SCALE, X, Y = range(len(FACTORS))
COLUMNS = {"symbol": [SYMBOL], "scale": [SCALE], "place": [X, Y]}


@dataclass(frozen=True)
class Analogies:
    """N problems. before, after: factors float32 (N, W, 2, 4) of the boards of W worked pairs, the first of which is A
    and B; query: (N, 2, 4), C; options: (N, 4, 2, 4); answer: int64 (N,), which option is D; changed: bool (N, 3), which
    of PROPERTIES change."""

    before: np.ndarray
    after: np.ndarray
    query: np.ndarray
    options: np.ndarray
    answer: np.ndarray
    changed: np.ndarray

    def __len__(self) -> int:
        return len(self.answer)


def analogies(rng: Random, n: int, pairs: int = 3) -> Analogies:
    """Draw N problems with `pairs` worked pairs each. Raises ValueError without a pair."""
    if pairs < 1:
        raise ValueError(f"pairs is {pairs}: an analogy has at least one worked pair")
    changed = CHANGES[below(rng.random(n), len(CHANGES))]
    query = anything(rng, n, 1)[:, 0]
    options = combined(np.repeat(query[:, None], OPTIONS, axis=1), becoming(rng, query), changed)
    before, after = worked(rng, pairs, query, options[:, 0], changed)
    order = rng.random((n, OPTIONS)).argsort(axis=1)
    shown = np.take_along_axis(options, order[..., None], axis=1)
    made = (scenes(part) for part in (before, after, query, shown))
    return Analogies(*made, answer=order.argmin(axis=1), changed=changed)


def anything(rng: Random, n: int, boards: int) -> np.ndarray:
    """int64 (n, boards, 4): any values."""
    return np.stack([below(rng.random((n, boards)), count) for count in FACTORS.values()], axis=2)


def becoming(rng: Random, query: np.ndarray) -> np.ndarray:
    """int64 (n, 4, 4): what each property of the query (n, 4) may become, four values that differ from it and each
    other."""
    values = [others(rng, query[:, column], count) for column, count in ((SYMBOL, len(SYMBOLS)), (SCALE, len(SCALES)))]
    return np.concatenate([np.stack(values, axis=2), places(rng, query[:, [X, Y]])], axis=2)


def others(rng: Random, value: np.ndarray, count: int) -> np.ndarray:
    """int64 (n, 4): different ones of `count` values, none of them `value` (n,)."""
    order = rng.random((len(value), count - 1)).argsort(axis=1)[:, :OPTIONS]
    return (value[:, None] + 1 + order) % count


def places(rng: Random, at: np.ndarray) -> np.ndarray:
    """int64 (n, 4, 2): places up to MOST steps from `at` (n, 2) each way, on the board; all five lie apart."""
    steps = below(rng.random((len(at), TRIES * OPTIONS * 2)), 2 * MOST + 1).reshape(-1, TRIES, OPTIONS, 2) - MOST
    start = np.broadcast_to(at[:, None, None], steps.shape)
    inside = (start + steps >= 0) & (start + steps < PLACES)
    found = start + np.where(inside, steps, -steps)
    five = np.concatenate([start[:, :, :1], found], axis=2)
    apart = np.abs(five[:, :, :, None] - five[:, :, None]).max(axis=-1)
    good = (apart + LEAST * np.eye(OPTIONS + 1, dtype=int) >= LEAST).all(axis=(2, 3))
    return found[np.arange(len(at)), good.argmax(axis=1)]


def combined(query: np.ndarray, new: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """int64 (n, 4, 4): options, the answer first. One changed property has four new values; of two, the first alternates
    between two and the second has one for two options."""
    two = changed.sum(axis=1) == 2
    first = changed & (changed.cumsum(axis=1) == 1)
    options = query.copy()
    for row, columns in enumerate(COLUMNS.values()):
        pattern = np.where(two[:, None], np.where(first[:, row, None], (0, 1, 0, 1), (0, 0, 1, 1)), np.arange(OPTIONS))
        values = np.take_along_axis(new[..., columns], pattern[..., None], axis=1)
        options[..., columns] = np.where(changed[:, row, None, None], values, options[..., columns])
    return options


def worked(
    rng: Random, pairs: int, query: np.ndarray, answer: np.ndarray, changed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """int64 (n, pairs, 4) twice: boards before and after the change that makes the answer (n, 4) of the query (n, 4)."""
    before = anything(rng, len(query), pairs)
    after = before.copy()
    for row, column in enumerate((SYMBOL, SCALE)):
        moves = changed[:, row, None]
        before[..., column] = np.where(moves, query[:, column, None], before[..., column])
        after[..., column] = np.where(moves, answer[:, column, None], before[..., column])
    for column in (X, Y):
        by = (answer - query)[:, column, None]
        inside = np.maximum(0, -by) + below(rng.random((len(query), pairs)), PLACES - np.abs(by))
        before[..., column] = np.where(changed[:, 2, None], inside, before[..., column])
        after[..., column] = before[..., column] + by
    return before, after


def below(share: np.ndarray, count: int | np.ndarray) -> np.ndarray:
    """int64: whole numbers from 0 to `count` − 1 of numbers in [0, 1)."""
    return (share * count).astype(np.int64)


def scenes(values: np.ndarray) -> np.ndarray:
    """float32 (…, 2, 4): boards with such values (…, 4)."""
    made = np.full((*values.shape[:-1], 2, values.shape[-1]), np.nan, np.float32)
    made[..., 1, :] = values
    return made


def drawn(world: Boards, factors: np.ndarray) -> np.ndarray:
    """uint8 (…, H, W, 3): pictures of boards (…, 2, 4)."""
    image = world.render(factors.reshape(-1, *factors.shape[-2:])).image
    return image.reshape(*factors.shape[:-2], *image.shape[1:])
