"""Algorithms of stable-baselines3 as presets: frozen numbers, and the one call that builds an algorithm from them."""

from dataclasses import dataclass, replace

from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.scenes.world import check_name


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (Schulman et al. 2017) on slots. The defaults are the fast preset: tuned for 16
    environments in one process, where a wide rollout and few passes over large mini-batches cost least."""

    extractor: str = "deep-set"
    """What pools the slots: a name in `EXTRACTORS`."""
    rollout: int = 1024
    """Steps between two updates, summed over environments."""
    batch: int = 256
    """Steps in a mini-batch."""
    epochs: int = 5
    """Passes over each rollout."""
    lr: float = 1e-3
    """Adam's learning rate at the start."""
    lr_end: float = 0.2
    """Fraction of `lr` at the end; linear between."""
    gamma: float = 0.93
    """Discount per step."""
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
    width: int = 128
    """Units of every hidden layer of the extractor."""

    def build(self, env: VecEnv, seed: int) -> PPO:
        """PPO on `env`, on the CPU for slots and where torch finds a GPU for pixels. Raises ValueError on an unknown
        extractor, or a rollout that the environments or the mini-batch do not divide."""
        check_name("extractor", self.extractor, EXTRACTORS)
        if self.rollout % env.num_envs or self.rollout % self.batch:
            raise ValueError(
                f"rollout {self.rollout} must be a multiple of {env.num_envs} environments and batch {self.batch}"
            )
        pixels = self.extractor == "cnn"
        extractor = {"features_dim": 512} if pixels else {"features_dim": self.width, "width": self.width}
        # Heads of one layer: pooling and ρ have already mixed the slots, and a second hidden layer only cost time.
        policy = {
            "features_extractor_class": EXTRACTORS[self.extractor],
            "features_extractor_kwargs": extractor,
            "net_arch": [] if pixels else [self.width // 2],
        }
        kind = "CnnPolicy" if pixels else "MlpPolicy"
        if isinstance(env.observation_space, spaces.Dict):
            kind, policy["features_extractor_class"] = "MultiInputPolicy", DictExtractor
            policy["features_extractor_kwargs"] = {"part": self.extractor, **({} if pixels else extractor)}
        return PPO(
            kind,
            env,
            n_steps=self.rollout // env.num_envs,
            batch_size=self.batch,
            n_epochs=self.epochs,
            learning_rate=self.lr,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip,
            ent_coef=self.entropy,
            vf_coef=self.value,
            max_grad_norm=self.grad_norm,
            policy_kwargs=policy,
            device="auto" if pixels else "cpu",  # perceptrons this small lose more to launches than a GPU gives
            seed=seed,
        )

    def lr_at(self, done: float) -> float:
        """The learning rate when the fraction `done` of all steps is done."""
        return self.lr * (1 + (self.lr_end - 1) * min(max(done, 0.0), 1.0))

    def with_extractor(self, extractor: str) -> "PPOConfig":
        """The same numbers on another extractor."""
        return replace(self, extractor=extractor)


ALGORITHMS: dict[str, PPOConfig] = {
    "ppo": PPOConfig(),
    # For 64 environments and a million steps: rollouts four times as wide, whose gradients are less noisy, and a learning
    # rate that falls further. At 100,000 steps it learns no more than "ppo", and later it goes on.
    "ppo-wide": PPOConfig(extractor="relation", rollout=4096, batch=512, epochs=6, lr_end=0.05, gamma=0.95, entropy=0.004),
    # Yoon et al. 2023 (OCRL), appendix: 2048 steps over 4 environments, mini-batches of 32, no schedule. Their "2048 over
    # 4" is 512 steps of each; discount, clip and entropy as there. 16 times more updates per step than "ppo".
    "ppo-ocrl": PPOConfig(rollout=2048, batch=32, epochs=10, lr=3e-4, lr_end=1.0, gamma=0.99, entropy=0.01),
}
