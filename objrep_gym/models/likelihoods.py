"""How likely a picture is, in nats, given what a decoder says of its pixels."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from objrep_gym.models.gaussians import widened


def bernoulli_nll(logits: Float[Tensor, "B C H W"], image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """−log p(image) in nats, summed over pixels and channels; intensities between 0 and 1 are taken as probabilities."""
    nll = functional.binary_cross_entropy_with_logits(widened(logits), image, reduction="none")
    return nll.sum((1, 2, 3))
