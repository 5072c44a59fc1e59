"""The one look of every figure: its inks on light and on dark paper, its colours for slots and curves, PNG out."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from objrep_gym.scenes.palette import SLOT_COLOURS

Paper = Literal["light", "dark"]

CURVE_COLOURS = ("#0b84c6", "#e07b00", "#0a9b72", "#c65ca0", "#8a6fd1", "#d0453b")
INKS = {"light": ("#1d2430", "#8b94a3", "#e4e8ee"), "dark": ("#e8ecf3", "#8b94a3", "#2c3442")}


def drawn(draw: Callable[[], Figure], paper: Paper = "light", dpi: int = 160) -> bytes:
    """PNG of the figure that `draw` makes, with a transparent background and the ink of `paper`."""
    ink, faint, line = INKS[paper]
    settings: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"],
        "font.size": 9.0,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.titlesize": 9.0,
        "axes.edgecolor": faint,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.facecolor": "none",
        "axes.grid": False,
        "grid.color": line,
        "grid.linewidth": 0.8,
        "xtick.color": faint,
        "ytick.color": faint,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "figure.facecolor": "none",
        "legend.frameon": False,
        "image.interpolation": "nearest",
    }
    with matplotlib.rc_context(settings):
        buffer = BytesIO()
        draw().savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.04, transparent=True)
    return buffer.getvalue()


def both(draw: Callable[[], Figure], dpi: int = 160) -> dict[Paper, bytes]:
    """The PNG of `drawn` for light and for dark paper, as `page.Picture` takes them."""
    return {"light": drawn(draw, "light", dpi), "dark": drawn(draw, "dark", dpi)}


def slot_colours(count: int) -> np.ndarray:
    """uint8 (count, 3): one colour per slot, the first fourteen told apart, then again from the start."""
    return SLOT_COLOURS[np.arange(count) % len(SLOT_COLOURS)]
