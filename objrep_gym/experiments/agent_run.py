"""AgentRun: one agent, complete: what it sees, what learns, how long, and how it is evaluated."""

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import AddRenderObservation

from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.off_policy import ReplayPreset
from objrep_gym.agents.preset import Preset
from objrep_gym.envs.specs import is_ours
from objrep_gym.training import Precision
from objrep_gym.wrappers.frames import Frames
from objrep_gym.wrappers.pixels import VectorPixelObservation
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import VectorSlotObservation

Vector = gym.vector.VectorEnv[Any, Any, Any]
UNENCODED = ("oracle", "pixels")
Wrapping = Literal["locate", "colour", "align", "normalise", "shuffle"]
WRAPPERS: dict[Wrapping, str] = {
    "align": "objrep_gym.wrappers.align:VectorAlignSlots",
    "normalise": "objrep_gym.wrappers.normalise:VectorNormaliseSlots",
    "shuffle": "objrep_gym.wrappers.shuffle:VectorShuffleSlots",
}
IN_ENCODER: dict[Wrapping, dict[str, Any]] = {"locate": {"places": True}, "colour": {"described_by": "colour"}}
"""What the encoder's own wrapper does, by the keywords that ask for it."""


@dataclass(frozen=True)
class AgentRun:
    """One agent, complete: what it sees, what learns, how long, and how it is evaluated."""

    env: str
    """An environment id, such as ObjRep/Reach-v0; of others, any with pictures."""
    encoder: str = "monet-lite@objects-room"
    """A reference of weights, `colour`, `oracle` for true factors, or `pixels`."""
    extractor: Literal["deep-set", "relation", "attention", "flat"] | None = None
    """What pools the slots; the preset's if None. Pixels always go through a convolutional network."""
    preset: Literal["ppo", "ppo-wide", "ppo-thorough", "ppo-ocrl", "ppo-recurrent", "dqn", "sac"] = "ppo"
    """ppo is tuned for 16 environments at once, ppo-wide for 64 and long runs, ppo-thorough for 64 and short ones;
    ppo-ocrl is Yoon et al.'s (2023); ppo-recurrent remembers; dqn learns from a replay buffer, and so does sac, where
    control is continuous."""
    steps: int = 100_000
    """Environment steps, summed over environments."""
    envs: int = 16
    """Environments side by side."""
    episodes: int = 200
    """Episodes of the evaluation."""
    seed: int = 0
    """Of weights, actions and scenes."""
    precision: Precision = "float32"
    """Of the encoder."""
    wrappers: tuple[Wrapping, ...] = ()
    """What is done to slots, in this order: locate puts where each lies beside its latents, colour puts
    the mean colour and the place of its mask in their stead, align keeps it in its place from frame to frame, normalise
    scales their dimensions, shuffle puts them in another order at every step."""
    control: Literal["discrete", "continuous"] = "discrete"
    """Of our environments: steps along an axis, or of any direction and length."""

    @property
    def algorithm(self) -> Preset:
        """The preset with the extractor that this run needs."""
        extractor = "cnn" if self.encoder == "pixels" else self.extractor
        preset = ALGORITHMS[self.preset]
        return preset if extractor is None else preset.with_extractor(extractor)

    @property
    def ours(self) -> bool:
        """Whether the environment is one of this package. Raises gymnasium's errors on an unknown id."""
        return is_ours(self.env)

    def make(self, encoder: str | None = None, masks: bool = False, count: int | None = None) -> SB3VecEnv:
        """Environments as this run sees them, for stable-baselines3; see `vector`."""
        return SB3VecEnv(self.vector(encoder, masks, count))

    def vector(
        self,
        encoder: str | None = None,
        masks: bool = False,
        count: int | None = None,
        mode: AutoresetMode = AutoresetMode.SAME_STEP,
        render: bool = False,
    ) -> Vector:
        """Environments as this run sees them, or through another `encoder`, then without its wrappers; `masks` puts the
        slots' into info, `render` lets them be drawn.

        Ours take the encoder as a keyword; others are made one by one and wrapped. Raises gymnasium's errors on an
        unknown id, ValueError on an environment without pictures, on wrappers that do not fit, and on control of others.
        """
        around = self.around() if encoder in (None, self.encoder) else ()
        encoder, count = encoder or self.encoder, count or self.envs
        options = self.options(encoder, masks)
        if not self.ours:
            made = self.others(encoder, count, mode)
            made = VectorPixelObservation(made) if encoder == "pixels" else VectorSlotObservation(made, encoder, **options)
        else:
            drawn = {"render_mode": "rgb_array"} if render or masks else {}
            made = self.plain(count, encoder=encoder, encoding=options or None, autoreset_mode=mode, **drawn)
        return self.wrapped(made) if around else made

    def plain(self, count: int | None = None, **keywords: Any) -> Vector:
        """Environments of ours under this run's control, and by further keywords; without an encoder they show pictures."""
        control: dict[str, Any] = {"control": self.control} if self.control != "discrete" else {}
        return gym.make_vec(self.env, num_envs=count or self.envs, **keywords, **control)

    def wrapped(self, env: Vector) -> Vector:
        """`env`, which shows slots, inside this run's wrappers, but for those that the encoder's own one does."""
        for name in self.wrappers:
            env = env if name in IN_ENCODER else wrapping(name)(env)
        return env

    @property
    def inside(self) -> dict[str, Any]:
        """Keywords of the encoder's own wrapper, by which it does what `wrappers` ask of it."""
        return {key: value for name in self.wrappers for key, value in IN_ENCODER.get(name, {}).items()}

    def around(self) -> tuple[Wrapping, ...]:
        """The wrappers. Raises ValueError on any around pixels, and on `normalise` before a replay buffer."""
        if self.wrappers and self.encoder == "pixels":
            names = ", ".join(self.wrappers)
            raise ValueError(f"wrappers {names} take slots, and the encoder is pixels: choose another, or none")
        if "normalise" in self.wrappers and isinstance(self.algorithm, ReplayPreset):
            raise ValueError(
                f"normalise has a scale that moves, and preset {self.preset} keeps slots in a replay buffer: old and new "
                "ones of a batch would be on different scales. Leave it out, the extractor has a scale of its own, or "
                "choose a preset of PPO"
            )
        return self.wrappers

    def options(self, encoder: str, masks: bool) -> dict[str, Any]:
        """Further keywords of the encoder's wrapper."""
        if encoder in UNENCODED:
            return {}
        asked = masks or ("align" in self.wrappers and has_masks(encoder))
        return {"precision": self.precision, **self.inside, **({"masks": True} if asked else {})}

    def others(self, encoder: str, count: int, mode: AutoresetMode) -> Vector:
        """Environments that are not ours; what one renders becomes its observation where that holds no picture."""
        if encoder == "oracle":
            raise ValueError(f"{self.env} does not tell its true factors: choose another encoder, such as colour")
        if self.control != "discrete":
            raise ValueError(f"{self.env} has a control of its own: leave control={self.control!r} out")
        env = gym.make(self.env, render_mode="rgb_array")
        draws = Frames(env.observation_space, env.render_mode).rendered
        env.close()
        wrappers = [AddRenderObservation] if draws else []
        how = {"autoreset_mode": mode}
        return gym.make_vec(self.env, count, "sync", vector_kwargs=how, render_mode="rgb_array", wrappers=wrappers)


def wrapping(name: Wrapping) -> Any:
    """The class that one of `AgentRun.wrappers` names."""
    return load_env_creator(WRAPPERS[name])


def has_masks(encoder: str) -> bool:
    """Whether an encoder says where its slots lie."""
    if encoder in UNENCODED:
        return False
    from objrep_gym import weights

    return weights.load(encoder).has_masks
