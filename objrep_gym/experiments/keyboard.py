"""Keys become actions: which are pressed, and what each does in an environment."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.controls import MOVES
from objrep_gym.envs.objects_room import Game

ALIASES = {"w": "up", "a": "left", "s": "down", "d": "right", "return": "r"}
ARROWS = {"right": (1.0, 0.0), "up": (0.0, 1.0), "left": (-1.0, 0.0), "down": (0.0, -1.0)}
"""Where an arrow points in the picture: across, and away from the eye."""

KEYS: dict[str, dict[str, int] | dict[str, tuple[float, ...]]] = {
    "Still": {"space": 0},
    "FirstPerson": {"left": 0, "right": 1, "up": 2},
    "Drive": {"left": (1.0, 0.0), "right": (-1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0), "space": (0.0, 0.0)},
}
"""Actions that are no directions on the floor, by the name of the control's class: the action of each key. Numbers exclude
each other, and the key that was pressed last counts; rows of numbers are added up. A control that is not here moves a hand
over the floor: see `along`."""


class Keyboard:
    """Which keys are down, the last pressed first; one that is let go of at once counts as pressed until it was `read`."""

    def __init__(self) -> None:
        self.down: list[str] = []
        self.tapped: list[str] = []

    def press(self, name: str) -> None:
        name = ALIASES.get(name, name)
        self.release(name)
        self.down.insert(0, name)
        self.tapped.insert(0, name)

    def release(self, name: str) -> None:
        name = ALIASES.get(name, name)
        self.down = [one for one in self.down if one != name]

    def read(self) -> list[str]:
        """Keys that are down or were pressed since the last call."""
        keys = list(dict.fromkeys([*self.tapped, *self.down]))
        self.tapped = []
        return keys


def action_of(keys: Iterable[str], game: Game, factors: np.ndarray) -> Any:
    """What `keys` do in the scene (E, F), the first of them if they exclude each other; None if nothing."""
    keys = list(keys)
    known = KEYS.get(type(game.control).__name__)
    if known is None:
        return along(keys, game.control.space, axes_of(game, factors))
    actions: list[Any] = [known[key] for key in keys if key in known]
    if not actions or isinstance(actions[0], int):
        return actions[0] if actions else None
    return np.clip(np.sum(actions, axis=0), -1, 1).astype(np.float32)


def along(keys: list[str], space: spaces.Space[Any], axes: np.ndarray) -> Any:
    """The action that moves a hand where the arrows point, as seen in the picture. axes (2, 2): across the picture and away
    from the eye, each x and y on the floor. Raises ValueError on a space of no such control."""
    arrows = [key for key in keys if key in ARROWS]
    if isinstance(space, spaces.Discrete) and space.n == len(MOVES):
        if not arrows:
            return None  # these hands cannot wait
        return int((np.array(list(MOVES.values())) @ (ARROWS[arrows[0]] @ axes)).argmax())
    if isinstance(space, spaces.Box) and space.shape == (2,):
        if not arrows and "space" not in keys:
            return None
        wanted = np.sum([ARROWS[key] for key in arrows], axis=0) @ axes if arrows else np.zeros(2)
        return (wanted / max(1.0, float(np.abs(wanted).max()))).astype(np.float32)
    raise ValueError(f"no keys for actions of {space}: name them in KEYS of {__name__}")


def axes_of(game: Game, factors: np.ndarray) -> np.ndarray:
    """(2, 2): x and y of what goes across the picture, and away from the eye; of unit length. East and north where the
    world has no cameras."""
    if not hasattr(game.world, "cameras"):
        return np.eye(2)
    world: Any = game.world
    cameras = world.cameras(factors[None])
    axes = np.stack([cameras.right[0, :2], cameras.forward[0, :2]])
    return axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-9)
