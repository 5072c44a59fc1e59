"""Tasks: what a scene is worth, and whether it ends the episode. Each judges N scenes at once."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from objrep_gym.envs.bodies import Bodies, position
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.world import About


class Verdict(NamedTuple):
    """Of N scenes: `reward` float64 (N,), `success` bool (N,), `terminated` bool (N,)."""

    reward: np.ndarray
    success: np.ndarray
    terminated: np.ndarray


@runtime_checkable
class Task(Protocol):
    """What scenes are worth."""

    def judge(self, factors: np.ndarray) -> Verdict:
        """Of `factors` (N, E, F), as they are after an action."""
        ...


@runtime_checkable
class Settling(Task, Protocol):
    """A task for which it matters how a scene came about, or that changes it."""

    def settle(self, before: np.ndarray, after: np.ndarray) -> Verdict:
        """Of the step from `before` to `after`, both (N, E, F). May change `after` in place."""
        ...


@runtime_checkable
class Guiding(Task, Protocol):
    """A task that says how far a scene is from what is worth something."""

    def distance(self, factors: np.ndarray) -> np.ndarray:
        """float (N,) metres, of `factors` (N, E, F)."""
        ...


class Watch:
    """Nothing is asked: reward 0, no success, no end."""

    def judge(self, factors: np.ndarray) -> Verdict:
        none = np.zeros(len(factors), dtype=bool)
        return Verdict(np.zeros(len(factors)), none, none.copy())


class Touch:
    """Object goal (Yoon et al. 2023): touching the goal is worth 1 and ends the episode, touching any other object is
    worth 0 and ends it too.

    Two things touch where their centres on the floor are nearer than the sum of their radii; where a step touches several
    objects, the one that is entered deepest counts. What is `beyond` the hand's reach is no object of the task.
    Raises ValueError on a hand or a goal that the world does not have.
    """

    def __init__(self, about: About, goal: str = "object_0", hand: str = "hand", beyond: Sequence[str] = ()):
        names = [name for name in about.entities[about.background :] if name not in (hand, *beyond)]
        self.objects, self.all = Bodies(about, names), Bodies(about, (*names, hand))
        self.goal = position(goal, names, "entity")

    def goals(self, factors: np.ndarray) -> np.ndarray:
        """bool (N, R): which of `objects` are to be touched."""
        which = np.arange(len(self.objects.entities)) == self.goal
        return np.broadcast_to(which, (len(factors), len(which)))

    def judge(self, factors: np.ndarray) -> Verdict:
        touched, nearest = self.touched(factors)
        success = touched & self.goals(factors)[np.arange(len(factors)), nearest]
        return Verdict(success.astype(np.float64), success, touched)

    def touched(self, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """bool (N,) whether the hand touches an object, and int (N,) which: an index into `objects`."""
        gaps = self.gaps(factors)
        inside = gaps < 0  # False where there is no object: its gap is NaN
        return np.asarray(inside.any(axis=1)), np.where(inside, gaps, np.inf).argmin(axis=1)

    def gaps(self, factors: np.ndarray) -> np.ndarray:
        """float (N, R) metres of floor between the hand's circle and those of the objects."""
        return self.all.gaps(factors)

    def distance(self, factors: np.ndarray) -> np.ndarray:
        """float (N,) metres of floor between the hand's circle and that of the nearest goal; 0 where there is none left."""
        nearest = np.where(self.goals(factors), self.gaps(factors), np.inf).min(axis=1)
        return np.where(np.isfinite(nearest), nearest, 0.0)


class TouchOdd(Touch):
    """Odd one out: the goal is the object that is like no other, by colour, shape and size."""

    def __init__(self, about: About, hand: str = "hand"):
        super().__init__(about, hand=hand)
        self.looks = columns(about, "hue", "saturation", "shape", "size")

    def goals(self, factors: np.ndarray) -> np.ndarray:
        looks = factors[:, self.objects.cells, self.looks]
        alike = (looks[:, :, None] == looks[:, None]).all(axis=-1)  # (N, R, R); what does not exist is not even like itself
        return np.asarray(alike.sum(axis=-1) == 1)


class TouchLike(Touch):
    """The goal is the object that has the shape and the colour of the `cue`, which is out of the hand's reach."""

    def __init__(self, about: About, cue: str = "cue", hand: str = "hand"):
        super().__init__(about, hand=hand, beyond=(cue,))
        self.looks, self.cue = columns(about, "hue", "saturation", "shape"), Bodies(about, (cue,))

    def goals(self, factors: np.ndarray) -> np.ndarray:
        cue = factors[:, self.cue.cells, self.looks]
        return np.asarray((factors[:, self.objects.cells, self.looks] == cue).all(axis=-1))


class TouchAnswer(Touch):
    """Visual analogy: of three `cues`, out of the hand's reach, the first is to the second as the third is to the goal.
    What differs between the first two the goal has from the second, everything else from the third; cues are `larger`
    than objects, so many times."""

    def __init__(self, about: About, cues: Sequence[str], larger: float, hand: str = "hand"):
        super().__init__(about, hand=hand, beyond=cues)
        names = ("hue", "saturation", "value", "shape", "size")
        self.looks, self.cues = columns(about, *names), Bodies(about, cues)
        self.scale = np.where(np.array(names) == "size", larger, 1.0)

    def goals(self, factors: np.ndarray) -> np.ndarray:
        first, second, third = np.moveaxis(factors[:, self.cues.cells, self.looks], 1, 0)
        wanted = np.where(first == second, third, second)
        looks = factors[:, self.objects.cells, self.looks] * self.scale
        return np.asarray(np.isclose(looks, wanted[:, None], atol=1e-4).all(axis=-1))


class Collect(Touch):
    """Every object of one hue is a goal: the first touch of each is worth 1/n of `count` and takes it out of the room, and
    the last one ends the episode, with success. Touching any other object ends it with 0.

    A step takes one object at most. Raises ValueError on a hand that the world does not have.
    """

    def __init__(self, about: About, count: int, hue: float = BLUE, hand: str = "hand"):
        super().__init__(about, hand=hand)
        self.count, self.wanted = count, np.float32(hue)
        self.hue = columns(about, "hue")[0]

    def goals(self, factors: np.ndarray) -> np.ndarray:
        return factors[:, self.objects.rows, self.hue] == self.wanted

    def judge(self, factors: np.ndarray) -> Verdict:
        touched, nearest = self.touched(factors)
        goals = self.goals(factors)
        right = touched & goals[np.arange(len(factors)), nearest]
        success = right & (goals.sum(axis=1) == 1)
        return Verdict(right / self.count, success, success | (touched & ~right))

    def settle(self, before: np.ndarray, after: np.ndarray) -> Verdict:
        verdict = self.judge(after)
        taken = np.flatnonzero(verdict.reward > 0)
        after[taken, self.objects.rows[self.touched(after[taken])[1]]] = np.nan
        return verdict


class Dense:
    """`task`, and with its reward the metres by which this step came nearer to what is worth something, such as the hand to
    the nearest goal; negative where it went away. Over an episode they add up to the way that was made, so that no detour
    pays."""

    def __init__(self, task: Guiding):
        self.task = task

    def judge(self, factors: np.ndarray) -> Verdict:
        return self.task.judge(factors)

    def settle(self, before: np.ndarray, after: np.ndarray) -> Verdict:
        nearer = self.task.distance(before) - self.task.distance(after)
        verdict = settle(self.task, before, after)
        return verdict._replace(reward=verdict.reward + nearer)


def settle(task: Task, before: np.ndarray, after: np.ndarray) -> Verdict:
    """What `task` says of the step from `before` to `after`, (N, E, F) each; it may change `after`."""
    return task.settle(before, after) if settles(type(task)) else task.judge(after)  # type: ignore[attr-defined]


@cache
def settles(kind: type) -> bool:
    """Whether tasks of a kind are `Settling`; asked once, for it takes a third of the time of judging."""
    return issubclass(kind, Settling)


def columns(about: About, *names: str) -> np.ndarray:
    """Columns of `factors` by name; raises ValueError on one that the world does not have."""
    return np.array([position(name, about.factors, "factor") for name in names], dtype=np.intp)
