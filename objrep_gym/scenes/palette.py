"""Colours: of things, hue in (0, 1), saturation in (0.75, 1), value 1, as the published Objects Room draws them; and of
slots, wherever they are shown."""

import numpy as np

from objrep_gym.scenes.factors import Choice, Product, Uniform

VIVID = Product(Uniform("hue", 0.0, 1.0), Uniform("saturation", 0.75, 1.0), Choice("value", (1.0,)))
BLUE = 2 / 3
SKY = (0.54, 0.36, 0.98)  # hue, saturation, value: the plain light blue of the published pictures

CLEVR_COLOURS = {  # hue, saturation, value of the eight colours that CLEVR names, as they look on its pictures
    "gray": (0.0, 0.0, 0.4),
    "red": (0.0, 0.8, 0.75),
    "blue": (0.63, 0.78, 0.88),
    "green": (0.31, 0.78, 0.52),
    "brown": (0.085, 0.72, 0.55),
    "purple": (0.76, 0.76, 0.78),
    "cyan": (0.5, 0.74, 0.85),
    "yellow": (0.145, 0.82, 0.97),
}

HUES = {  # of the names that people give first, in turns of the circle
    "red": 0.0, "orange": 0.085, "yellow": 0.165, "green": 0.333, "cyan": 0.5, "blue": 0.64, "purple": 0.76, "pink": 0.89,
}  # fmt: skip
PALE = 0.3  # saturation below which a colour of value 1 is called white


def colour_name(hue: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """The name among HUES that is nearest to each hue, an angle in radians, or "white" where there is little of it."""
    turns = np.asarray(hue)[..., None] / (2 * np.pi) - np.array(list(HUES.values()))
    nearest = np.abs(turns - np.round(turns)).argmin(-1)
    return np.where(np.asarray(saturation) < PALE, "white", np.array(list(HUES))[nearest])


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
