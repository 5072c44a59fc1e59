"""Learning as a generator: steps, their updates, a record, and the caller's `for` body writes, draws, saves or breaks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.checkpoint import restore, save
from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.extractors import Scale
from objrep_gym.agents.preset import Preset
from objrep_gym.seeds import first_scene

__all__ = ["Episodes", "Learned", "learn", "resume", "save", "scale", "set_scales"]

NEVER = 10**9  # rollouts between two of stable-baselines3's own dumps, which would empty the logger before it is read


@dataclass(frozen=True)
class Learned:
    """What some steps and their updates came to: one rollout, or as many steps as a preset with a replay buffer reports.
    `returns` and `successes` hold one entry per episode that ended in it."""

    step: int
    """Environment steps so far, summed over environments."""
    steps: int
    """Environment steps in all."""
    returns: np.ndarray
    successes: np.ndarray
    lengths: np.ndarray
    seconds: float
    """Wall time since this process began to learn."""
    rate: float
    """Environment steps per second in these steps, their updates included."""
    losses: dict[str, float] = field(default_factory=dict)
    """What stable-baselines3 wrote down, the last of each name."""

    def record(self) -> dict[str, float]:
        """The figures as one flat dictionary for JSON; a mean of no episode is left out."""
        figures = {"episodes": float(len(self.returns)), "steps_per_second": self.rate, "seconds": self.seconds}
        if len(self.returns):
            figures |= {
                "return": float(self.returns.mean()),
                "success": float(self.successes.mean()),
                "length": float(self.lengths.mean()),
            }
        return figures | self.losses


def learn(model: BaseAlgorithm, preset: Preset, steps: int, seconds: float | None = None) -> Iterator[Learned]:
    """Trains `model` to `steps` environment steps in all (a resumed model does what is left), or for `seconds` if they end
    first, and yields after each update of PPO, and after `report` steps of DQN and SAC. What falls with time, such as the
    learning rate, falls with whichever comes sooner.

    One call of `model.learn` makes one such stretch, and `preset.tune` is asked before it: stable-baselines3's own
    schedules would count the steps of that call alone. The model's logger is replaced.
    """
    began, episodes = perf_counter(), Episodes(model.n_envs)
    model.set_logger(Logger(folder=None, output_formats=[]))
    limit = float("inf") if seconds is None else seconds
    while model.num_timesteps < steps and perf_counter() - began < limit:
        started, before = perf_counter(), model.num_timesteps
        preset.tune(model, max(before / steps, (started - began) / limit))
        model.learn(preset.chunk(model.n_envs), episodes, NEVER, reset_num_timesteps=False)
        losses = {name: float(value) for name, value in model.logger.name_to_value.items()}
        model.logger.dump()  # empties it
        now, finished, done = perf_counter(), episodes.take(), model.num_timesteps
        yield Learned(done, steps, *finished, now - began, (done - before) / (now - started), losses)


class Episodes(BaseCallback):
    """Collects every finished episode; stable-baselines3 itself keeps a mean of the last hundred."""

    def __init__(self, environments: int):
        super().__init__()
        self.gain, self.length = np.zeros(environments), np.zeros(environments, int)
        self.finished: list[tuple[float, bool, int]] = []

    def _on_step(self) -> bool:
        self.gain += self.locals["rewards"]
        self.length += 1
        for i in np.flatnonzero(self.locals["dones"]):
            success = self.locals["infos"][i].get("is_success", self.gain[i] > 0)
            self.finished.append((float(self.gain[i]), bool(success), int(self.length[i])))
            self.gain[i], self.length[i] = 0.0, 0
        return True

    def take(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns float (N,), successes bool (N,) and lengths int (N,) since the last call."""
        finished, self.finished = self.finished, []
        columns = list(zip(*finished, strict=True)) if finished else [(), (), ()]
        return np.array(columns[0], float), np.array(columns[1], bool), np.array(columns[2], int)


def scale(model: BaseAlgorithm, env: VecEnv, steps: int = 64) -> None:
    """Sets the scale of every extractor that has one by what `steps` random actions in each environment show."""
    if not any(isinstance(part, Scale) for part in model.policy.modules()):
        return
    env.action_space.seed(model.seed)
    actions = (np.stack([env.action_space.sample() for _ in range(env.num_envs)]) for _ in range(steps))
    seen: list[Any] = [env.reset(), *(env.step(action)[0] for action in actions)]
    together = isinstance(seen[0], dict)
    set_scales(model, {k: np.concatenate([one[k] for one in seen]) for k in seen[0]} if together else np.concatenate(seen))


def set_scales(model: BaseAlgorithm, seen: np.ndarray | dict[str, np.ndarray]) -> None:
    """Sets every scale in the policy, those of target networks too, by observations that were seen."""
    for part in model.policy.modules():
        if isinstance(part, DictExtractor) and isinstance(seen, dict):
            part.set_scales({key: torch.from_numpy(values).to(model.device) for key, values in seen.items()})
        elif isinstance(part, Scale) and isinstance(seen, np.ndarray):
            part.set_from(torch.from_numpy(seen).to(model.device))


def resume(preset: Preset, env: VecEnv, path: Path, seed: int) -> BaseAlgorithm:
    """A model of `preset` that goes on where `save` left it at `path`, or a new one where there is nothing.

    Weights, optimisers and the step are read from the zip, tensors alone (`weights_only`) and numbers: its pickled part is
    not; and the replay buffer from the file beside it, as arrays. Where that file is missing, the buffer is filled again by
    steps of the policy before anything is learned. Environments that scale slots by statistics get them back. They start
    anew, with a seed of their own, or they would repeat the scenes of the beginning; scenes of another `seed` are never
    met. Raises ValueError on a file that is no
    such zip or of another architecture.
    """
    if not path.exists():
        model = preset.build(env, seed)
        env.seed(first_scene(seed))
        scale(model, env)
        return model
    return restore(preset, env, path, seed)
