"""Controls: what an action does to a scene. Each has the `space` of one action and applies N of them at once."""

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.bodies import Bodies, position
from objrep_gym.envs.contact import Contact
from objrep_gym.scenes.mounts import EYE
from objrep_gym.scenes.world import World

MOVES = {"east": (1.0, 0.0), "north": (0.0, 1.0), "west": (-1.0, 0.0), "south": (0.0, -1.0)}
"""Directions of `Walk` in the order of its actions, along x and y."""
TURNS = {"left": (1.0, 0.0), "right": (-1.0, 0.0), "forward": (0.0, 1.0)}
"""What `FirstPerson` does in the order of its actions: parts of a turn to the left, and of a step ahead."""
TURN = float(np.radians(15))


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
        check_pairs(actions, len(factors))
        self.hand.move(factors, actions)


class FirstPerson:
    """The body with the eye turns by 15° or takes one step ahead: Discrete(3), in the order of `TURNS`. Walls stop it."""

    def __init__(self, world: Ground, span: Span = SPAN, name: str = EYE):
        self.space = spaces.Discrete(len(TURNS))
        self.walker = Walker(world, name, span)
        self.parts = np.array(list(TURNS.values()))

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        check_discrete(actions, len(factors), len(TURNS))
        self.walker.walk(factors, self.parts[actions])


class Drive:
    """The body with the eye turns and then goes ahead, or back: Box(2) in [-1, 1], parts of 15° to the left and of a step.
    Walls stop it."""

    def __init__(self, world: Ground, span: Span = SPAN, name: str = EYE):
        self.space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.walker = Walker(world, name, span)

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        check_pairs(actions, len(factors))
        self.walker.walk(factors, actions)


class Push:
    """The hand steps as `walk` says, and pushes what it meets, by contact: things push each other, and walls hold them."""

    def __init__(self, walk: Walk | Move, contact: Contact):
        self.space, self.walk, self.contact = walk.space, walk, contact

    @property
    def hand(self) -> "Hand":
        return self.walk.hand

    def apply(self, actions: np.ndarray, factors: np.ndarray) -> None:
        start = self.hand.body.places(factors)[:, 0].astype(float)
        self.walk.apply(actions, factors)
        self.contact.push(factors, start)


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


class Walker(Hand):
    """A hand that has a front: it turns, and goes whither it is headed."""

    def __init__(self, world: Ground, name: str, span: Span):
        super().__init__(world, name, span)
        self.heading = position("heading", world.about.factors, "factor")

    def headings(self, factors: np.ndarray) -> np.ndarray:
        """float64 (N,): radians from the x axis."""
        return factors[:, self.body.rows[0], self.heading].astype(np.float64)

    def walk(self, factors: np.ndarray, parts: np.ndarray) -> None:
        """Turns by the first of `parts` (N, 2), of TURN, then goes the second, of a step, in place."""
        heading = (self.headings(factors) + TURN * parts[:, 0]) % (2 * np.pi)
        factors[:, self.body.rows[0], self.heading] = heading
        self.move(factors, parts[:, 1:] * np.stack([np.cos(heading), np.sin(heading)], axis=-1))


def check_pairs(actions: np.ndarray, count: int) -> None:
    """Raises ValueError unless `actions` are `count` pairs of numbers from -1 to 1."""
    if actions.shape != (count, 2) or not np.abs(actions).max() <= 1.001:  # NaN fails too; .001 for rounding
        raise ValueError(f"actions {actions!r} are not {count} rows of two numbers in [-1, 1]")


def check_discrete(actions: np.ndarray, count: int, choices: int) -> None:
    """Raises ValueError unless `actions` are `count` whole numbers from 0 to `choices` - 1."""
    whole = actions.shape == (count,) and actions.dtype.kind in "iu"
    if not whole or actions.min() < 0 or actions.max() >= choices:
        raise ValueError(f"actions {actions!r} are not {count} whole numbers from 0 to {choices - 1}")
