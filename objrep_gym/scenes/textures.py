"""The faint textures of floor and walls, the same for every engine."""

import numpy as np

TEXTURES = ("floor", "wall")
TEXELS = 128  # in a row
REPEAT = 0.5  # as MuJoCo counts: a texture spans 2 / REPEAT metres
SPAN = 2 / REPEAT


def texture_image(name: str) -> np.ndarray:
    """uint8 (128, 128, 3), grey, to be multiplied with a surface's colour: faint hexagonal tiles, or faint blotches."""
    y, x = np.mgrid[:TEXELS, :TEXELS] / TEXELS
    if name == "floor":
        directions = np.array([(0, 1), (np.sqrt(3) / 2, 0.5), (np.sqrt(3) / 2, -0.5)])
        waves = [np.cos(2 * np.pi * (round(8 * dx) * x + round(8 * dy) * y)) for dx, dy in directions]
        grey = 0.95 + 0.05 * np.tanh(2 * sum(waves))
    else:
        noise = np.random.default_rng(7).normal(size=(TEXELS, TEXELS))
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TEXELS), np.fft.fftfreq(TEXELS))) * TEXELS
        smooth = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((frequency / 6) ** 2))).real
        grey = 0.95 + 0.05 * np.clip(smooth / smooth.std(), -1, 1)
    return np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, axis=-1)


def mip_maps(name: str) -> list[np.ndarray]:
    """The texture's grey as uint8 (128, 128), (64, 64) … (1, 1): each the mean of four texels of the one before."""
    levels = [texture_image(name)[..., 0]]
    while len(levels[-1]) > 1:
        fine = levels[-1].astype(float)
        half = len(fine) // 2
        levels.append(fine.reshape(half, 2, half, 2).mean(axis=(1, 3)).round().astype(np.uint8))
    return levels
