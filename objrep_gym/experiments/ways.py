"""What keeps an agent from its goal: how often it comes there where its way is free, and where something stands in it."""

import json
from functools import partial
from pathlib import Path

import numpy as np

from objrep_gym.agents.evaluate import evaluate
from objrep_gym.agents.learn import resume
from objrep_gym.data import whole
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Touch
from objrep_gym.experiments.agent import AGENT, AgentRun
from objrep_gym.experiments.agent_exam import EXAM, acting, exam_scene

FOUND = "ways.json"
EPISODES = 640
FREE, BLOCKED = "free", "blocked"


def on_ways(run: AgentRun, folder: Path) -> dict[str, list[int]]:
    """Successes and episodes of the agent in `folder`, by whether its way was `FREE` or `BLOCKED` when an episode began.
    Examined once, and found in ways.json later; of an environment in which nothing is to be touched none."""
    path = folder / FOUND
    if path.exists():
        found: dict[str, list[int]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    found = examined(run, folder)
    whole.write(path, json.dumps(found) + "\n")
    return found


def examined(run: AgentRun, folder: Path) -> dict[str, list[int]]:
    """The same, played now, on `EPISODES` scenes that were not learned on, or on ten times those of a small evaluation."""
    env = run.make()
    try:
        bare = env.env.unwrapped
        game: Game | None = getattr(bare, "game", None)
        if game is None or not isinstance(game.task, Touch):
            return {}
        model = resume(run.algorithm, env, folder / AGENT, run.seed)
        scene = partial(way, game.task, bare)
        episodes = min(EPISODES, 10 * run.episodes)
        played = evaluate(acting(run, model, run.seed + EXAM), env, episodes, exam_scene(run), scene=scene)
    finally:
        env.close()
    assert played.starts is not None
    ways = {FREE: played.starts >= 0, BLOCKED: played.starts < 0}
    return {name: [int(played.successes[those].sum()), int(those.sum())] for name, those in ways.items()}


def way(task: Touch, bare: object) -> np.ndarray:
    """`clearance` of the scenes that an environment shows now."""
    return clearance(task, bare.factors)  # type: ignore[attr-defined]


def clearance(task: Touch, factors: np.ndarray) -> np.ndarray:
    """float (N,) metres that the straight way to the nearest goal leaves between the hand's circle and those of all other
    objects; below 0 it leads through one, and without another object it is infinite."""
    places, radii, goals = task.all.places(factors), task.all.radii(factors), task.goals(factors)
    objects, hand = places[:, :-1], places[:, -1:]
    nearest = np.where(goals, task.gaps(factors), np.inf).argmin(axis=1)
    whole_way = objects[np.arange(len(factors)), nearest][:, None] - hand
    along = ((objects - hand) * whole_way).sum(axis=2) / np.square(whole_way).sum(axis=2)
    closest = hand + along.clip(0, 1)[..., None] * whole_way
    free = np.linalg.norm(objects - closest, axis=2) - radii[:, :-1] - radii[:, -1:]
    return np.where(goals | np.isnan(free), np.inf, free).min(axis=1)
