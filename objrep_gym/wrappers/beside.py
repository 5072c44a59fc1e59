"""SlotsBesidePixels and VectorSlotsBesidePixels: slots and the picture that they were made of, side by side.

    env = SB3VecEnv(VectorSlotsBesidePixels(gym.make_vec("ObjRep/Reach-v0", num_envs=16), "colour"))
    PPO("MultiInputPolicy", env, policy_kwargs={"features_extractor_class": DictExtractor})

Each picture is encoded once. An observation that is one picture becomes {"slots": Box(K, D), "pixels": uint8 (H, W, C)}; in
a Dict each picture becomes slots under its own key, with the picture beside them as `KEY_pixels`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from objrep_gym.models.base import SlotModule
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.frames import RENDERED, Converted, Frames, Pictures
from objrep_gym.wrappers.pixels import fit, part
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation


class SlotsBesidePixels(SlotObservation):
    """Pictures of one environment become slots, and stay.

    encoder: as of `SlotObservation`, whose further keywords `encoding` holds, such as {"masks": True}. size (H, W) and
    channels, 1 or 3, are of the picture that stays, as of `PixelObservation`. Raises what both raise.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        encoder: str | SlotModule | Encoder,
        size: Sequence[int] = (64, 64),
        channels: int = 3,
        encoding: Mapping[str, Any] | None = None,
    ):
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=not isinstance(encoder, str),
            encoder=encoder,
            size=size,
            channels=channels,
            encoding=encoding,
        )
        super().__init__(env, encoder, **encoding or {})
        self.picture = part(size, channels)
        self.frames = Beside(env.observation_space, env.render_mode)
        self.observation_space = self.frames.space_of(env.observation_space, self.encoder.space, self.picture)

    def convert(self, pictures: Pictures) -> Converted:
        return beside(super().convert(pictures), pictures, self.picture)


class VectorSlotsBesidePixels(VectorSlotObservation):
    """Pictures of N environments become slots in one forward pass, and stay; keywords as in `SlotsBesidePixels`."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        encoder: str | SlotModule | Encoder,
        size: Sequence[int] = (64, 64),
        channels: int = 3,
        encoding: Mapping[str, Any] | None = None,
    ):
        super().__init__(env, encoder, **encoding or {})
        self.picture = part(size, channels)
        self.frames = Beside(env.single_observation_space, env.render_mode)
        parts = self.encoder.space, self.picture
        self.single_observation_space = self.frames.space_of(env.single_observation_space, *parts)
        batched = [batch_space(each, env.num_envs) for each in parts]
        self.observation_space = self.frames.space_of(env.observation_space, *batched)

    def convert(self, pictures: Pictures) -> Converted:
        return beside(super().convert(pictures), pictures, self.picture)


class Beside(Frames):
    """Pictures in an environment's observations, each replaced by two things: its slots, and itself."""

    @property
    def both(self) -> list[str]:
        """Keys of all slots, then of all pictures."""
        alone = ("", RENDERED)
        slots = [key or RENDERED for key in self.keys]
        return [*slots, *("pixels" if key in alone else f"{key}_pixels" for key in self.keys)]

    def replace(self, observation: Any, converted: Sequence[Any]) -> dict[str, Any]:
        return {**(observation if self.nested else {}), **dict(zip(self.both, converted, strict=True))}

    def space_of(self, space: gym.Space[Any], slots: gym.Space[Any], picture: gym.Space[Any]) -> gym.Space[Any]:
        """`space`, of one environment or of N, where each picture became slots beside a picture."""
        count = len(self.keys)
        return spaces.Dict(self.replace(dict(getattr(space, "spaces", {})), [slots] * count + [picture] * count))


def beside(converted: Converted, pictures: Pictures, picture: spaces.Box) -> Converted:
    """Slots, and the pictures of one size that they were made of."""
    return Converted([*converted.values, *(fit(batch, picture) for batch in pictures)], converted.info)
