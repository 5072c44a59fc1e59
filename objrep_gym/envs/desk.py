"""The desk: what all tasks of a touching hand share, and the keywords by which their rooms are varied.

control  "discrete": Discrete(4), a step east, north, west or south; "continuous": Box(2) in [-1, 1], parts of a step along
         x and y. A step is 0.2 m: from corner to corner of the part of the floor where things stand, which is what the
         camera sees, it takes about thirty. The hand does not leave that part.
camera   "fixed": one place for all episodes; "low": another one, nearer to the floor; "ring": another side of the room each
         episode, from which an agent must tell by the light on the walls where east is.
reward   "sparse": the task's own; "dense": with it, the metres by which a step brought the hand nearer to the nearest goal.
objects  how many, from 3 to 8.
things   "any", or, of `scenes.heldout`, "seen-colours", "unseen-colours", "seen-shapes", "unseen-shapes",
         "seen-combinations", "unseen-combinations": what objects are drawn from.
hand     "white-sphere" or "black-cube".
light    "day", "dim" or "evening": how bright it is, and whence the light comes.
look     "plain", "published" with textures and cast shadows, "textured" with strong ones and two-tone things, or "grey".
size     height and width in pixels.
engine   what draws: "opengl"; "raycast", several times as fast and without a graphics library; or "warp", on a GPU.
info     what goes into info, of "mask", "factors", "depth".
draws    False leaves observations black, for wrappers that read factors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from objrep_gym.envs.controls import Control, Move, Span, Walk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.sight import Sight
from objrep_gym.envs.tasks import Dense, Guiding
from objrep_gym.scenes.factors import Choice, Distribution, Product
from objrep_gym.scenes.heldout import THINGS
from objrep_gym.scenes.likeness import Beside
from objrep_gym.scenes.mounts import Ring
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.variants import DESK, HAND, VARIANTS, Variant
from objrep_gym.scenes.world import About, check_name

STEP = 0.2  # metres; OCRL's step is a twentieth of its board
MOST = 8  # objects; as many as the floor has room for
CLEARANCE = 0.8  # metres; more than in the rooms that encoders are trained on: the hand must find ways between things
FIXED, RING = (replace(VARIANTS[name], clearance=CLEARANCE) for name in ("reach", "reach-ring"))
ACROSS = 2.55  # metres from the middle to a cue, before the wall that the camera faces
DOWN = float(np.radians(-33))
LOW = replace(FIXED, mount=Ring(radius=2.95, height=2.0, azimuth=DESK.azimuth, elevation=(DOWN, DOWN)))
CAMERAS = {"fixed": FIXED, "low": LOW, "ring": RING}
CONTROLS: dict[str, Callable[[Room, Span], Walk | Move]] = {"discrete": Walk, "continuous": Move}
CUBE = Product(HAND, Choice("shape", (SHAPES.index("cube"),)), Choice("value", (0.1,)), Choice("size", (0.2,)))
HANDS = {"white-sphere": HAND, "black-cube": CUBE}
Arena = tuple[float, float, float, float]
D = TypeVar("D", bound="Desk")
REWARDS: dict[str, Callable[[Guiding], Guiding | Dense]] = {"sparse": lambda task: task, "dense": Dense}


@dataclass(frozen=True)
class Cue:
    """A thing out of the hand's reach: so many metres from the middle of the room, and so many radians to the right of
    where the camera faces."""

    draws: Beside
    radius: float = ACROSS
    angle: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The keywords above. Raises ValueError on a value that is none of those named."""

    control: str = "discrete"
    camera: str = "fixed"
    reward: str = "sparse"
    objects: int = 4
    things: str = "any"
    hand: str = "white-sphere"
    light: str = "day"
    look: str = "plain"
    size: Sequence[int] = (64, 64)
    engine: str = "opengl"
    info: Sequence[str] = ()
    draws: bool = True

    @classmethod
    def of(cls: type[D], keywords: Mapping[str, Any]) -> D:
        """The same from a game's keywords. Raises TypeError on one that there is not, naming those that there are."""
        known = [one.name for one in fields(cls)]
        if foreign := [name for name in keywords if name not in known]:
            raise TypeError(f"this environment knows no {' and no '.join(foreign)}: its keywords are {', '.join(known)}")
        return cls(**keywords)

    def __post_init__(self) -> None:
        known = {"control": CONTROLS, "camera": CAMERAS, "reward": REWARDS, "hand": HANDS, "things": THINGS}
        for name, values in known.items():
            check_name(name, getattr(self, name), values)
        if not 3 <= self.objects <= MOST:
            raise ValueError(f"objects={self.objects} is not from 3 to {MOST}")

    def game(
        self,
        objects: Sequence[Distribution | Beside],
        task: Callable[[About], Guiding],
        cues: Mapping[str, Cue] | None = None,
        shuffled: bool = True,
        arenas: Mapping[str, Arena] | None = None,
    ) -> Game:
        """A game with `objects` on the floor, a hand, and named `cues` across the room; `shuffled` objects are numbered
        anew in each episode. `arenas`, by camera, are where things stand and the hand goes, if not where it goes in
        other tasks."""
        cues, variant = cues or {}, CAMERAS[self.camera]
        placed = (*objects, HANDS[self.hand], *(cue.draws for cue in cues.values()))
        apart = {name: (cue.radius, cue.angle) for name, cue in cues.items()}
        cast = {"objects": placed, "least": len(placed), "named": ("hand", *cues), "apart": apart, "shuffled": shuffled}
        arena = (arenas or {}).get(self.camera, variant.arena)
        world = self.room(replace(variant, arena=arena, **cast))
        return self.play(world, CONTROLS[self.control](world, Span(STEP, world.variant.arena)), task(world.about))

    def room(self, variant: Variant) -> Room:
        """A room of these looks."""
        return Room(variant, self.look, self.size, light=self.light, engine=self.engine)

    def play(self, world: Room, control: Control, task: Guiding) -> Game:
        """A game of these rewards, seen as the keywords say."""
        return Game(world, control, REWARDS[self.reward](task), Sight(self.info, self.draws))
