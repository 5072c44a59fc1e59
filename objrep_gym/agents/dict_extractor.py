"""From a Dict of observations, such as a scene and a picture of the goal, to the features of a policy."""

from collections.abc import Mapping
from typing import TypeGuard

import numpy as np
import torch
from gymnasium import spaces
from jaxtyping import Float
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor, NatureCNN
from torch import Tensor, nn

from objrep_gym.agents.extractors import EXTRACTORS, Scale, slot_shape

PLACES_OF_GOALS = ("achieved_goal", "desired_goal")
"""Keys that a reward is computed from. A policy that saw them would know what the picture of the goal is there to tell."""


class DictExtractor(BaseFeaturesExtractor):
    """A Dict of things that are seen, such as a scene and a picture of the goal; the features of its parts side by side.

    Slots of one length are pooled as one set, each marked with the key that it came from, so that an object can be judged
    by where it is in the other scene. A picture goes through a `NatureCNN` of its own, and vectors stay as they are. The
    places of a goal are left out (`PLACES_OF_GOALS`).

    part: what pools slots, a name in `EXTRACTORS`; further keywords are that extractor's. Raises ValueError for a space
    that is no Dict, and for one in which nothing is left.
    """

    def __init__(self, observation_space: spaces.Space, part: str = "deep-set", **keywords: int):
        if not isinstance(observation_space, spaces.Dict):
            raise ValueError(f"a DictExtractor takes a Dict of observations, not {observation_space}")
        seen = {key: space for key, space in observation_space.spaces.items() if key not in PLACES_OF_GOALS}
        if not seen:
            raise ValueError(f"nothing is seen in {observation_space} but {', '.join(PLACES_OF_GOALS)}")
        groups: dict[str, list[str]] = {}
        for key, space in seen.items():
            groups.setdefault(f"slots of {space.shape[1]}" if is_slots(space) else key, []).append(key)
        parts = {name: extractor_of([seen[key] for key in keys], part, keywords) for name, keys in groups.items()}
        super().__init__(observation_space, sum(each.features_dim for each in parts.values()))
        self.groups, self.parts = groups, nn.ModuleDict(parts)

    def forward(self, observations: dict[str, Tensor]) -> Float[Tensor, "B F"]:
        inputs = self.together(observations)
        return torch.cat([extractor(inputs[name]) for name, extractor in self.parts.items()], dim=1)

    def together(self, observations: dict[str, Tensor]) -> dict[str, Tensor]:
        """What goes into each of `parts`."""
        return {name: marked([observations[key] for key in keys]) for name, keys in self.groups.items()}

    def set_scales(self, observations: dict[str, Tensor]) -> None:
        """Sets the scale of every part that has one by observations that were seen."""
        inputs = self.together(observations)
        for name, extractor in self.parts.items():
            for part in extractor.modules():
                if isinstance(part, Scale):
                    part.set_from(inputs[name])


def marked(sets: list[Tensor]) -> Tensor:
    """One tensor as it is; several sets of slots (B, K, D) as one, float (B, sum of K, D + number of sets), the last ones
    saying from which each slot is."""
    if len(sets) == 1:
        return sets[0]
    marks = torch.eye(len(sets), dtype=sets[0].dtype, device=sets[0].device)
    return torch.cat(
        [torch.cat((one, mark.expand(*one.shape[:2], -1)), dim=2) for one, mark in zip(sets, marks, strict=True)], dim=1
    )


def extractor_of(parts: list[spaces.Space], part: str, keywords: Mapping[str, int]) -> BaseFeaturesExtractor:
    """What makes features of one key of a Dict, or of several sets of slots."""
    if not is_slots(parts[0]):
        return NatureCNN(parts[0]) if is_image_space(parts[0]) else FlattenExtractor(parts[0])
    slots, latents = zip(*map(slot_shape, parts), strict=True)
    marks = len(parts) if len(parts) > 1 else 0
    return EXTRACTORS[part](spaces.Box(-np.inf, np.inf, (sum(slots), latents[0] + marks), np.float32), **keywords)


def is_slots(space: spaces.Space) -> TypeGuard[spaces.Box]:
    """Whether a space is a Box(K, D)."""
    return isinstance(space, spaces.Box) and len(space.shape) == 2
