"""A world of discs seen from above, drawn by numpy: the interface of a room without its cost."""

import numpy as np

from objrep_gym.envs.controls import Control, Move, Span, Walk
from objrep_gym.envs.goals import Goal
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.obstacles import Blocked
from objrep_gym.envs.sight import Sight
from objrep_gym.envs.tasks import Touch
from objrep_gym.scenes.palette import rgb
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About

FACTORS = ("heading", "y", "x", "size", "shape", "hue", "saturation", "value")  # not the room's order: names must be read
SPHERE = 1  # the shape whose footprint is 0.9 of its size


class FlatRoom:
    """Floor, goal, `distractors` and a hand on a floor from -1 to 1; the last distractor may be missing."""

    half_width = 1.0

    def __init__(self, size: tuple[int, int] = (16, 24), distractors: int = 2, named: tuple[str, ...] = ("hand",)):
        objects = tuple(f"object_{i}" for i in range(distractors + 1))
        self.about = About(("floor", *objects, *named), FACTORS, (0, 0, 0, 0, 6, 0, 0, 0), background=1)
        self.size, self.closed, self.renders, self.named = size, 0, [], len(named)

    def sample(self, rng, n, fixed=None):
        scenes = np.full((n, len(self.about.entities), len(FACTORS)), np.nan)
        for row in range(1, scenes.shape[1]):
            for name, low, high in (("x", -0.9, 0.9), ("y", -0.9, 0.9), ("hue", 0, 1), ("heading", 0, 6)):
                scenes[:, row, FACTORS.index(name)] = low + (high - low) * rng.random(n)
            scenes[:, row, FACTORS.index("size")] = 0.1
            scenes[:, row, FACTORS.index("shape")] = SPHERE
            scenes[:, row, FACTORS.index("saturation")] = scenes[:, row, FACTORS.index("value")] = 1.0
        missing = rng.random(n) < 0.5
        if len(self.about.entities) > 2 + self.named:
            scenes[missing, -1 - self.named] = np.nan
        return scenes.astype(np.float32)

    def render(self, factors, outputs=("image",)):
        self.renders.append(len(factors))
        n, (height, width) = len(factors), self.size
        image, mask = np.zeros((n, height, width, 3), np.uint8), np.zeros((n, height, width), np.uint8)
        y, x = np.meshgrid(np.linspace(1, -1, height), np.linspace(-1, 1, width), indexing="ij")
        column = {name: factors[:, :, i, None, None] for i, name in enumerate(FACTORS)}
        inside = (
            np.hypot(x - column["x"], y - column["y"]) < 2 * column["size"]
        )  # (N, E, H, W), False for what is not there
        colours = rgb(np.nan_to_num(np.concatenate([column[name] for name in ("hue", "saturation", "value")], axis=-1)))
        for row in range(1, factors.shape[1]):
            image = np.where(inside[:, row, ..., None], (colours[:, row, :, None] * 255).astype(np.uint8), image)
            mask[inside[:, row]] = row
        depth = np.where(mask > 0, 1.0, np.inf).astype(np.float32)
        return View(image, mask if "mask" in outputs else None, depth if "depth" in outputs else None, factors)

    def close(self):
        self.closed += 1


def flat_game(control: str = "discrete", info=(), draws: bool = True, distractors: int = 2, step: float = 0.1) -> Game:
    """Reach on a flat floor; what a registered game function looks like."""
    world = FlatRoom(distractors=distractors)
    controls: dict[str, type[Control]] = {"discrete": Walk, "continuous": Move}
    return Game(world, controls[control](world, Span(step)), Touch(world.about), Sight(info=tuple(info), draws=draws))


def flat_goal_game(control: str = "discrete", info=(), draws: bool = True, reward: str = "sparse") -> Game:
    """The hand is to be where a picture shows it, and is stopped by discs."""
    world = FlatRoom(named=("hand", "goal"))
    controls: dict[str, type[Walk | Move]] = {"discrete": Walk, "continuous": Move}
    walk = Blocked(controls[control](world, Span(0.2)), world.about)
    return Game(world, walk, Goal(world.about, world.half_width, "hand", reward), Sight(info=tuple(info), draws=draws))


def scene(game: Game, **places: tuple[float, float]) -> np.ndarray:
    """float32 (1, E, F): entities at the places given in metres, all others absent."""
    world = game.world
    factors = np.full((1, len(world.about.entities), len(FACTORS)), np.nan, dtype=np.float32)
    for name, (x, y) in places.items():
        row = world.about.entities.index(name)
        given = {"x": x, "y": y, "size": 0.1, "shape": SPHERE, "hue": 0.5, "saturation": 1, "value": 1, "heading": 0}
        factors[0, row] = [given[factor] for factor in FACTORS]
    return factors
