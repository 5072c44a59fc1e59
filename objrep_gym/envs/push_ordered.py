"""ObjRep/PushOrdered-v0: the hand must push the blue cube onto the pad, and then the red one.

The room of `Push`, with two cubes and two other objects. Colours tell the order: blue, red, green, yellow. The cube that
is next gives 1/n of `count` once its middle is above the pad, and is taken out of the room, so that the pad is free: it is
no longer drawn, and its factors become NaN. The last one stays, and ends the episode, with success, so that an episode is
worth 1 at most. Another cube on the pad before its turn gives 0 and ends it; what is none of these cubes may lie there.
After 200 steps the episode is cut off. A random hand succeeds in none of 1000. OCRL (Yoon et al. 2023) has no such task.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info. Of the other objects no cube has a
         hue within 0.12 of one of those in the order.
varies   by count=2, from 2 to 4 cubes, and by the keywords of `Push`; `objects` counts the cubes.
dense    adds the metres by which a step brought the next cube nearer to the pad, and the hand to where it must stand
         to push it.
ids      `PushOrdered` and `PushOrderedDense`, -v0.
"""

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
    yard = Yard.of(keywords)
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
