"""ObjRep/PropertyOddOneOut-v0: the hand must touch the one object that differs from all others in a single property.

Of four objects three are alike in colour, shape and size, and one differs from them in exactly one of the three, drawn anew
in each episode, so that no property can be left unseen. Touching the odd one gives 1 and ends the episode, with success;
touching another object gives 0 and ends it; after 100 steps it is cut off. A random hand succeeds in 20 episodes of 100 (18
with continuous control). After the property-comparison task of OCRL (Yoon et al. 2023), whose other objects need not be
alike: there, one has a colour, a shape or a size that no other has. Hues that differ are at least 0.12 of the circle apart,
sizes are 0.22 m and 0.34 m, and two of the shapes, sphere and icosahedron, are hard to tell apart in 64 pixels; objects may
be turned in different ways.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
varies   by the keywords of `desk.py`; with more objects there are more that are alike.
ids      `PropertyOddOneOut`, `PropertyOddOneOutDense`, and `PropertyOddOneOut` with each of the endings in
         `objrep_gym.AXES`, all -v0.
"""

from typing import Any

from objrep_gym.envs.desk import Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import TouchOdd
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.likeness import ONE_PROPERTY, Like, Unlike
from objrep_gym.scenes.variants import HEADING, IN_TWO_SIZES


def game(**keywords: Any) -> Game:
    """The parts of PropertyOddOneOut; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown
    value."""
    desk = Desk.of(keywords)
    thing = things(desk.things, IN_TWO_SIZES)
    alike = (Like(0, own=HEADING),) * (desk.objects - 2)
    return desk.game((thing, *alike, Unlike(thing, of=0, ways=ONE_PROPERTY)), TouchOdd)
