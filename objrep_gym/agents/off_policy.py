"""Presets of algorithms that learn from what was done before and is kept in a replay buffer: DQN and SAC."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gymnasium import spaces
from stable_baselines3 import DQN, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.preset import Preset, along
from objrep_gym.agents.replay import keywords_of


@dataclass(frozen=True)
class ReplayPreset(Preset):
    """Base of presets with a replay buffer.

    In memory and on disk it takes two observations a step: 50,000 steps of 9 slots of 16 numbers are 58 MB, and of pictures
    of 64 × 64 pixels 1.2 GB.
    """

    lr: float = 5e-4
    lr_end: float = 0.2
    gamma: float = 0.95
    replay: int = 50_000
    """Steps that are kept, summed over environments; the oldest go first."""
    warmup: int = 1000
    """Steps of random actions before the first update."""
    batch: int = 256
    """Steps in a mini-batch."""
    updates: int = 1
    """Mini-batches for each step of all environments together."""
    lookahead: int = 3
    """Rewards that are summed before a value is asked for (n-step returns, Sutton 1988); 1 where observations are a Dict,
    for which stable-baselines3 has no such buffer."""
    report: int = 1024
    """Steps between two records, summed over environments."""

    def chunk(self, environments: int) -> int:
        """`report`, rounded up to whole steps of all environments."""
        return -(-self.report // environments) * environments

    def tune(self, model: BaseAlgorithm, done: float) -> None:
        """Learns nothing while the buffer holds fewer steps than `warmup`, which after a loss of the buffer are steps of
        the policy, not random ones."""
        super().tune(model, done)
        assert isinstance(model, OffPolicyAlgorithm)
        assert model.replay_buffer is not None
        held, most = (rows * model.n_envs for rows in (model.replay_buffer.size(), model.replay_buffer.buffer_size))
        refilling = model.num_timesteps > self.warmup and held < min(self.warmup, most)
        model.gradient_steps = 0 if refilling else self.updates

    def numbers(self, env: VecEnv) -> dict[str, Any]:
        """Keywords of stable-baselines3's algorithms with a replay buffer. Raises ValueError on a buffer that is smaller
        than a mini-batch or than one step of all environments."""
        if self.replay < max(self.batch, env.num_envs):
            raise ValueError(
                f"replay {self.replay} must hold a batch of {self.batch} and a step of {env.num_envs} environments"
            )
        frames = keywords_of(env, self.lookahead, self.gamma)
        alone = bool(frames) or isinstance(env.observation_space, spaces.Dict)
        return {
            **frames,
            "buffer_size": self.replay,
            "learning_starts": self.warmup,
            "batch_size": self.batch,
            "train_freq": 1,
            "gradient_steps": self.updates,
            "n_steps": 1 if alone else self.lookahead,
            "learning_rate": self.lr,
            "gamma": self.gamma,
            "device": self.device,
        }


@dataclass(frozen=True)
class DQNConfig(ReplayPreset):
    """Deep Q-learning (Mnih et al. 2015) on slots, for actions that can be counted.

    Differs from the paper: several environments at once, all of which explore or none in one step (stable-baselines3 draws
    once for all), and returns over `lookahead` steps, as in Hessel et al. (2018).
    """

    title: ClassVar[str] = "DQN"
    actions: ClassVar[tuple[type[spaces.Space[Any]], ...]] = (spaces.Discrete,)

    lr: float = 1e-3
    target: int = 500
    """Steps between two copies of the network into its target, summed over environments."""
    explore: float = 0.2
    """Fraction of all steps in which random actions grow rarer."""
    epsilon: float = 1.0
    """Rate of random actions at the start."""
    epsilon_end: float = 0.05
    """Rate of random actions after that, and when it is evaluated: the best action alone can walk to and fro for ever."""
    grad_norm: float = 10.0
    """Largest norm of a gradient."""

    def build(self, env: VecEnv, seed: int) -> DQN:
        """As `Preset.build`; raises ValueError too on a replay buffer that is too small."""
        self.check_actions(env.action_space)
        kind, keywords = self.policy(env, [] if self.pixels else [self.width // 2])
        return DQN(
            kind,
            env,
            policy_kwargs=keywords,
            target_update_interval=max(self.target, env.num_envs),
            max_grad_norm=self.grad_norm,
            seed=seed,
            **self.numbers(env),
        )

    def tune(self, model: BaseAlgorithm, done: float) -> None:
        super().tune(model, done)
        assert isinstance(model, DQN)
        model.exploration_rate = self.epsilon_at(done)
        model.exploration_schedule = FloatSchedule(model.exploration_rate)

    def epsilon_at(self, done: float) -> float:
        """The rate of random actions when the fraction `done` of all steps is done."""
        return along(self.epsilon, self.epsilon_end, done / self.explore if self.explore else 1.0)


@dataclass(frozen=True)
class SACConfig(ReplayPreset):
    """Soft actor-critic (Haarnoja et al. 2018) on slots, for actions that are numbers, such as those of
    control="continuous". Temperature is learned, towards an entropy of minus the number of action dimensions."""

    title: ClassVar[str] = "SAC"
    actions: ClassVar[tuple[type[spaces.Space[Any]], ...]] = (spaces.Box,)

    tau: float = 0.01
    """How far the target critics move to the critics with each update."""
    temperature: float = 0.1
    """Weight of entropy at the start."""

    def build(self, env: VecEnv, seed: int) -> SAC:
        """As `Preset.build`; raises ValueError too on a replay buffer that is too small."""
        self.check_actions(env.action_space)
        # A critic without a hidden layer would add what a state and an action are worth, and all states want one action.
        kind, keywords = self.policy(env, [self.width])
        return SAC(
            kind,
            env,
            policy_kwargs=keywords,
            tau=self.tau,
            ent_coef=f"auto_{self.temperature}",
            seed=seed,
            **self.numbers(env),
        )
