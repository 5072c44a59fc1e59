"""ObjRep/Collect-v0: the hand must touch every blue object, one after the other, and none of another colour.

Half of the objects are blue, whatever their shape: two of four. Touching one of these n gives 1/n, and it vanishes: it is
no longer drawn, and its factors become NaN. The last one ends the episode, with success, so that an episode is worth 1 at
most, up to rounding; touching an object of another colour gives 0 and ends it; after 100 steps it is cut off. A random hand
succeeds in 6 episodes of 100 (2 with continuous control). OCRL (Yoon et al. 2023) has no such task; steps and floor are
those of `Reach`.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info. Other objects are at least 0.12 of
         the circle of hues from blue.
varies   by the keywords of `desk.py`; `things` are the shapes of all objects, and the colours of those that are not blue.
ids      `Collect` and `CollectDense`, -v0.
"""

from functools import partial
from typing import Any

from objrep_gym.envs.desk import Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Collect
from objrep_gym.scenes.factors import Choice, Product, Uniform
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.likeness import HUE_APART
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.variants import SMALL

BLUISH = Uniform("hue", BLUE - HUE_APART, BLUE + HUE_APART)


def game(**keywords: Any) -> Game:
    """The parts of Collect; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value."""
    desk = Desk.of(keywords)
    blue, other = Product(things(desk.things, SMALL), Choice("hue", (BLUE,))), things(desk.things, SMALL, BLUISH)
    count = desk.objects // 2
    return desk.game((blue,) * count + (other,) * (desk.objects - count), partial(Collect, count=count))
