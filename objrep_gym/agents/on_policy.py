"""Presets of algorithms that learn from what the present policy does: PPO, and PPO that remembers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.preset import Preset
from objrep_gym.journal import NotInstalled


@dataclass(frozen=True)
class PPOConfig(Preset):
    """Proximal policy optimisation (Schulman et al. 2017) on slots. The defaults are the fast preset: tuned for 16
    environments in one process, where a wide rollout and few passes over large mini-batches cost least."""

    title: ClassVar[str] = "PPO"
    actions: ClassVar[tuple[type[spaces.Space[Any]], ...]] = (
        spaces.Discrete,
        spaces.Box,
        spaces.MultiDiscrete,
        spaces.MultiBinary,
    )

    rollout: int = 1024
    """Steps between two updates, summed over environments."""
    batch: int = 256
    """Steps in a mini-batch."""
    epochs: int = 5
    """Passes over each rollout."""
    gae_lambda: float = 0.95
    """Weight of longer advantages (Schulman et al. 2016)."""
    clip: float = 0.2
    """How far the new policy's ratio may move."""
    entropy: float = 0.005
    """Weight of the entropy bonus, per nat."""
    value: float = 0.5
    """Weight of the value loss."""
    grad_norm: float = 0.5
    """Largest norm of a gradient."""

    def build(self, env: VecEnv, seed: int) -> OnPolicyAlgorithm:
        """As `Preset.build`; raises ValueError too on a rollout that the environments or the mini-batch do not divide."""
        self.check(env)
        # Heads of one layer: pooling and ρ have already mixed the slots, and a second hidden layer only cost time.
        kind, keywords = self.policy(env, [] if self.pixels else [self.width // 2])
        return PPO(kind, env, policy_kwargs=keywords, seed=seed, **self.numbers(env))

    def check(self, env: VecEnv) -> None:
        """Raises ValueError on actions or on numbers that do not fit `env`."""
        self.check_actions(env.action_space)
        if self.rollout % env.num_envs or self.rollout % self.batch:
            raise ValueError(
                f"rollout {self.rollout} must be a multiple of {env.num_envs} environments and batch {self.batch}"
            )

    def numbers(self, env: VecEnv) -> dict[str, Any]:
        """Keywords of stable-baselines3's PPO, and of sb3-contrib's."""
        return {
            "n_steps": self.rollout // env.num_envs,
            "batch_size": self.batch,
            "n_epochs": self.epochs,
            "learning_rate": self.lr,
            "gamma": self.gamma,
            "gae_lambda": self.gae_lambda,
            "clip_range": self.clip,
            "ent_coef": self.entropy,
            "vf_coef": self.value,
            "max_grad_norm": self.grad_norm,
            "device": self.device,
        }

    def chunk(self, environments: int) -> int:
        """One rollout: a record follows each update."""
        return self.rollout


@dataclass(frozen=True)
class RecurrentPPOConfig(PPOConfig):
    """PPO whose policy remembers (Ni et al. 2022): an LSTM of sb3-contrib between the extractor and the heads, one for
    actions and one for values.

    For what one picture does not tell, as in first person; where it tells all, it only costs time: sequences are padded,
    and a mini-batch is run through step by step. Needs the extra `[recurrent]`.
    """

    title: ClassVar[str] = "Recurrent PPO"

    memory: int = 128
    """Units of each LSTM."""

    def build(self, env: VecEnv, seed: int) -> OnPolicyAlgorithm:
        """As `PPOConfig.build`; raises NotInstalled too where sb3-contrib is missing."""
        try:
            from sb3_contrib import RecurrentPPO  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise NotInstalled(
                "recurrent PPO needs sb3-contrib: pip install 'objrep-gym[recurrent]'; every other preset does without",
                name="sb3_contrib",
            ) from error
        self.check(env)
        kind, keywords = self.policy(env, [] if self.pixels else [self.width // 2], "LstmPolicy")
        keywords["lstm_hidden_size"] = self.memory
        return RecurrentPPO(kind, env, policy_kwargs=keywords, seed=seed, **self.numbers(env))
