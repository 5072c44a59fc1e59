"""Draw the pictures of the pages: `make pictures`.

Environments are those that are registered: a new one gets its row, its animation and its place on the page without an edit
here. The table of animations stands between two comments of docs/rooms/envs.md; the text around it is written by hand.
"""

import re
from pathlib import Path

import gymnasium as gym
import numpy as np
from PIL import Image

from objrep_gym.data import whole
from objrep_gym.envs.pages import bases, headline
from objrep_gym.experiments.gallery import WATCHED, animated
from objrep_gym.experiments.rooms import held_out
from objrep_gym.figures.grid import montage
from objrep_gym.scenes.board_analogies import analogies, drawn
from objrep_gym.scenes.boards import Boards
from objrep_gym.scenes.dsprites import DSprites, Ellipses
from objrep_gym.scenes.furnished import FurnishedRoom
from objrep_gym.scenes.sprites import Sprites
from objrep_gym.scenes.tabletop import Tabletop
from objrep_gym.scenes.world import World, scene_streams

DOCS = Path(__file__).parent.parent / "docs"
FOLDER, PAGE = DOCS / "pictures", DOCS / "rooms" / "envs.md"
PLACE = re.compile(r"(<!-- animations -->\n).*?(<!-- end -->)", re.DOTALL)
ROOMS = (
    ("train", "published"),
    ("six-objects", "published"),
    ("identical-color", "published"),
    ("six-objects", "textured"),
    ("six-objects", "grey"),
    ("train", "plain"),
    ("reach", "plain"),
)
TABLES = (  # variant, look, profile
    ("train", "published", "pretty"),
    ("train", "published", "fast"),
    ("cylinders-only", "published", "fast"),
    ("cylinders-and-spheres", "grey", "fast"),
    ("train", "textured", "fast"),
)
FURNISHED = (("furnished-many", "published"), ("furnished-once", "published"), ("furnished-many", "textured"))
SPRITES = ((3, "one-size"), (8, "one-size"), (8, "six-sizes"))
COLUMNS, TIMES = 10, 2
SIDE, ABREAST = 160, 3  # pixels of an animation, and how many stand beside each other
MOST, ALL = 150_000, 1_500_000  # bytes of one, and of all


def main() -> None:
    """A row for each kind of room and for each task, the first scenes of each, none chosen; an animation of each task."""
    FOLDER.mkdir(exist_ok=True)
    write("rooms.png", [held_out(variant, look, COLUMNS, seed=0).image for variant, look in ROOMS])
    write("tables.png", [tables(*row) for row in TABLES], times=1)
    write("furnished.png", [furnished(*row) for row in FURNISHED], times=1)
    write("sprites.png", [first_of(Sprites(count, variant)) for count, variant in SPRITES])
    write("grids.png", [first_of(world) for world in (DSprites(), Ellipses(), Ellipses("correlated"), Boards())])
    write("analogies.png", problems(6), columns=11)
    write("tasks.png", [first_scenes(name) for name in bases() if name != WATCHED])
    films = {name: animated(name, SIDE, 10 * i, MOST) for i, name in enumerate(bases())}
    if (size := sum(map(len, films.values()))) > ALL:
        raise ValueError(f"{size} bytes of animations are more than {ALL}: make SIDE smaller")
    for name, film in films.items():
        print(whole.write(FOLDER / f"{gym.spec(name).name}.webp", film))
    page = PAGE.read_text(encoding="utf-8")
    table = "\n".join(rows([cell(name) for name in films]))
    whole.write(PAGE, PLACE.sub(lambda found: found[1] + table + "\n" + found[2], page))


def first_scenes(name: str) -> np.ndarray:
    """uint8 (N, H, W, 3): how an environment begins."""
    env = gym.make_vec(name, num_envs=COLUMNS)
    seen, _ = env.reset(seed=0)
    env.close()
    return seen["observation"] if isinstance(seen, dict) else seen


def tables(variant: str, look: str, profile: str) -> np.ndarray:
    """uint8 (N, 128, 128, 3): the first tables of the test split."""
    return first_of(Tabletop(variant, look, (128, 128), profile, engine="raycast"))


def furnished(variant: str, look: str) -> np.ndarray:
    """uint8 (N, 128, 128, 3): the first furnished rooms of the test split."""
    return first_of(FurnishedRoom(variant, look, (128, 128), "pretty", engine="raycast"))


def first_of(world: World) -> np.ndarray:
    """uint8 (N, H, W, 3): the first scenes of the test split."""
    try:
        return world.render(world.sample(scene_streams(0, "test", 0, COLUMNS), COLUMNS)).image
    finally:
        world.close()


def problems(count: int) -> list[np.ndarray]:
    """uint8 (11, H, W, 3) each: the three worked pairs of an analogy, its query and its options."""
    world, made = Boards(), analogies(np.random.default_rng(0), count)
    pairs = np.stack([made.before, made.after], axis=2).reshape(count, -1, *made.query.shape[1:])
    return list(drawn(world, np.concatenate([pairs, made.query[:, None], made.options], axis=1)))


def write(name: str, rows: list[np.ndarray], times: int = TIMES, columns: int = COLUMNS) -> None:
    """One sheet, a row of pictures beneath the other."""
    images = np.concatenate(rows).repeat(times, 1).repeat(times, 2)
    sheet = Image.fromarray(montage(images, columns, gap=4))
    sheet = sheet.quantize(256) if times == TIMES else sheet  # soft shading wants more colours
    whole.write(FOLDER / name, lambda path: sheet.save(path, "PNG", optimize=True))
    print(FOLDER / name)


def cell(name: str) -> str:
    """An animation, and what it shows."""
    spec = gym.spec(name)
    return f"![{spec.name}](../pictures/{spec.name}.webp)<br>**{spec.name}**: {headline(spec)}"


def rows(cells: list[str]) -> list[str]:
    """A table in Markdown without a head."""
    cells = cells + [""] * (-len(cells) % ABREAST)
    lines = [cells[i : i + ABREAST] for i in range(0, len(cells), ABREAST)]
    return ["| " + " | ".join(line) + " |" for line in ([""] * ABREAST, ["---"] * ABREAST, *lines)]


if __name__ == "__main__":
    main()
