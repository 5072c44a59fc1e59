"""The textures of floor and walls, the same for every engine."""

import numpy as np

TEXELS = 128  # in a row
REPEAT = 0.5  # as MuJoCo counts: a texture spans 2 / REPEAT metres
SPAN = 2 / REPEAT


def hexagons() -> np.ndarray:
    """Faint hexagonal tiles."""
    y, x = np.mgrid[:TEXELS, :TEXELS] / TEXELS
    directions = np.array([(0, 1), (np.sqrt(3) / 2, 0.5), (np.sqrt(3) / 2, -0.5)])
    waves = [np.cos(2 * np.pi * (round(8 * dx) * x + round(8 * dy) * y)) for dx, dy in directions]
    return 0.95 + 0.05 * np.tanh(2 * sum(waves))


def blotches() -> np.ndarray:
    """Faint ones, such as plaster has."""
    return 0.95 + 0.05 * np.clip(clouds(6, seed=7), -1, 1)


def clouds(finest: int, seed: int) -> np.ndarray:
    """Smooth noise of variance 1; nothing of it is finer than `finest` waves in a row."""
    noise = np.random.default_rng(seed).normal(size=(TEXELS, TEXELS))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TEXELS), np.fft.fftfreq(TEXELS))) * TEXELS
    smooth = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((frequency / finest) ** 2))).real
    return smooth / smooth.std()


def chequers() -> np.ndarray:
    """Light and dark squares, half a metre wide."""
    y, x = np.mgrid[:TEXELS, :TEXELS] / TEXELS
    return 0.7 + 0.3 * np.tanh(6 * np.sin(8 * np.pi * x) * np.sin(8 * np.pi * y))


def stripes() -> np.ndarray:
    """Upright ones on a cloudy ground, as wallpaper has."""
    x = np.mgrid[:TEXELS, :TEXELS][1] / TEXELS
    return 0.7 + 0.22 * np.tanh(4 * np.sin(2 * np.pi * 7 * x)) + 0.08 * np.clip(clouds(5, seed=8), -1, 1)


def planks() -> np.ndarray:
    """Boards a quarter of a metre wide, each of its own shade and with seams between them."""
    y, x = (np.mgrid[:TEXELS, :TEXELS] + 0.5) / TEXELS
    board = (16 * y).astype(int)
    shade = np.random.default_rng(9).uniform(-0.09, 0.09, size=(16, 2))
    half = ((x + 0.37 * board) % 1 < 0.5).astype(int)
    seam = np.minimum(1, 8 * np.minimum(16 * y % 1, 1 - 16 * y % 1))
    grain = np.sin(2 * np.pi * (3 * x + 24 * y + 0.15 * clouds(4, seed=10)))
    return 0.84 + shade[board, half] + 0.04 * grain - 0.14 * (1 - seam)


PATTERNS = {"floor": hexagons, "wall": blotches, "chequers": chequers, "stripes": stripes, "planks": planks}
TEXTURES = tuple(PATTERNS)


def texture_image(name: str) -> np.ndarray:
    """uint8 (128, 128, 3), grey, to be multiplied with a surface's colour."""
    return np.repeat((PATTERNS[name]() * 255).round().astype(np.uint8)[..., None], 3, axis=-1)


def mip_maps(name: str) -> list[np.ndarray]:
    """The texture's grey as uint8 (128, 128), (64, 64) … (1, 1): each the mean of four texels of the one before."""
    levels = [texture_image(name)[..., 0]]
    while len(levels[-1]) > 1:
        fine = levels[-1].astype(float)
        half = len(fine) // 2
        levels.append(fine.reshape(half, 2, half, 2).mean(axis=(1, 3)).round().astype(np.uint8))
    return levels
