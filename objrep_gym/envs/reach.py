"""ObjRep/Reach-v0: the hand must touch the blue cube and none of the other objects.

The object-goal task of OCRL (Yoon et al. 2023) in a room: the goal, a blue cube, looks the same in every episode; it,
three other objects and the hand stand somewhere else each time, under a camera that keeps its place. Touching the goal
gives 1 and ends the episode, with success; touching another object gives 0 and ends it; after 100 steps it is cut off. One
object in four is the goal, and not the smallest: a random hand succeeds in 31 episodes of 100 (29 with continuous control).
Differs from OCRL's: the room is drawn in perspective, and objects hide each other.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
varies   by the keywords of `desk.py`; `objects` counts the goal, and `things` are the others.
ids      `Reach`, `ReachDense`, and `Reach` with each of the endings in `objrep_gym.AXES`, all -v0.
"""

from typing import Any

from objrep_gym.envs.desk import Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Touch
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.variants import BLUE_CUBE, LIKE_THE_GOAL, SMALL


def game(**keywords: Any) -> Game:
    """The parts of Reach; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value."""
    desk = Desk.of(keywords)
    other = things(desk.things, SMALL, LIKE_THE_GOAL)
    return desk.game((BLUE_CUBE, *(other,) * (desk.objects - 1)), Touch, shuffled=False)
