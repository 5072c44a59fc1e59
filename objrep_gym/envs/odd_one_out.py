"""ObjRep/OddOneOut-v0: the hand must touch the one object that differs from all others in everything.

The object-comparison task of OCRL (Yoon et al. 2023) in a room: of four objects three are alike in colour, shape and size,
and one differs from them in all three; what they look like is drawn anew in each episode. Touching the odd one gives 1 and
ends the episode, with success; touching another object gives 0 and ends it; after 100 steps it is cut off. A random hand
succeeds in 21 episodes of 100 (16 with continuous control). Differs from OCRL's: hues and shapes are those of the room
(hues at least 0.12 of the circle apart, two sizes, 0.22 m and 0.34 m); objects that are alike may be turned in different
ways, and hide each other.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
varies   by the keywords of `desk.py`; with more objects there are more that are alike.
ids      `OddOneOut`, `OddOneOutDense`, and `OddOneOut` with each of the endings in `objrep_gym.AXES`, all -v0.
"""

from typing import Any

from objrep_gym.envs.desk import Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import TouchOdd
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.likeness import EVERYTHING, Like, Unlike
from objrep_gym.scenes.variants import HEADING, IN_TWO_SIZES


def game(**keywords: Any) -> Game:
    """The parts of OddOneOut; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value."""
    desk = Desk.of(keywords)
    thing = things(desk.things, IN_TWO_SIZES)
    alike = (Like(0, own=HEADING),) * (desk.objects - 2)
    return desk.game((thing, *alike, Unlike(thing, of=0, ways=EVERYTHING)), TouchOdd)
