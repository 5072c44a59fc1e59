"""Many small images beside each other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 160  # of the figures of pages
GAP = 10  # pixels of a sheet between two images
FAINT = (128, 128, 128, 96)  # the line around an image without a colour of its own


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


def sheet(
    images: np.ndarray,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    inches: float = 0.7,
    frames: np.ndarray | None = None,
) -> Figure:
    """Images uint8 (R, C, H, W, 3) or (R, C, H, W, 4) in R rows of C, each `inches` wide, with a name before each row and
    over each column, or none; `frames` uint8 (C, 3) are the colours of the lines around the images of a column, of which
    black is a faint line. Raises ValueError where names are not as many as rows or columns.

    Drawn as one picture: an axis for each image would take a hundred times as long.
    """
    for what, names, count in (("rows", rows, images.shape[0]), ("columns", columns, images.shape[1])):
        if len(names) not in (0, count):
            raise ValueError(f"{len(names)} names for {count} {what}: give one each or none")
    width = images.shape[3]
    larger = max(1, round(DPI * inches / width))  # about the resolution of the figure, so that lines can be thin
    canvas = laid_out(images.repeat(larger, 2).repeat(larger, 3), frames)
    scale = inches / (width * larger)
    figure = Figure(figsize=(canvas.shape[1] * scale, canvas.shape[0] * scale))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(canvas, interpolation="antialiased", aspect="auto")
    axis.set_axis_off()
    tall, wide = (images.shape[2] * larger + GAP, width * larger + GAP)
    for i, name in enumerate(columns):
        axis.text(GAP / 2 + (i + 0.5) * wide, -6, name, ha="center", va="bottom", fontsize=8)
    for i, name in enumerate(rows):
        axis.text(-6, GAP / 2 + (i + 0.5) * tall, name, ha="right", va="center", fontsize=8)
    return figure


def laid_out(images: np.ndarray, frames: np.ndarray | None) -> np.ndarray:
    """uint8 (H', W', 4): images (R, C, H, W, 3 or 4) `GAP` pixels apart on nothing, each in a frame."""
    count, across, height, width, channels = images.shape
    canvas = np.zeros((count * (height + GAP) + GAP, across * (width + GAP) + GAP, 4), np.uint8)
    for row, column in np.ndindex(count, across):
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        colour, line = (FAINT, 1) if frames is None or not frames[column].any() else ((*frames[column], 255), 4)
        canvas[top - line : top + height + line, left - line : left + width + line] = colour
        image = canvas[top : top + height, left : left + width]
        image[..., :3], image[..., 3] = images[row, column, ..., :3], 255 if channels == 3 else images[row, column, ..., 3]
    return canvas


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
