"""What the members of a ParallelVAE pay: for what they say, for being sure, and, without labels, for learning."""

import math
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor

LEAST_ENTROPY = 1e-30  # nats: below it float32 has nothing left to take a logarithm of
YOUNG = 0.02  # of its price is paid by a young member: for nothing, its variances would know no bounds
SLOWEST = 0.01  # of its rate is left to whoever says most
Average = Literal["after", "before"]


def risen(learned: Float[Tensor, "K"], free: int, warm: int) -> Float[Tensor, "K"]:
    """The fraction of its price that a member pays after so many steps: little at first, then ever more."""
    return ((learned - free) / max(warm, 1)).clamp(YOUNG, 1)


def priced(kl: Float[Tensor, "K"], threshold: float, steepness: float) -> Float[Tensor, "K"]:
    """1 / (1 + (KL/τ)^p): how much of its rate is left to a member of that KL; a hundredth at least, by which it can learn
    to say less."""
    return (1 / (1 + (kl / threshold) ** steepness)).clamp_min(SLOWEST)


def unassuming(
    log_masks: Float[Tensor, "B K H W"], average: Average, members: Int[Tensor, ""] | None = None
) -> Float[Tensor, "B"]:
    """−log(H / log K) of the masks' entropy H over K members, summed over pixels: 0 where all are equally confident, and
    the larger the surer one of them is; nothing where one is alone. `before` averages entropies over the picture before
    their logarithm. `members` is how many of them take part, all if None."""
    pixels, many = math.prod(log_masks.shape[2:]), log_masks.new_tensor(log_masks.shape[1]) if members is None else members
    below = log_masks - log_masks.amax(1, keepdim=True)  # −Σ m log m would lose what the surest one is short of 1
    others = below.exp().sum(1) - 1
    entropy = (others.log1p() - (below.exp() * below).sum(1) / (1 + others)).flatten(1)
    share = (entropy.mean(1, keepdim=True) if average == "before" else entropy).clamp_min(LEAST_ENTROPY)
    return -(share / many.clamp_min(2).log()).log().mean(1) * pixels * (many > 1)
