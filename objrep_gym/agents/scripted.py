"""Hands that learn nothing: the random one, and the privileged one that knows where everything is. Floor and ceiling of
every table of control.

Both have `predict` as stable-baselines3's policies do, so that whatever evaluates a policy evaluates them.
"""

from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces

from objrep_gym.envs.controls import MOVES, Move, Walk
from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.tasks import Dense, Touch
from objrep_gym.envs.vector import ObjectsRoomVector

MARGINS = (0.02, 0.0)  # metres kept from other objects: the first where there is a way that keeps them


class RandomHand:
    """Actions drawn uniformly from `space`, an environment's single action space, by a generator of its own."""

    def __init__(self, space: spaces.Space[Any], seed: int | None = None):
        self.space = deepcopy(space)  # seeding the environment's own would change what it samples
        self.space.seed(seed)

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> Any:
        """One action for each row of `observation`, and None for the state."""
        rows = next(iter(observation.values())) if isinstance(observation, dict) else observation
        return np.stack([self.space.sample() for _ in range(len(rows))]), None


class PrivilegedHand:
    """Walks the shortest way to a goal of the task that touches nothing else, from the true factors of `env`.

    env: ours, single or vector, unwrapped. `predict` looks at no observation. The way is found anew at each step, by waves
    from the goals over a lattice of the hand's own steps, for all environments at once; where every way is blocked the hand
    goes the straight one. Raises TypeError on an environment without a hand or a goal.
    """

    def __init__(self, env: ObjectsRoom | ObjectsRoomVector):
        control, task = env.game.control, env.game.task
        task = task.task if isinstance(task, Dense) else task
        if not isinstance(control, Walk | Move) or not isinstance(task, Touch):
            raise TypeError(
                f"a privileged hand plays Walk or Move to Touch, not {type(control).__name__}, {type(task).__name__}"
            )
        self.env, self.control, self.task = env, control, task
        wide = np.minimum(control.hand.high - control.hand.low, 2 * control.hand.half_width).max()
        reach = int(np.ceil(wide / control.hand.step))
        offsets = np.arange(-reach, reach + 1) * control.hand.step
        self.lattice = np.stack(np.meshgrid(offsets, offsets, indexing="ij"), axis=-1)  # (L, L, 2), x first

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True) -> Any:
        """One action for each environment, without that axis for a single one, and None for the state."""
        factors = self.env.factors
        alone = factors.ndim == 2
        actions = self.act(factors[None] if alone else factors)
        return (actions[0] if alone else actions), None

    def act(self, factors: np.ndarray) -> np.ndarray:
        """Actions (N,) or (N, 2) for scenes (N, E, F)."""
        chosen = np.full(len(factors), -1)
        for margin in MARGINS:
            if len(lost := np.flatnonzero(chosen < 0)):
                chosen[lost] = downhill(waves(*self.survey(factors[lost], margin)))
        chosen = np.where(chosen < 0, self.straight(factors), chosen)
        return chosen if isinstance(self.control, Walk) else self.directions[chosen].astype(np.float32)

    @property
    def directions(self) -> np.ndarray:
        return np.array(list(MOVES.values()))

    def survey(self, factors: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """bool (N, L, L) each: points of the lattice around the hand that touch a goal, and those that are nearer than
        `margin` to another object, or where the hand cannot stand."""
        hand, task = self.control.hand, self.task
        points = hand.body.places(factors)[:, :, None] + self.lattice  # (N, L, L, 2)
        objects = task.objects.places(factors)[:, None, None]
        away = np.linalg.norm(points[..., None, :] - objects, axis=-1)
        gaps = away - (task.objects.radii(factors) + hand.body.radii(factors))[:, None, None]
        gaps, wanted = np.where(np.isnan(gaps), np.inf, gaps), task.goals(factors)[:, None, None]
        goals, others = (np.where(kind, gaps, np.inf).min(axis=-1) for kind in (wanted, ~wanted))
        low, high = (bound[:, :, None] for bound in hand.bounds(factors))
        outside = ((points < low - 1e-6) | (points > high + 1e-6)).any(axis=-1)
        goal = (goals < -1e-6) & (goals < others) & ~outside
        return goal, ((others < margin) & ~goal) | outside

    def straight(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): the direction along which the nearest goal is farthest."""
        between = self.task.objects.places(factors) - self.control.hand.body.places(factors)
        away = np.where(self.task.goals(factors), np.linalg.norm(between, axis=-1), np.inf)
        nearest = between[np.arange(len(factors)), away.argmin(axis=1)]
        return (nearest @ self.directions.T).argmax(axis=1)


def waves(goal: np.ndarray, blocked: np.ndarray) -> np.ndarray:
    """float32 (N, L, L): steps to the nearest point of `goal` past those that are `blocked`, as far as it takes to reach
    the middle; inf beyond, and where there is no way."""
    steps, middle = np.where(goal, np.float32(0), np.float32(np.inf)), goal.shape[1] // 2
    for _ in range(2 * goal.shape[1]):
        wider = np.minimum(steps, np.minimum.reduce(neighbours(steps)) + 1)
        wider[blocked] = np.inf
        if np.array_equal(wider, steps) or np.isfinite(wider[:, middle, middle]).all():
            return wider  # waves travel at one speed: the first to arrive came the shortest way
        steps = wider
    return steps


def neighbours(steps: np.ndarray) -> list[np.ndarray]:
    """Four arrays (N, L, L): the value one step on, in the order of `MOVES`; inf beyond the lattice."""
    padded = np.pad(steps, ((0, 0), (1, 1), (1, 1)), constant_values=np.inf)
    size = steps.shape[1]
    shifts = [(1 + int(x), 1 + int(y)) for x, y in MOVES.values()]
    return [padded[:, x : x + size, y : y + size] for x, y in shifts]


def downhill(steps: np.ndarray) -> np.ndarray:
    """int (N,): the move from the middle that leads nearest to the goal, -1 where none leads there."""
    middle = steps.shape[1] // 2
    around = np.stack([values[:, middle, middle] for values in neighbours(steps)])
    return np.where(np.isfinite(around).any(axis=0), around.argmin(axis=0), -1)
