"""HeldOut: scenes of an environment that no agent met, with true masks: how well an encoder takes them apart, over time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import UInt8

from objrep_gym.metrics.intervals import bootstrap
from objrep_gym.metrics.reconstruction import mse
from objrep_gym.metrics.segmentation import ari, segments
from objrep_gym.training import layout
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import Encoder, fitted, resize, tensor
from objrep_gym.wrappers.frames import Frames

APART = 10**9  # added to a seed: neither scenes that are learned on nor those of an evaluation
STRIDE = 8  # random steps before a scene is taken, so that the hand is not only where episodes begin
BATCH = 50  # scenes that are encoded at once


@dataclass(frozen=True)
class HeldOut:
    """Pictures and the true entity of every pixel; ids below `background` are no objects."""

    pictures: UInt8[np.ndarray, "B H W C"]
    masks: UInt8[np.ndarray, "B H W"]
    background: int

    def __len__(self) -> int:
        return len(self.pictures)

    def score(self, encoder: Encoder) -> dict[str, float]:
        """How well the encoder's present version does, for a line of a journal: `encoder/ari`, the adjusted Rand index on
        the foreground, with the bounds of its 95 % bootstrap interval, and `encoder/mse`, of the decoded picture.

        Segments are the largest attention mask, or decoded mask where a model has no other, at the size of the true ones,
        as in `objrep-gym evaluate`; a model without either has no index, and NaN is written.
        """
        parts = [self._score(encoder, slice(start, start + BATCH)) for start in range(0, len(self), BATCH)]
        index, error = (np.concatenate(part) for part in zip(*parts, strict=True))
        interval = bootstrap(index)
        return {
            "encoder/ari": interval.mean,
            "encoder/ari_low": interval.low,
            "encoder/ari_high": interval.high,
            "encoder/mse": float(error.mean()),
        }

    def _score(self, encoder: Encoder, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Index and squared error (n,) of some of the scenes."""
        pictures, true, model = self.pictures[rows], self.masks[rows].astype(np.int64), encoder.load()
        with torch.no_grad(), encoder.autocast():
            slots = model.encode(encoder.fit(tensor(pictures)).contiguous(memory_format=layout(model)))
            decoded = model.decode(slots.latents)
            masks = model.scored_masks(slots, decoded)
        channels, (height, width) = pictures.shape[3], true.shape[1:]
        image = to_image(tensor(pictures)).numpy()
        error = mse(image, fitted(decoded.image.float().cpu(), (channels, height, width)).numpy())
        if masks is None:
            return np.full(len(true), np.nan), error
        return ari(segments(resize(masks.float(), (height, width)).cpu().numpy()), true, self.background), error


def held_out(env: VectorEnv[Any, Any, Any], count: int = 200, seed: int = 0) -> HeldOut:
    """`count` scenes of an environment of ours, made with `info=("mask",)`, each after some random steps of an episode.

    Every call with one seed gives the same scenes, which no training with that seed sees. Raises ValueError where masks or
    one picture are missing.
    """
    frames = Frames(env.single_observation_space, env.render_mode)
    if len(frames.formats) != 1 or count < 1:
        raise ValueError(f"{count} scenes of {len(frames.formats)} pictures in {env}: ask for 1 or more, of one picture")
    env.action_space.seed(seed + APART)
    pictures, masks = [], []
    for start in range(0, count, env.num_envs):
        seen, info = env.reset(seed=seed + APART + start)
        for _ in range(STRIDE):
            seen, *_, info = env.step(env.action_space.sample())
        if "mask" not in info:
            raise ValueError(f'no true masks in info of {env}: make it with info=("mask",)')
        pictures += frames.pictures(seen)
        masks.append(info["mask"])
    ours: Any = env.unwrapped
    return HeldOut(np.concatenate(pictures)[:count], np.concatenate(masks)[:count], ours.about.background)
