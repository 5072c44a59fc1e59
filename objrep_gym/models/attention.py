"""Attentions of one pass: MONet-RN50's and MONet-RN50*'s maps of slots, and one for any number of objects.

Where MONet runs its U-Net K − 1 times, a segmentation network draws all K masks at once (Berriel 2022, §4.2). `SlotMaps`
draws as many as it was trained with and no more. `Clusters` is what the thesis leaves for later (chapter 6), a variable
number: its network says where each pixel lies in an embedding, and stick-breaking takes cluster after cluster from it, as
often as it is asked to and until nothing is left.
"""

from collections.abc import Callable, Mapping
from math import log
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from objrep_gym.models.clustering import Embedding, StickBreaking
from objrep_gym.models.gaussians import widened
from objrep_gym.models.resnet import ResNet, SkipUpsampling, Upsampling

FAINTEST = 1e-7  # of a mask: an encoder sees its logarithm
Normalisation = Literal["softmax", "sigmoid"]
SQUASHED: Mapping[str, Callable[[], nn.Module]] = {"softmax": nn.Identity, "sigmoid": nn.LogSigmoid}
"""What becomes of logits before they are normalised over slots in log space."""


class SlotMaps(nn.Module):
    """K masks from one pass of a trunk, a decoder and a 1×1 convolution to K maps (Berriel 2022, §4.2).

    The thesis closes with "a sigmoid activation function", after which masks do not sum to one, and eq. 4.7 is no
    likelihood. `softmax`: over slots. `sigmoid`: each slot's own, then divided by their sum.
    """

    def __init__(self, trunk: ResNet, upsampling: Upsampling | SkipUpsampling, slots: int, normalise: Normalisation):
        super().__init__()
        if normalise not in SQUASHED:
            raise ValueError(f"normalise {normalise!r} is none of {', '.join(SQUASHED)}")
        self.trunk, self.upsampling = trunk, upsampling
        self.head = nn.Conv2d(upsampling.outputs, slots, 1)
        self.squashed = SQUASHED[normalise]()

    def forward(self, image: Float[Tensor, "B C H W"], slots: int) -> Float[Tensor, "B K H W"]:
        """log m_k in float32 at least. Raises ValueError on another number of slots than the head has maps."""
        if slots != self.head.out_channels:
            raise ValueError(
                f"this attention draws {self.head.out_channels} maps, one for each slot that it was trained with, and "
                f"cannot divide an image into {slots}: train one with --model.slots {slots}, or take a model that "
                "clusters pixels (monet-rn50-variable, monet-lite) or attends again and again (monet)"
            )
        logits = widened(self.head(self.upsampling(self.trunk(image))))
        return self.squashed(logits).log_softmax(1)


class TrunkFeatures(nn.Module):
    """What an `Embedding` asks for pixels' features: `outputs` channels at half of the resolution."""

    def __init__(self, trunk: ResNet, upsampling: nn.Module):
        super().__init__()
        self.trunk, self.upsampling = trunk, upsampling

    def forward(self, x: Float[Tensor, "B 5 H W"]) -> Float[Tensor, "B F h w"]:
        """From pictures around zero, beside which an `Embedding` hands y and x; a published trunk knows pictures alone."""
        return self.upsampling(self.trunk(x[:, :3] + 0.5))


class Clusters(nn.Module):
    """As many masks as asked for, from one pass: pixels that lie together in an embedding, cluster after cluster.

    The embedding starts as colour and place (`clustering.Embedding`) and learns on from there. Once trained, K may be any
    number; what the last clusters get of a scene that is explained already is next to nothing, and
    `metrics.scope.count_by_scope` tells how many were needed.
    """

    def __init__(self, embedding: Embedding):
        super().__init__()
        self.embedding, self.clusters = embedding, StickBreaking()

    def forward(self, image: Float[Tensor, "B C H W"], slots: int) -> Float[Tensor, "B K H W"]:
        """log m_k in float32; seeds are looked for at every second pixel each way."""
        full = self.embedding(image)
        with torch.autocast(image.device.type, enabled=False):
            seen = full[:, :, ::2, ::2]
            weights = self.clusters.centres(seen, slots)
            log_masks = self.clusters(full, weights @ seen.flatten(2).mT)
            return log_masks.clamp_min(
                log(FAINTEST)
            )  # distances have no bound, and an encoder that sees them as they are has none
