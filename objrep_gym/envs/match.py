"""ObjRep/Match-v0: the hand must touch the one object that is like the cue.

A cue stands before the wall across the room from the camera, out of the hand's reach and larger than everything else, since
it is farther away. Of four objects on the floor exactly one has its colour and its shape; each other one differs from it in
colour, in shape, or in both, each as likely: neither colour nor shape alone finds the goal. Touching the goal gives 1 and
ends the episode, with success; touching another object gives 0 and ends it; after 100 steps it is cut off. A random hand
succeeds in 21 episodes of 100 (18 with continuous control). OCRL (Yoon et al. 2023) has no such task; rewards, steps and
floor are those of `Reach`.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3), the cue at the top; info=("mask", "factors", "depth") puts what it names into info. All objects of
         an episode have one size, 0.22 m or 0.34 m, and the cue 0.42 m; hues that differ are at least 0.12 of the circle
         apart.
varies   by the keywords of `desk.py`; `objects` does not count the cue.
ids      `Match` and `MatchDense`, -v0.
"""

from typing import Any

from objrep_gym.envs.desk import Cue, Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import TouchLike
from objrep_gym.scenes.factors import Choice, Product
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.likeness import COLOUR_OR_SHAPE, Like, Unlike
from objrep_gym.scenes.variants import HEADING, IN_TWO_SIZES

CUES = {"cue": Cue(Like(0, own=Product(HEADING, Choice("size", (0.42,)))))}


def game(**keywords: Any) -> Game:
    """The parts of Match; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value."""
    desk = Desk.of(keywords)
    thing = things(desk.things, IN_TWO_SIZES)
    others = (Unlike(thing, of=0, ways=COLOUR_OR_SHAPE),) * (desk.objects - 1)
    return desk.game((thing, *others), TouchLike, CUES)
