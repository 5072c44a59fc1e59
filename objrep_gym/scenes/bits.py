"""Binary pictures as they are kept and carried: eight pixels to a byte."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objrep_gym.scenes.view import View

OUTPUTS = ("image", "mask")


@dataclass(frozen=True)
class Bits:
    """White things on black: `packed` uint8 (N, ⌈H·W/8⌉), pixels in rows from the upper left, the first in the highest bit
    of a byte, as `numpy.packbits` has them; `size` is (H, W); `factors` float32 (N, E, F). A white pixel is entity 1's."""

    packed: np.ndarray
    size: tuple[int, int]
    factors: np.ndarray

    def __len__(self) -> int:
        return len(self.packed)

    def unpacked(self) -> np.ndarray:
        """uint8 (N, H, W): 0 and 1."""
        height, width = self.size
        return np.unpackbits(self.packed, axis=1, count=height * width).reshape(len(self), height, width)

    def view(self, outputs: Sequence[str] = ("image",)) -> View:
        """The same as a View, its image in three channels. Raises ValueError on outputs other than image and mask."""
        check_flat(outputs)
        mask = self.unpacked()
        image = np.repeat(mask[..., None] * np.uint8(255), 3, axis=3)
        return View(image, mask if "mask" in outputs else None, None, self.factors)


def packed(pictures: np.ndarray) -> np.ndarray:
    """uint8 (N, ⌈H·W/8⌉) of pictures (N, H, W), in which all but 0 is white."""
    return np.packbits(pictures.reshape(len(pictures), -1), axis=1)


def check_flat(outputs: Sequence[str]) -> None:
    """Raises ValueError on what a flat world does not draw."""
    if not set(outputs) <= set(OUTPUTS):
        raise ValueError(f"outputs {tuple(outputs)} of a flat world are not all among {', '.join(OUTPUTS)}")
