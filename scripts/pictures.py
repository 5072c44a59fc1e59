"""Draw the pictures of the pages: `make pictures`."""

from pathlib import Path

import numpy as np
from PIL import Image

from objrep_gym.data import whole
from objrep_gym.experiments.rooms import held_out
from objrep_gym.figures.grid import montage

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
ROOMS = (
    ("train", "published"),
    ("six-objects", "published"),
    ("identical-color", "published"),
    ("train", "plain"),
    ("reach", "plain"),
)
COLUMNS, TIMES = 10, 2


def main() -> None:
    """A row for each kind of room, the first of the test split, none chosen."""
    images = np.concatenate([held_out(variant, look, COLUMNS, seed=0).image for variant, look in ROOMS])
    sheet = Image.fromarray(montage(images.repeat(TIMES, 1).repeat(TIMES, 2), COLUMNS, gap=4))
    FOLDER.mkdir(exist_ok=True)
    whole.write(FOLDER / "rooms.png", lambda path: sheet.quantize(256).save(path, "PNG", optimize=True))
    print(FOLDER / "rooms.png")


if __name__ == "__main__":
    main()
