"""Learning as a generator: a rollout, an update, a record, and the caller's `for` body writes, draws, saves or breaks."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.extractors import Scale
from objrep_gym.data import whole

NEVER = 10**9  # rollouts between two of stable-baselines3's own dumps, which would empty the logger before it is read


@dataclass(frozen=True)
class Learned:
    """What one rollout and its update came to. `returns` and `successes` hold one entry per episode that ended in it."""

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
    """Environment steps per second in this rollout, its update included."""
    losses: dict[str, float] = field(default_factory=dict)

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


def learn(model: PPO, preset: PPOConfig, steps: int, seconds: float | None = None) -> Iterator[Learned]:
    """Trains `model` to `steps` environment steps in all (a resumed model does what is left), or for `seconds` if they end
    first, and yields after each update. The learning rate falls with whichever comes sooner.

    One call of `model.learn` makes one rollout; the learning rate is set before it, because stable-baselines3's own
    schedule would count the steps of that call alone.
    """
    began, episodes = perf_counter(), Episodes(model.n_envs)
    model.set_logger(Logger(folder=None, output_formats=[]))
    limit = float("inf") if seconds is None else seconds
    while model.num_timesteps < steps and perf_counter() - began < limit:
        started = perf_counter()
        model.lr_schedule = FloatSchedule(preset.lr_at(max(model.num_timesteps / steps, (started - began) / limit)))
        model.learn(preset.rollout, callback=episodes, log_interval=NEVER, reset_num_timesteps=False)
        losses = {name: float(value) for name, value in model.logger.name_to_value.items()}
        model.logger.dump()  # empties it
        now, finished = perf_counter(), episodes.take()
        yield Learned(model.num_timesteps, steps, *finished, now - began, preset.rollout / (now - started), losses)


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


def save(model: PPO, path: Path) -> None:
    """Writes stable-baselines3's zip whole or not at all: a kill leaves the old one."""

    def write(beside: Path) -> None:
        with beside.open("wb") as file:  # given a path, stable-baselines3 would append .zip to the temporary name
            model.save(file)

    whole.write(path, write)


def scale(model: PPO, env: VecEnv, steps: int = 64) -> None:
    """Sets the scale of an extractor that has one by what `steps` random actions in each environment show."""
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


def resume(preset: PPOConfig, env: VecEnv, path: Path, seed: int) -> PPO:
    """A model of `preset` that goes on where the zip at `path` stopped, or a new one where there is none.

    Only tensors and the step count are read (`weights_only`, JSON): the zip's pickled part is not. The environments
    start anew, with a seed of their own, or they would repeat the scenes of the beginning. Raises ValueError on a file
    that is no such zip or of another architecture.
    """
    if not path.exists():
        model = preset.build(env, seed)
        scale(model, env)
        return model
    try:
        done = json.loads(zipfile.ZipFile(path).read("data"))["num_timesteps"]
        model = preset.build(env, seed + done)
        model.set_parameters(str(path), device=model.device)
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of this agent ({error}): choose another --out, or delete it"
        ) from error
    model.num_timesteps = done
    return model
