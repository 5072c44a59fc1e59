"""How well images are drawn again."""

import numpy as np
from jaxtyping import Float


def mse(image: Float[np.ndarray, "B C H W"], drawn: Float[np.ndarray, "B C H W"]) -> Float[np.ndarray, "B"]:
    """Mean squared error per pixel and channel of each image, of intensities in [0, 1] (Greff et al. 2019)."""
    return np.square(image.astype(np.float64) - drawn).mean((1, 2, 3))


def mix(parts: Float[np.ndarray, "B K C H W"], masks: Float[np.ndarray, "B K H W"]) -> Float[np.ndarray, "B C H W"]:
    """Σ_k m_k x̂_k: the image that parts make. By decoded masks it is the thesis's reconstruction, by attention masks what
    other code reports; tables have both."""
    return np.einsum("bkchw,bkhw->bchw", parts, masks)
