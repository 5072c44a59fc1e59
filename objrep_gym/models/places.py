"""Where a slot lies: the moments of its mask."""

import torch
from jaxtyping import Float
from torch import Tensor

PLACES = ("y", "x", "height", "width", "area")
"""Mean and standard deviation of the mask's pixels, in units in which the image goes from −1 to 1, and its share of the
image."""
LEAST, MOST = (-1.0, -1.0, 0.0, 0.0, 0.0), (1.0,) * len(PLACES)


def places(masks: Float[Tensor, "B K P"], grid: Float[Tensor, "2 H W"]) -> Float[Tensor, "B K 5"]:
    """`PLACES` of masks in [0, 1], whose P pixels lie at `grid` (`blocks.coordinates`); those of a mask of less than a
    pixel go to zero with it."""
    count = masks.sum(2, keepdim=True)
    mean, square = (masks @ torch.cat((grid, grid.square())).flatten(1).mT / count.clamp_min(1)).chunk(2, 2)
    extent = (square - mean.square()).clamp_min(0).sqrt()
    return torch.cat((mean, extent, count / masks.shape[2]), 2)
