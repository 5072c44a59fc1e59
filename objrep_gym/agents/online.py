"""OnlineEncoder: an encoder that learns from the agent's own frames while the agent learns on its slots.

    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=16), OnlineConfig("monet-lite"))
    model = preset.build(SB3VecEnv(online.env), seed=0)
    online.step(model)  # the encoder learns first, from the random steps that set the policy's scales
    for now in learn(model, preset, 200_000):
        taught = online.step(model)

It never changes under an agent's hands: what learns is a copy, whose weights become a numbered version of the encoder
between two rollouts, and then everything that was made by the old one is made anew: the last observation, the scales of the
policy's extractor, and, where DQN and SAC sample, the slots of old frames. No batch mixes versions.
"""

import copy
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.base_class import BaseAlgorithm

from objrep_gym import weights
from objrep_gym.agents.acting import adapter, check, last_observation
from objrep_gym.agents.beholder import OnlineSlots
from objrep_gym.agents.dict_extractor import is_slots
from objrep_gym.agents.learn import set_scales
from objrep_gym.agents.replay import keywords_of
from objrep_gym.agents.reservoir import Reservoir, ReservoirBatches
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.models import MODELS
from objrep_gym.models.base import Config, SlotModule
from objrep_gym.training import Precision, Progress, Stage, fit
from objrep_gym.wrappers.encoder import encoder_of
from objrep_gym.wrappers.sb3 import SB3VecEnv

STATE = "state.pt"
ANYWHERE = ("device",)  # fields that may change between two calls: what is learned does not depend on them


SETTLES = Stage(2500, lr=1e-3, schedule="cosine", warmup=100)


@dataclass(frozen=True)
class OnlineConfig:
    """How an encoder learns beside an agent. The defaults are for one that begins from nothing: it learns first, and
    settles, as a policy that has learned on slots which will not stay is led astray. A CPU can pay them: a step of
    `monet-lite` on 16 frames takes some 0.1 s on two cores, 2,500 of them four minutes."""

    start: str | Config = "monet-lite"
    """A preset of `MODELS`, or a config of its kind, whose weights `seed` draws; or a reference of trained weights, such as
    monet-lite@objects-room."""
    stage: Stage = SETTLES
    """Of the training; when its steps are done the encoder stays as it is."""
    clock: int = 0
    """Step at which the stage begins. Trained weights may begin beyond what losses do at first, such as the 1000 steps in
    which monet-lite's attention waits for its decoder."""
    batch: int = 16
    """Frames per training step."""
    ratio: float = 1 / 64
    """Training steps per environment step, summed over environments."""
    begins: int = 0
    """Environment steps before the first training step."""
    first: int = 1500
    """Training steps at once when it begins, beside those of `ratio`. An encoder that begins from nothing changes most in
    these, and what a policy learned on its slots would have to be learned anew."""
    publish: int = 128
    """Training steps between two versions. Each makes the policy look at its world anew, by new slots."""
    frames: int = 64 * 2**20
    """Bytes of frames to learn from: 5461 of 64×64 pixels in 64 MiB."""
    recent: float = 0.25
    """Share of those bytes, and of every batch, for the latest frames; the others are a uniform sample of all."""
    scaled: int = 256
    """Frames by which the scales of the policy's extractor are set for each version."""
    precision: Precision = "float32"
    """In which it trains and encodes."""
    device: str = "cpu"
    """Where it trains and encodes; the agent's device is its own."""
    seed: int = 0
    """Of its weights and of the frames that are kept and drawn."""

    @classmethod
    def warm(cls, start: str, **changes: Any) -> "OnlineConfig":
        """For trained weights: they go on at a fifth of the rate, after a thousand steps of the environment, and beyond the
        steps in which monet-lite's attention waits for its decoder."""
        gentle: dict[str, Any] = {"stage": replace(SETTLES, lr=2e-4), "clock": 1000, "begins": 1024, "first": 0}
        return cls(start, **gentle | changes)

    def check(self) -> None:
        """Raises ValueError on numbers that make no schedule."""
        fewest = min(self.batch, self.publish, self.scaled)
        if fewest < 1 or min(self.ratio, self.first) < 0 or not 0 <= self.clock < self.stage.steps:
            raise ValueError(
                f"batch {self.batch}, publish {self.publish} and scaled {self.scaled} must be at least 1, ratio "
                f"{self.ratio} and first {self.first} at least 0, and clock {self.clock} in [0, {self.stage.steps}), the "
                "steps of the stage"
            )


@dataclass(frozen=True)
class Taught:
    """What one call of `step` came to."""

    version: int
    """Of the encoder by which the agent sees from now on."""
    published: bool
    """Whether that version is new."""
    trained: int
    """Training steps so far."""
    frames: int
    """Frames seen so far."""
    seconds: float
    """Wall time of this call."""
    losses: dict[str, float] = field(default_factory=dict)
    """Means over this call's training steps, nats per image; empty where there was none."""

    def record(self) -> dict[str, float]:
        """The figures as one flat dictionary for a journal, beside those of the agent."""
        counts = {"version": self.version, "steps": self.trained, "frames": self.frames, "seconds": self.seconds}
        return {f"encoder/{name}": float(value) for name, value in (counts | self.losses).items()}


class OnlineEncoder:
    """An encoder in training and the vector environment that is seen through it, `env`: wrap that, and no other, for the
    agent. `encoder` is what is published; further wrappers, such as an evaluation's, may share it.

    env: with pictures in its observations. encoding: `places` and `described_by`, as in `SlotObservation`. Raises what
    `Encoder`, `Frames` and `Reservoir` raise, and ValueError on a config that makes no schedule, a model without
    parameters, or one that learns from more than images.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], config: OnlineConfig = OnlineConfig(), **encoding: Any):
        config.check()
        self.config = config
        self.learner = begun(config.start, config.seed).to(config.device)
        trained = isinstance(config.start, str) and config.start not in MODELS
        self.encoder = encoder_of(
            config.start if trained else copy.deepcopy(self.learner),  # type: ignore[arg-type]
            precision=config.precision,
            device=config.device,
            **encoding,
        )
        channels, height, width = self.learner.size
        self.reservoir = Reservoir((height, width, channels), config.frames, config.recent, config.seed)
        self.env = OnlineSlots(env, self.encoder, self.reservoir)
        # Trained weights have no optimiser: `fit` then begins gently.
        self.started: dict[str, Any] | None = {"step": config.clock} if trained or config.clock else None
        self.loop: Iterator[Progress] | None = None
        self.failed: Exception | None = None  # what ended the loop, which then has no further step to give
        self.now: Progress | None = None
        self.published = 0
        self.tuned: tuple[Any, int] | None = None  # for which model (weakly), and which version

    @property
    def trained(self) -> int:
        """Training steps so far."""
        step = self.now.step if self.now else (self.started or {"step": self.config.clock})["step"]
        return int(step) - self.config.clock

    def replay(self, n_steps: int = 1, gamma: float = 0.99) -> dict[str, Any]:
        """The two keywords by which DQN and SAC keep frames: `DQN("MlpPolicy", env, **online.replay())`. n_steps, gamma: of
        returns over several steps, as in `NStepReplayBuffer`. Raises ValueError where an observation is not one picture."""
        if self.env.latest is None:
            space = self.env.env.single_observation_space
            raise ValueError(f"{space} is not one picture: on such observations an encoder can be learned with PPO only")
        return keywords_of(SB3VecEnv(self.env), n_steps, gamma)

    def step(self, model: BaseAlgorithm) -> Taught:
        """Trains what the agent's steps are worth by now and publishes a version if one is due; call it between rollouts.

        What is owed depends on `model.num_timesteps` alone, so that a run that goes on owes the same. Raises ValueError
        where the model acts in another environment, sees other numbers or keeps old slots, RuntimeError in the midst of a
        rollout, and what `fit` raises.
        """
        check(model, self.env)
        began, config = perf_counter(), self.config
        losses = self.train(self.owed(model.num_timesteps) - self.trained)
        fresh, ended = self.trained - self.published, self.trained == config.stage.steps - config.clock
        published = fresh >= config.publish or (ended and fresh > 0)
        if published:
            self.encoder.publish(self.learner.state_dict())
            self.published = self.trained
        if self.tuned is None or self.tuned[0]() is not model or self.tuned[1] != self.encoder.version:
            self.tune(model)
        seconds = perf_counter() - began
        return Taught(self.encoder.version, published, self.trained, self.reservoir.seen, seconds, losses)

    def owed(self, steps: int) -> int:
        """Training steps that so many environment steps are worth."""
        past, config = steps - self.config.begins, self.config
        if past < 0:
            return 0
        return config.first + int(past * config.ratio + 1e-9)  # 63 / 9 is 7, and not a little less

    def train(self, steps: int) -> dict[str, float]:
        """So many steps of `fit` on frames of the reservoir, fewer where the stage ends; mean losses. After an error, such
        as a loss that is not finite, there are no more, and it is raised again."""
        if self.failed is not None:
            raise self.failed
        if steps < 1 or not self.reservoir.seen:
            return {}
        if self.loop is None:
            config, frames = self.config, ReservoirBatches(self.reservoir, self.config.batch, self.learner.device)
            how: Any = {"precision": config.precision, "every": {"report": 1}}  # how many are owed is not known before
            self.loop = iter(fit(self.learner, frames, config.stage, start=self.started, **how))
        seen: list[dict[str, float]] = []
        try:
            for now in islice(self.loop, steps):
                self.now = now
                seen.append(now.losses)
        except Exception as error:
            self.failed = error
            raise
        return {name: float(np.mean([losses[name] for losses in seen])) for name in seen[0]} if seen else {}

    def tune(self, model: BaseAlgorithm) -> None:
        """Makes anew what the model holds of another version: the scales of its extractor, by frames of the reservoir, its
        last observation, and what it remembers. `step` does so by itself; call it after a model and an encoder were
        loaded."""
        check(model, self.env)
        if not self.reservoir.seen:
            return
        (slots,), _ = self.encoder([self.reservoir.draw(self.config.scaled, recent=0.0)])
        set_scales(model, shown(model.observation_space, slots))
        if model._last_obs is not None:
            last_observation(model, adapter(model).again())
        self.tuned = weakref.ref(model), self.encoder.version

    def save(self, folder: Path | str, frames: bool = True) -> None:
        """Writes what `resume` reads, state.pt, whole or not at all, and the published version as a run directory, whose
        path is a reference of `weights.load`. frames: the reservoir too; without it, a run that goes on fills it anew."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "config": to_json(self.config),
            "version": self.encoder.version,
            "published": self.published,
            "encoder": self.encoder.load().state_dict(),
            "learner": self.learner.state_dict(),
            "loop": self.now.state() if self.now else self.started,
            "reservoir": self.reservoir.state() if frames else None,
        }
        whole.write(folder / STATE, lambda path: torch.save(state, path))
        weights.save(folder, self.encoder.load(), version=self.encoder.version, step=self.trained)

    def resume(self, folder: Path | str) -> bool:
        """Goes on where `save` left off, before the first step; False where `folder` has no state. Raises ValueError on a
        damaged file, or one of another config."""
        path = Path(folder) / STATE
        if not path.exists():
            return False
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            found = dict(state["config"])
        except Exception as error:
            raise ValueError(
                f"{path} is damaged and the encoder cannot go on from it: {error}. Delete it to start over"
            ) from error
        for name, value in to_json(self.config).items():
            if name not in ANYWHERE and found.get(name) != value:
                raise ValueError(f"{path} is of another encoder: {name} was {found.get(name)!r}, now {value!r}")
        self.learner.load_state_dict(state["learner"])
        self.encoder.publish(state["encoder"], version=state["version"])
        if state["reservoir"] is not None:
            self.reservoir.restore(state["reservoir"])
        self.started, self.published = state["loop"], state["published"]
        self.loop = self.now = self.tuned = self.failed = None
        return True


def shown(space: spaces.Space[Any], slots: np.ndarray) -> Any:
    """Slots as an observation of `space` has them, what else is in a Dict as zeros."""
    parts: dict[str, Any] = dict(getattr(space, "spaces", {}))
    zeros = {key: np.zeros((len(slots), *part.shape), part.dtype) for key, part in parts.items() if not is_slots(part)}
    return {key: zeros.get(key, slots) for key in parts} or slots


def begun(start: str | Config, seed: int) -> SlotModule:
    """The model that training begins with. Raises WeightsError on a reference that leads nowhere, ValueError on a model
    that cannot learn from an agent's frames."""
    if isinstance(start, str) and start not in MODELS:
        model = weights.load(start)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = (MODELS[start] if isinstance(start, str) else start).build()
    name = start if isinstance(start, str) else type(start).__name__
    if not any(True for _ in model.parameters()):
        raise ValueError(f"{name!r} has no parameters to learn: use it as the environment's encoder, encoder={name!r}")
    if set(model.reads) != {"image"}:
        raise ValueError(f"{name!r} learns from {', '.join(model.reads)}, and an agent's frames are images alone")
    return model
