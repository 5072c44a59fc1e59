"""Draw the pictures of the pages: `make pictures`."""

from pathlib import Path

import gymnasium as gym
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
TASKS = ("Reach", "OddOneOut", "PropertyOddOneOut", "Match", "Collect", "Navigate", "Analogy")
COLUMNS, TIMES = 10, 2


def main() -> None:
    """A row for each kind of room and for each task, the first scenes of each, none chosen."""
    FOLDER.mkdir(exist_ok=True)
    write("rooms.png", [held_out(variant, look, COLUMNS, seed=0).image for variant, look in ROOMS])
    write("tasks.png", [first_scenes(f"objrep_gym:ObjRep/{task}-v0") for task in TASKS])


def first_scenes(name: str) -> np.ndarray:
    """uint8 (N, H, W, 3): how an environment begins."""
    env = gym.make_vec(name, num_envs=COLUMNS)
    images, _ = env.reset(seed=0)
    env.close()
    return images


def write(name: str, rows: list[np.ndarray]) -> None:
    """One sheet, a row of pictures beneath the other."""
    images = np.concatenate(rows).repeat(TIMES, 1).repeat(TIMES, 2)
    sheet = Image.fromarray(montage(images, COLUMNS, gap=4)).quantize(256)
    whole.write(FOLDER / name, lambda path: sheet.save(path, "PNG", optimize=True))
    print(FOLDER / name)


if __name__ == "__main__":
    main()
