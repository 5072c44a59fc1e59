"""SlotObservation and VectorSlotObservation: a frozen encoder turns the pictures of any environment into slots (K, D).

    env = gym.make_vec("ObjRep/Reach-v0", num_envs=16, encoder="monet-lite@objects-room")     # ours
    env = VectorSlotObservation(gym.make_vec("CarRacing-v3", num_envs=16), "colour")            # anything with pictures

The vector form encodes all environments, every picture key of a Dict and the last observations of SAME_STEP in one forward
pass. Observations are Box(K, D) float32, clipped to ±10; which pictures are found, and what becomes of the rest, stands in
`frames.py`. torch's threads are left as they are.
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from objrep_gym.models.base import SlotModule
from objrep_gym.wrappers.encoder import Encoder, encoder_of
from objrep_gym.wrappers.frames import Converted, Pictures, PictureWrapper, VectorPictureWrapper

MASKS = "slots_mask"


class SlotObservation(PictureWrapper, RecordConstructorArgs):
    """Pictures of one environment become slots.

    encoder: a reference of `weights.load` (a string, so that the environment's spec stays JSON), a model for a quick trial,
    or an `Encoder` that several wrappers share, and then nothing further. Else the keywords of `Encoder`: slots, the K that
    the caller counts on; masks, to put `info["slots_mask"]`, float32 (K, H, W) of the encoder's size, beside slots;
    precision, "float32" or "bf16"; device, the encoder's; places, to have slots (K, D + 5), as `models.places.PLACES` stand
    after their latents; described_by, another model that says what lies under each mask, such as "colour". Raises what
    `Encoder` and `Frames` raise.
    """

    def __init__(self, env: gym.Env[Any, Any], encoder: str | Path | SlotModule | Encoder, **encoding: Any):
        encoder = str(encoder) if isinstance(encoder, Path) else encoder
        alone = not isinstance(encoder, str)
        RecordConstructorArgs.__init__(self, _disable_deepcopy=alone, encoder=encoder, **encoding)
        self.encoder = encoder_of(encoder, **encoding)
        super().__init__(env, self.encoder.space)

    def convert(self, pictures: Pictures) -> Converted:
        return encode(self.encoder, pictures)


class VectorSlotObservation(VectorPictureWrapper):
    """Pictures of N environments become slots, (N, K, D), in one forward pass; keywords as in `SlotObservation`.

    All three autoreset modes; `info["slots_mask"]` is (N, K, H, W), and stands in `final_info` too. `again()` encodes the
    last pictures once more, for when the encoder has a new version.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        encoder: str | Path | SlotModule | Encoder,
        **encoding: Any,
    ):
        self.encoder = encoder_of(encoder, **encoding)
        super().__init__(env, self.encoder.space)

    def convert(self, pictures: Pictures) -> Converted:
        return encode(self.encoder, pictures)


def encode(encoder: Encoder, pictures: Pictures) -> Converted:
    """Slots of all pictures, and masks for info where they were asked for."""
    codes, masks = encoder(pictures)
    return Converted(codes, {} if masks is None else {MASKS: masks})
