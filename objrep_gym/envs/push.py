"""ObjRep/Push-v0: the hand must push the blue cube onto the pad.

The object-interaction task of OCRL (Yoon et al. 2023) in a room: a blue cube that looks the same in every episode, three
other objects that get in the way, and the hand stand somewhere else each time; the pad, a dark disc of 0.36 m radius, lies
in one place, at the front on the left. What the hand meets it pushes, by contact in MuJoCo: an object slides and turns,
pushes others, and lies still as soon as nothing pushes it. It is stopped at an edge that the hand can go around, so that it
can be pushed away from everywhere. The cube's middle above the pad gives 1 and ends the episode, with success; nothing else
ends it, and what else lies on the pad does not matter; after 100 steps it is cut off. A random hand succeeds in 1 episode
of 100 (1 with continuous control).

Steps, horizon and reward are OCRL's, and so is a goal at the bottom left that never moves. Differs from OCRL's: the goal
can be seen; what is pushed turns and slips off, and pushes others; the room is drawn in perspective.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
varies   by the keywords of `desk.py`; `objects` counts the cube, and `things` are the others; and by goal="anywhere", which
         lays the pad somewhere else in each episode.
dense    adds the metres by which a step brought the cube nearer to the pad, and the hand to where it must stand to push it.
ids      `Push`, `PushDense`, `PushAnywhere`, and `Push` with each of the endings in `objrep_gym.AXES`, all -v0.
"""

from typing import Any

from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.pushing import CUBE, OTHER, Yard
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.variants import LIKE_THE_GOAL


def game(**keywords: Any) -> Game:
    """The parts of Push; raises TypeError on a keyword that `Yard` does not have, ValueError on an unknown value."""
    yard = Yard.of(keywords)
    other = things(yard.things, OTHER, LIKE_THE_GOAL)
    return yard.pushing((CUBE, *(other,) * (yard.objects - 1)), (BLUE,))
