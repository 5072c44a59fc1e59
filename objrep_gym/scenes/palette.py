"""Colours: of things, hue in (0, 1), saturation in (0.75, 1), value 1, as the published Objects Room draws them; and of
slots, wherever they are shown."""

import numpy as np

from objrep_gym.scenes.factors import Choice, Product, Uniform

VIVID = Product(Uniform("hue", 0.0, 1.0), Uniform("saturation", 0.75, 1.0), Choice("value", (1.0,)))
BLUE = 2 / 3
SKY = (0.54, 0.36, 0.98)  # hue, saturation, value: the plain light blue of the published pictures


def rgb(hsv: np.ndarray) -> np.ndarray:
    """RGB in [0, 1] of HSV in [0, 1], last axis 3, any leading shape."""
    hue, saturation, value = hsv[..., 0:1], hsv[..., 1:2], hsv[..., 2:3]
    corner = (PRIMARIES + 6 * hue) % 6
    return value * (1 - saturation * np.clip(np.minimum(corner, 4 - corner), 0, 1))


def greyed(colours: np.ndarray) -> np.ndarray:
    """RGB (…, 3) of the same luminance without colour: all three alike (ITU-R BT.601)."""
    return np.repeat((colours @ LUMINANCE)[..., None], 3, axis=-1)


LUMINANCE = np.array([0.299, 0.587, 0.114])
PRIMARIES = np.array([5.0, 3.0, 1.0])  # where red, green and blue begin on the circle of six corners

# Okabe and Ito's colours (2008), told apart with every common colour blindness, then lighter ones of the same hues.
SLOT_COLOURS = np.array(
    [
        (86, 180, 233), (230, 159, 0), (0, 158, 115), (213, 94, 0), (204, 121, 167), (240, 228, 66), (0, 114, 178),
        (148, 103, 189), (140, 214, 178), (255, 179, 128), (176, 196, 222), (188, 143, 106), (242, 182, 214),
        (120, 120, 130),
    ],
    np.uint8,
)  # fmt: skip
