"""ObjRep/Navigate-v0: seen with its own eye, the agent must turn and walk to the blue cube and touch none of the others.

The camera is the agent's eye: 0.6 m above the floor, looking 15° down, with an opening of 75°. The goal, a blue cube,
looks the same in every episode; it, three other objects and the agent stand somewhere in the room each time, and the
agent looks anywhere: in 75 episodes of 100 no pixel of the goal is in sight at first, and it must look around. Walls
stop the agent, which slides along them. Touching the goal gives 1 and ends the episode, with success; touching another
object gives 0 and ends it; after 100 steps it is cut off: once around is 24, across the room 27. A random hand succeeds
in 12 episodes of 100 (4 with continuous control). OCRL (Yoon et al. 2023) has no task in first person; rewards and
steps are those of `Reach`.

action   Discrete(3): turn left, turn right, by 15°, or go ahead by 0.2 m; or, with control="continuous", Box(2) in [-1, 1]:
         parts of a turn to the left, negative to the right, and then of a step ahead, negative back.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info. The agent itself is not seen; it
         is the last entity, `eye`, a circle of 0.3 m on the floor, so that nothing comes nearer to the eye than 0.1 m.
varies   by the keywords of `desk.py` without `camera` and `hand`; `objects` counts the goal, and `things` are the others.
ids      `Navigate` and `NavigateDense`, -v0.
"""

from typing import Any

import numpy as np

from objrep_gym.envs.controls import Drive, FirstPerson, Span
from objrep_gym.envs.desk import CLEARANCE, STEP, Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import Touch
from objrep_gym.scenes.factors import Choice, Product
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.mounts import EYE, Eye
from objrep_gym.scenes.things import KINDS, UNSEEN
from objrep_gym.scenes.variants import BLUE_CUBE, HAND, HEADING, LIKE_THE_GOAL, SMALL, Variant

BODY = Product(HAND, Choice("shape", (KINDS.index(UNSEEN),)), Choice("size", (0.3,)), HEADING)
MOUNT = Eye(height=0.6, elevation=float(np.radians(-15)), fov=float(np.radians(75)))
CONTROLS = {"discrete": FirstPerson, "continuous": Drive}


def game(**keywords: Any) -> Game:
    """The parts of Navigate; raises TypeError on a keyword that `Desk` does not have, and on `camera` and `hand`,
    ValueError on an unknown value."""
    foreign = [name for name in ("camera", "hand") if name in keywords]
    if foreign:
        raise TypeError(f"Navigate knows no {' and no '.join(foreign)}: its camera is the agent's own eye")
    desk = Desk.of(keywords)
    objects = (BLUE_CUBE, *(things(desk.things, SMALL, LIKE_THE_GOAL),) * (desk.objects - 1), BODY)
    variant = Variant(
        objects, least=len(objects), mount=MOUNT, named=(EYE,), clearance=CLEARANCE, kinds=KINDS.index(UNSEEN) + 1
    )
    world = desk.room(variant)
    return desk.play(world, CONTROLS[desk.control](world, Span(STEP)), Touch(world.about, hand=EYE))
