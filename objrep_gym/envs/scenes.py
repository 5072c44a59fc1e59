"""ObjRep/Scenes-v0: rooms to look at, a new one each episode, in which nothing can be done.

The scenes of the Objects Room data set as an environment: for watching an encoder at work, and for training one on the
frames of an environment. An episode is one scene and lasts one step, so that every step of a vector environment brings N
new scenes; `max_episode_steps` makes it longer.

action   Discrete(1), which waits; reward 0; no success.
sees     uint8 (H, W, 3); info=("mask", "factors", "depth") puts what it names into info.
varies   by `variant` and `look` of the room, `size` in pixels, and `engine`, "opengl", "raycast" or "warp".
ids      `Scenes-v0`.
"""

from collections.abc import Sequence

from objrep_gym.envs.controls import Still
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.sight import Sight
from objrep_gym.envs.tasks import Watch
from objrep_gym.scenes.room import Room


def game(
    variant: str = "train",
    look: str = "published",
    size: Sequence[int] = (64, 64),
    engine: str = "opengl",
    info: Sequence[str] = (),
    draws: bool = True,
) -> Game:
    """The parts of Scenes; raises ValueError on an unknown variant, look, engine or info."""
    return Game(Room(variant, look, size, engine=engine), Still(), Watch(), Sight(info, draws))
