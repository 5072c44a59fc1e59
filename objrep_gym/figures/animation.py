"""Frames become an animation that a browser shows: WebP, by pillow."""

from io import BytesIO

import numpy as np
from PIL import Image


def animation(frames: np.ndarray, seconds_per_frame: float = 0.12, hold: float = 0.8, quality: int = 82) -> bytes:
    """WebP bytes of frames uint8 (T, H, W, 3), endless, the last one held for `hold` seconds.

    Raises ValueError without frames.
    """
    if len(frames) == 0:
        raise ValueError("an animation needs at least one frame")
    pictures = [Image.fromarray(frame) for frame in frames]
    durations = [round(seconds_per_frame * 1000)] * (len(frames) - 1) + [round(hold * 1000)]
    buffer = BytesIO()
    # `method=4` writes half as large as the fastest and takes a tenth of the slowest.
    pictures[0].save(
        buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=quality, method=4
    )
    return buffer.getvalue()


def beside(*frames: np.ndarray, size: int, gap: int = 8, background: int = 127) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of any sizes beside each other, each enlarged to `size` pixels square, `gap` pixels
    apart: uint8 (T, size, ·, 3). Raises ValueError where one has another number of frames."""
    if len({len(f) for f in frames}) != 1:
        raise ValueError(f"animations of {', '.join(str(len(f)) for f in frames)} frames cannot stand beside each other")
    space = np.full((len(frames[0]), size, gap, 3), background, np.uint8)
    sheets = [enlarged(frames[0], size)]
    for more in frames[1:]:
        sheets += [space, enlarged(more, size)]
    return np.concatenate(sheets, axis=2)


def enlarged(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, size, size, 3), resampled smoothly: frames of 32 pixels would otherwise be steps."""
    return np.stack([np.asarray(Image.fromarray(f).resize((size, size), Image.Resampling.BICUBIC)) for f in frames])
