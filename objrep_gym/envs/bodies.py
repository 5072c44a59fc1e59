"""Bodies: where named entities of a world stand and how wide they are, read from its factors."""

from collections.abc import Sequence

import numpy as np

from objrep_gym.scenes.things import FOOTPRINTS
from objrep_gym.scenes.world import About


class Bodies:
    """Rows and columns of `factors` (N, E, F), found by name once, so that no index stands anywhere else.

    Raises ValueError on an entity or a factor that the world does not have, naming those that it has.
    """

    def __init__(self, about: About, entities: Sequence[str]):
        self.entities = tuple(entities)
        self.rows = np.array([position(name, about.entities, "entity") for name in entities], dtype=np.intp)
        self.cells = self.rows[:, None]
        self.place = np.array([position(name, about.factors, "factor") for name in ("x", "y")], dtype=np.intp)
        self.shape, self.size = (position(name, about.factors, "factor") for name in ("shape", "size"))

    def places(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R, 2): x and y of each entity in metres; NaN where it does not exist."""
        return factors[:, self.cells, self.place]

    def put(self, factors: np.ndarray, places: np.ndarray) -> None:
        """Writes `places` (N, R, 2) into `factors`, in place."""
        factors[:, self.cells, self.place] = places

    def radii(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R): radius in metres of the circle on the floor that holds each entity; NaN where it does not exist."""
        shapes = factors[:, self.rows, self.shape]
        known = np.where(shapes == shapes, shapes, 0).astype(np.intp)  # a fifth of the time of nan_to_num, at every step
        return factors[:, self.rows, self.size] * FOOTPRINTS[known]

    def gaps(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R - 1) metres of floor between the circle of the last entity and those of all before it."""
        places, radii = self.places(factors), self.radii(factors)
        between = places[:, :-1] - places[:, -1:]
        return np.sqrt((between * between).sum(axis=-1)) - radii[:, :-1] - radii[:, -1:]


def position(name: str, names: Sequence[str], kind: str) -> int:
    """Index of `name`; raises ValueError where the world has no such thing."""
    if name not in names:
        raise ValueError(f"the world has no {kind} {name!r}, only {', '.join(names)}")
    return list(names).index(name)
