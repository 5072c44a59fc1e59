"""The privileged walker: the ceiling of tasks in first person. It has `predict` as stable-baselines3's policies do."""

import numpy as np

from objrep_gym.agents.knowing import Knowing
from objrep_gym.envs.controls import TURN, Drive, FirstPerson
from objrep_gym.envs.objects_room import ObjectsRoom
from objrep_gym.envs.tasks import Dense, Touch
from objrep_gym.envs.vector import ObjectsRoomVector

MARGINS = (0.05, 0.0)  # metres kept from other objects: the first where there is a way that keeps them
AROUND = round(2 * np.pi / TURN)
HALF_TURN = AROUND // 2  # steps that a way over the lattice costs beyond its length: else turning could be put off for ever
TURNS = np.arange(AROUND) - AROUND // 2 + 1  # to the left, from just less than half a turn to the right
NEIGHBOURS = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]


class PrivilegedWalker(Knowing):
    """Turns and walks the shortest way to a goal of the task that touches nothing else, from the true factors of `env`.

    Plans are a turn, a straight run, and, unless it ends at the goal, the way from there on over a lattice that is fixed to
    the floor. The first action of the shortest plan is taken, for all environments at once; as the places that can be
    reached stay the same, it makes the plan one shorter. Where every way is blocked it heads straight for the goal. Raises
    TypeError on an environment of other parts.
    """

    def __init__(self, env: ObjectsRoom | ObjectsRoomVector):
        control, task = env.game.control, env.game.task
        task = task.task if isinstance(task, Dense) else task
        if not isinstance(control, FirstPerson | Drive) or not isinstance(task, Touch):
            names = f"{type(control).__name__}, {type(task).__name__}"
            raise TypeError(f"a privileged walker plays FirstPerson or Drive to Touch, not {names}")
        super().__init__(env)
        self.control, self.task, self.step = control, task, control.walker.step
        half = control.walker.half_width
        self.ticks = np.arange(-half, half + self.step / 2, self.step)
        self.lattice = np.stack(np.meshgrid(self.ticks, self.ticks, indexing="ij"), axis=-1)  # (L, L, 2), x first
        self.runs = np.arange(1, int(np.ceil(2 * half / self.step)))

    def act(self, factors: np.ndarray) -> np.ndarray:
        """Actions (N,) or (N, 2) for scenes (N, E, F)."""
        turns = np.full(len(factors), len(TURNS))
        for margin in MARGINS:
            if len(lost := np.flatnonzero(turns == len(TURNS))):
                turns[lost] = self.plan(factors[lost], margin)
        turns = np.where(turns == len(TURNS), self.straight(factors), turns)
        ahead = turns == 0
        if isinstance(self.control, FirstPerson):
            return np.where(ahead, 2, np.where(turns > 0, 0, 1))
        return np.stack([np.sign(turns), ahead], axis=1).astype(np.float32)

    def plan(self, factors: np.ndarray, margin: float) -> np.ndarray:
        """int (N,): turns to the left with which the shortest plan begins, len(TURNS) where there is none."""
        goal, blocked = self.survey(factors, self.lattice.reshape(1, -1, 2), margin)
        size = len(self.ticks)
        onward = spread(goal.reshape(-1, size, size), blocked.reshape(-1, size, size))
        places = self.reached(factors)  # (N, turns, runs, 2)
        n, shape = len(places), places.shape[1:3]
        goal, blocked = (flags.reshape(n, *shape) for flags in self.survey(factors, places.reshape(n, -1, 2), margin))
        over = np.logical_or.accumulate(blocked, axis=2) | before(np.logical_or.accumulate(goal, axis=2))
        x, y = np.moveaxis(np.rint((places - self.ticks[0]) / self.step).astype(int).clip(0, size - 1), -1, 0)
        rest = np.where(goal, 0.0, HALF_TURN + onward[np.arange(n)[:, None, None], x, y])
        cost = np.where(over, np.inf, np.abs(TURNS)[:, None] + self.runs + rest).min(axis=2)
        return np.where(np.isfinite(cost).any(axis=1), TURNS[cost.argmin(axis=1)], len(TURNS))

    def reached(self, factors: np.ndarray) -> np.ndarray:
        """float (N, turns, runs, 2): where each run after each turn ends, in metres."""
        heading = self.control.walker.headings(factors)[:, None] + TURN * TURNS
        along = np.stack([np.cos(heading), np.sin(heading)], axis=-1)[:, :, None]
        return self.control.walker.body.places(factors)[:, :, None] + along * self.step * self.runs[:, None]

    def survey(self, factors: np.ndarray, points: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """bool (N, P) each: which of `points` (N or 1, P, 2) touch a goal, and which are nearer than `margin` to another
        object, or where the body cannot stand."""
        walker, task = self.control.walker, self.task
        objects, radii = task.objects.places(factors), task.objects.radii(factors) + walker.body.radii(factors)
        across, along = (points[:, None, :, axis] - objects[:, :, None, axis] for axis in (0, 1))  # (N, R, P)
        gaps = np.sqrt(across * across + along * along) - radii[..., None]
        gaps, wanted = np.where(np.isnan(gaps), np.inf, gaps), task.goals(factors)[..., None]
        goals, others = (np.where(kind, gaps, np.inf).min(axis=1) for kind in (wanted, ~wanted))
        low, high = walker.bounds(factors)
        inside = (points >= low - 1e-6) & (points <= high + 1e-6)
        outside = ~(inside[..., 0] & inside[..., 1])
        goal = (goals < -1e-6) & (goals < others) & ~outside
        return goal, ((others < margin) & ~goal) | outside

    def straight(self, factors: np.ndarray) -> np.ndarray:
        """int (N,): turns to the left after which the nearest goal lies ahead."""
        between = self.task.objects.places(factors) - self.control.walker.body.places(factors)
        away = np.where(self.task.goals(factors), np.linalg.norm(between, axis=-1), np.inf)
        x, y = between[np.arange(len(factors)), away.argmin(axis=1)].T
        turns = np.rint((np.arctan2(y, x) - self.control.walker.headings(factors)) / TURN).astype(int)
        return (turns - TURNS[0]) % AROUND + TURNS[0]


def spread(goal: np.ndarray, blocked: np.ndarray) -> np.ndarray:
    """float32 (N, L, L): steps from each point of a lattice to the nearest of `goal`, past those that are `blocked`,
    straight or aslant; inf where there is no way."""
    steps, size = np.where(goal, np.float32(0), np.float32(np.inf)), goal.shape[1]
    while True:
        padded = np.pad(steps, ((0, 0), (1, 1), (1, 1)), constant_values=np.inf)
        ways = [padded[:, 1 + x : 1 + x + size, 1 + y : 1 + y + size] + np.float32(np.hypot(x, y)) for x, y in NEIGHBOURS]
        wider = np.minimum(steps, np.minimum.reduce(ways))
        wider[blocked] = np.inf
        if np.array_equal(wider, steps):
            return steps
        steps = wider


def before(flags: np.ndarray) -> np.ndarray:
    """`flags` (…, R) as they were one place earlier, False at first."""
    return np.concatenate([np.zeros_like(flags[..., :1]), flags[..., :-1]], axis=-1)
