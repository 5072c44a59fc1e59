"""Many small images beside each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def grid(images: np.ndarray, columns: int = 8, titles: Sequence[str] = (), inches: float = 1.1) -> Figure:
    """Images uint8 (N, H, W, 3) or (N, H, W, 4) in rows of `columns`, each `inches` wide, with a title each or none.

    Raises ValueError where the titles are not as many as the images.
    """
    if len(titles) not in (0, len(images)):
        raise ValueError(f"{len(titles)} titles for {len(images)} images: give one each or none")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plates(rows, columns, images.shape[1] / images.shape[2], inches, headroom=0.2 if len(titles) else 0.0)
    for i, axis in enumerate(axes.flat):
        if i >= len(images):
            axis.set_visible(False)
            continue
        show(axis, images[i])
        if len(titles):
            axis.set_title(titles[i], pad=3, fontsize=8)
    return figure


def sheet(images: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = (), inches: float = 0.7) -> Figure:
    """Images uint8 (R, C, H, W, 3) or (R, C, H, W, 4) in R rows of C, each `inches` wide, with a name before each row and
    over each column, or none. Raises ValueError where names are not as many as rows or columns."""
    for what, names, count in (("rows", rows, images.shape[0]), ("columns", columns, images.shape[1])):
        if len(names) not in (0, count):
            raise ValueError(f"{len(names)} names for {count} {what}: give one each or none")
    figure, axes = plates(*images.shape[:2], images.shape[2] / images.shape[3], inches, headroom=0.0)
    for row, column in np.ndindex(images.shape[:2]):
        show(axes[row, column], images[row, column])
    for axis, name in zip(axes[0], columns, strict=False):
        axis.set_title(name, pad=4, fontsize=8)
    for axis, name in zip(axes[:, 0], rows, strict=False):
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8, labelpad=6)
    return figure


def montage(images: np.ndarray, columns: int = 8, gap: int = 2, background: int = 255) -> np.ndarray:
    """Images uint8 (N, H, W, C) as one uint8 array, `gap` pixels apart, without a figure around them."""
    n, h, w, c = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), background, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        sheet[top : top + h, left : left + w] = image
    return sheet


def plates(rows: int, columns: int, ratio: float, inches: float, headroom: float = 0.2) -> tuple[Figure, np.ndarray]:
    """A figure and its axes (rows, columns) for images of height over width `ratio`, `inches` wide, tightly set;
    `headroom` is the room for a title over each row, in inches."""
    gap = 0.05
    tall = inches * ratio
    figure = Figure(figsize=(columns * (inches + gap), rows * (tall + gap + headroom)))
    space = {"wspace": gap / inches, "hspace": (gap + headroom) / tall}
    axes = figure.subplots(
        rows, columns, squeeze=False, gridspec_kw={**space, "left": 0, "right": 1, "bottom": 0, "top": 1}
    )
    return figure, axes


def show(axis: Axes, image: np.ndarray) -> None:
    """One image without ticks, in a frame thin enough to see where a white image ends."""
    axis.imshow(image, interpolation="nearest" if image.shape[0] >= 48 else "lanczos")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=0.4, alpha=0.5)
