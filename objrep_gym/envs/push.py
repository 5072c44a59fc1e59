"""ObjRep/Push-v0: the hand must push the blue cube onto the pad."""

from typing import Any

from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.pushing import CUBE, OTHER, Yard
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.variants import LIKE_THE_GOAL


def game(**keywords: Any) -> Game:
    """The parts of Push; raises TypeError on a keyword that `Yard` does not have, ValueError on an unknown value."""
    yard = Yard(**keywords)
    other = things(yard.things, OTHER, LIKE_THE_GOAL)
    return yard.pushing((CUBE, *(other,) * (yard.objects - 1)), (BLUE,))
