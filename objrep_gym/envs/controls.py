"""Controls: what an action does to a scene. Each has the `space` of one action and applies N of them at once."""

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.bodies import Bodies
from objrep_gym.scenes.world import World

MOVES = {"east": (1.0, 0.0), "north": (0.0, 1.0), "west": (-1.0, 0.0), "south": (0.0, -1.0)}
"""Directions of `Walk` in the order of its actions, along x and y."""


@runtime_checkable
class Ground(World, Protocol):
    """A world with a square floor, centred at 0."""

    half_width: float  # metres from the centre to a wall


@dataclass(frozen=True)
class Span:
    """How far a hand goes: `step` in one action, and, where `area` is given, no farther than that rectangle.

    `area` is x and y of its middle, then its half widths; all in metres. Walls stop the hand in any case.
    """

    step: float = 0.2
    area: tuple[float, float, float, float] = (0.0, 0.0, math.inf, math.inf)


SPAN = Span()


@runtime_checkable
class Control(Protocol):
    """What an action does."""

    @property
    def space(self) -> spaces.Space[Any]:
        """Of one environment's action."""
        ...

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        """Changes `factors` (N, E, F) in place by `actions` (N, …). Raises ValueError on actions outside the space."""
        ...


class Still:
    """Nothing moves: Discrete(1), whose only action waits."""

    def __init__(self) -> None:
        self.space = spaces.Discrete(1)

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        check_discrete(actions, len(factors), 1)


class Walk:
    """The hand takes one step along an axis of the room: Discrete(4), in the order of `MOVES`. Walls stop it."""

    def __init__(self, world: Ground, span: Span = SPAN, hand: str = "hand"):
        self.space = spaces.Discrete(len(MOVES))
        self.hand = Hand(world, hand, span)
        self.directions = np.array(list(MOVES.values()))

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        check_discrete(actions, len(factors), len(MOVES))
        self.hand.move(factors, self.directions[actions])


class Move:
    """The hand takes a step of any direction: Box(2) in [-1, 1], steps along x and y. Walls stop it."""

    def __init__(self, world: Ground, span: Span = SPAN, hand: str = "hand"):
        self.space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.hand = Hand(world, hand, span)

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        if actions.shape != (len(factors), 2) or not np.abs(actions).max() <= 1.001:  # NaN fails too; .001 for rounding
            raise ValueError(f"actions {actions!r} are not {len(factors)} rows of two numbers in [-1, 1]")
        self.hand.move(factors, actions)


class Hand:
    """The entity that an action moves: where it stands, the length of its step, and where it is stopped."""

    def __init__(self, world: Ground, name: str, span: Span):
        self.body, self.step = Bodies(world.about, (name,)), span.step
        middle, half = np.array(span.area[:2]), np.array(span.area[2:])
        self.half_width, self.low, self.high = world.half_width, middle - half, middle + half

    def move(self, factors: np.ndarray, steps: np.ndarray) -> None:
        """Moves the hand by `steps` (N, 2) of its step's length, in place, as far as walls and area let it."""
        low, high = self.bounds(factors)
        self.body.put(factors, np.clip(self.body.places(factors) + self.step * steps[:, None], low, high))

    def bounds(self, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest x and y of the hand's centre, float (N, 1, 2) each, in metres."""
        wall = self.half_width - self.body.radii(factors)[..., None]
        return np.maximum(-wall, self.low), np.minimum(wall, self.high)


def check_discrete(actions: np.ndarray, count: int, choices: int) -> None:
    """Raises ValueError unless `actions` are `count` whole numbers from 0 to `choices` - 1."""
    whole = actions.shape == (count,) and actions.dtype.kind in "iu"
    if not whole or actions.min() < 0 or actions.max() >= choices:
        raise ValueError(f"actions {actions!r} are not {count} whole numbers from 0 to {choices - 1}")
