"""ObjRep/PushOrdered-v0: the hand must push the blue cube onto the pad, then the red one."""

from typing import Any

from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.pushing import CUBE, OTHER, Yard
from objrep_gym.scenes.factors import Choice, Product, Uniform
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.likeness import HUE_APART
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.shapes import SHAPES

SHAPE = Choice("shape", (SHAPES.index("cube"),))
ORDER = {"blue": BLUE, "red": 0.0, "green": 1 / 3, "yellow": 1 / 6}


def game(count: int = 2, **keywords: Any) -> Game:
    """The parts of PushOrdered; raises TypeError on a keyword that `Yard` does not have, ValueError on an unknown value."""
    yard = Yard(**keywords)
    if not 2 <= count <= min(len(ORDER), yard.objects):
        raise ValueError(f"count={count} of {yard.objects} objects is not from 2 to {min(len(ORDER), yard.objects)}")
    hues = tuple(ORDER.values())[:count]
    cubes = tuple(Product(CUBE, Choice("hue", (hue,))) for hue in hues)
    other = things(yard.things, OTHER, *(alike for hue in hues for alike in cubes_like(hue)))
    return yard.pushing((*cubes, *(other,) * (yard.objects - count)), hues)


def cubes_like(hue: float) -> tuple[Product, ...]:
    """Cubes that might be taken for one of this hue; the circle of hues is cut at red."""
    near = (Uniform("hue", turn + hue - HUE_APART, turn + hue + HUE_APART) for turn in (0, 1))
    return tuple(Product(SHAPE, one) for one in near)
