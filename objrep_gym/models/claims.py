"""Who draws what, where a data source says it: scenes of one kind alone, each of which one member of a ParallelVAE is for.

Two such scenes are cut along a line and joined (CutMix, Yun et al. 2019, with a line for the rectangle's border). In whole
ones, a member learns to be sure of a picture, by anything that it has; in joined ones, of things.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def joined(
    image: Float[Tensor, "B C H W"], source: Int[Tensor, "B"]
) -> tuple[Float[Tensor, "B C H W"], Int[Tensor, "B H W"]]:
    """Each scene beside the one before it in the batch, cut through the inner half of the picture at an angle drawn at
    random, and the number of the source that each pixel comes from."""
    count, _, height, width = image.shape
    y, x = (torch.linspace(-1, 1, side, device=image.device) for side in (height, width))
    angle, place = torch.rand((2, count, 1, 1), device=image.device)
    angle, place = angle * 2 * math.pi, place - 0.5
    own = y[:, None] * angle.sin() + x * angle.cos() > place
    first, second = source[:, None, None], source.roll(1)[:, None, None]
    return torch.where(own[:, None], image, image.roll(1, 0)), torch.where(own, first, second)


def whole(
    image: Float[Tensor, "B C H W"], source: Int[Tensor, "B"]
) -> tuple[Float[Tensor, "B C H W"], Int[Tensor, "B H W"]]:
    """The scenes as they are, and the number of the source of each pixel."""
    return image, source[:, None, None].expand(-1, *image.shape[2:])


def unclaimed(log_masks: Float[Tensor, "B K H W"], owners: Int[Tensor, "B H W"]) -> Float[Tensor, "B"]:
    """−log m̂ of the member that each pixel is for, nats, summed over pixels; nothing where a source has no member."""
    members = log_masks.shape[1]
    own = log_masks.gather(1, owners.clamp_max(members - 1)[:, None])[:, 0]
    return -own.masked_fill(owners >= members, 0).sum((1, 2))
