"""ObjRep/Reach-v0: the hand must touch the blue cube and none of the other objects.

The object-goal task of OCRL (Yoon et al. 2023) in a room: the goal, a blue cube, looks the same in every episode; it,
three other objects and the hand stand somewhere else each time, under a camera that keeps its place. Touching the goal
gives 1 and ends the episode, with success; touching another object gives 0 and ends it; after 100 steps it is cut off. One
object in four is the goal, and not the smallest: a random hand succeeds three times in ten. Differs from OCRL's: the room
is drawn in perspective, and objects hide each other.

action   control="discrete": Discrete(4), a step east, north, west or south; "continuous": Box(2) in [-1, 1], parts of a
         step along x and y. A step is 0.2 m: from corner to corner of the part of the floor where things stand, which is
         what the camera sees, it takes about thirty. The hand does not leave that part.
camera   "fixed": one place for all episodes; "ring": another side of the room each episode, from which an agent must tell
         by the light on the walls where east is.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
"""

from collections.abc import Sequence
from dataclasses import replace

from objrep_gym.envs.controls import Move, Span, Walk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.sight import Sight
from objrep_gym.envs.tasks import Touch
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.variants import VARIANTS

STEP = 0.2  # metres; OCRL's step is a twentieth of its board
CONTROLS = {"discrete": Walk, "continuous": Move}
CLEARANCE = 0.8  # metres; more than in the rooms that encoders are trained on: the hand must find ways between things
CAMERAS = {"fixed": VARIANTS["reach"], "ring": VARIANTS["reach-ring"]}


def game(
    control: str = "discrete",
    camera: str = "fixed",
    look: str = "plain",
    size: Sequence[int] = (64, 64),
    info: Sequence[str] = (),
    draws: bool = True,
) -> Game:
    """The parts of Reach; raises ValueError on an unknown control, camera, look or info."""
    for name, value, known in (("control", control, CONTROLS), ("camera", camera, CAMERAS)):
        if value not in known:
            raise ValueError(f"{name} {value!r} is none of {', '.join(known)}")
    variant = replace(CAMERAS[camera], clearance=CLEARANCE)
    world = Room(variant, look, size)
    sight = Sight(info, draws)
    return Game(world, CONTROLS[control](world, Span(STEP, variant.arena)), Touch(world.about), sight)
