"""Hands that learn nothing: the random one, and the privileged one that knows where everything is. Floor and ceiling of
every table of control.

Both have `predict` as stable-baselines3's policies do, so that whatever evaluates a policy evaluates them.
"""

from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces

from objrep_gym.agents.homing import Delivery, Homing
from objrep_gym.agents.knowing import Knowing
from objrep_gym.agents.pushing import Pushing
from objrep_gym.agents.scripted_navigate import PrivilegedWalker
from objrep_gym.agents.waves import DIRECTIONS, around, lattice
from objrep_gym.envs.controls import Drive, FirstPerson, Hand, Move, Push, Walk
from objrep_gym.envs.goals import Goal
from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.obstacles import Blocked
from objrep_gym.envs.pads import PushOnto
from objrep_gym.envs.tasks import Dense, Touch
from objrep_gym.envs.vector import ObjectsRoomVector


class RandomHand:
    """Actions drawn uniformly from `space`, an environment's single action space, by a generator of its own."""

    def __init__(self, space: spaces.Space[Any], seed: int | None = None):
        self.space = deepcopy(space)  # seeding the environment's own would change what it samples
        self.space.seed(seed)

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> Any:
        """One action for each row of `observation`, and None for the state."""
        rows = next(iter(observation.values())) if isinstance(observation, dict) else observation
        return np.stack([self.space.sample() for _ in range(len(rows))]), None


class PrivilegedHand(Knowing):
    """Does what the task of `env` asks, by the shortest way, from the true factors.

    The way is found anew at each step, for all environments at once. Raises TypeError on an environment without a hand or a
    goal.
    """

    def __init__(self, env: ObjectsRoom | ObjectsRoomVector):
        control, task = env.game.control, env.game.task
        task = task.task if isinstance(task, Dense) else task
        super().__init__(env)
        self.discrete = isinstance(control.space, spaces.Discrete)
        if isinstance(control, Push) and isinstance(task, PushOnto):
            self.plan: Touching | Homing | Pushing = Pushing(control.hand, task)
        elif isinstance(control, Walk | Move) and isinstance(task, Touch):
            self.plan = Touching(control.hand, task)
        elif isinstance(control, Blocked) and isinstance(task, Goal):
            self.plan = Homing(control, task)
        elif isinstance(control, Push) and isinstance(task, Goal):
            self.plan = Pushing(control.hand, Delivery(control.contact, task))
        else:
            raise TypeError(
                "a privileged hand plays Walk or Move to Touch, Push to PushOnto, and Blocked or Push to Goal, not "
                f"{type(control).__name__} to {type(task).__name__}"
            )

    def act(self, factors: np.ndarray) -> np.ndarray:
        """Actions (N,) or (N, 2) for scenes (N, E, F)."""
        chosen = self.plan(factors)
        return chosen if self.discrete else DIRECTIONS[chosen].astype(np.float32)


def knowing(env: ObjectsRoom | ObjectsRoomVector) -> Knowing:
    """Who knows the way in `env`: the walker in first person, the hand anywhere else. Raises TypeError where there is
    nothing to do."""
    return PrivilegedWalker(env) if isinstance(env.game.control, FirstPerson | Drive) else PrivilegedHand(env)


class Touching:
    """Plans the way to a goal that touches nothing else: by waves from the goals over a lattice of the hand's own steps,
    and straight where every way is blocked."""

    def __init__(self, hand: Hand, task: Touch):
        self.hand, self.task, self.lattice = hand, task, lattice(hand)

    def __call__(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): one of `MOVES` for each of the scenes (N, E, F)."""
        chosen = around(self.survey, factors)
        return np.where(chosen < 0, self.straight(factors), chosen)

    def survey(self, factors: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """bool (N, L, L) each: points of the lattice around the hand that touch a goal, and those that are nearer than
        `margin` to another object, or where the hand cannot stand."""
        hand, task = self.hand, self.task
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
        between = self.task.objects.places(factors) - self.hand.body.places(factors)
        away = np.where(self.task.goals(factors), np.linalg.norm(between, axis=-1), np.inf)
        nearest = between[np.arange(len(factors)), away.argmin(axis=1)]
        return (nearest @ DIRECTIONS.T).argmax(axis=1)
