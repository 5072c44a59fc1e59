"""Pushing: rooms with a pad on the floor, and a hand that pushes what it meets.

Beside the keywords of `desk.py`:

goal     "corner": the pad lies in one place for all episodes, at the front on the left of the fixed camera; "anywhere":
         somewhere else in each.

Things stand, and can be pushed, no farther than `ROUND` from the edge of the part of the floor where the hand goes: so it
gets around each of them, and nothing is lost in a corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from objrep_gym.envs.contact import Contact, Rectangle
from objrep_gym.envs.controls import Push, Span
from objrep_gym.envs.desk import CAMERAS, CONTROLS, HANDS, STEP, Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.pads import PushOnto
from objrep_gym.scenes.factors import Choice, Distribution, Product, Uniform
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.things import KINDS
from objrep_gym.scenes.variants import BLUE_CUBE, SMALL
from objrep_gym.scenes.world import check_name

GOALS = ("corner", "anywhere")
PAD_RADIUS = 0.36  # metres
CLEARANCE = 0.12  # metres between things at first
ROUND = 0.56  # metres: the widest hand and the widest thing, and 5 cm
AREAS = {"fixed": (0.0, 0.25, 1.5, 1.7), "low": (0.0, 0.25, 1.5, 1.7), "ring": (0.0, 0.0, 1.55, 1.55)}  # of the hand
KIND = [kind.name for kind in KINDS].index("pad")
CUBE = Product(BLUE_CUBE, Choice("size", (0.28,)))
OTHER = Product(SMALL, Uniform("size", 0.22, 0.28))
PAD = Product(  # dark, as no floor is, and of the hue that is farthest from the cube's
    Choice("shape", (KIND,)),
    Choice("hue", (BLUE - 0.5,)),
    Choice("saturation", (0.9,)),
    Choice("value", (0.3,)),
    Choice("size", (PAD_RADIUS,)),
    Choice("heading", (0.0,)),
)


@dataclass(frozen=True, kw_only=True)
class Yard(Desk):
    """The keywords above. Raises ValueError on a value that is none of those named."""

    goal: str = "corner"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name("goal", self.goal, GOALS)

    def pushing(self, objects: Sequence[Distribution], hues: Sequence[float]) -> Game:
        """A game with `objects`, of which those of `hues` are to be pushed onto the pad in this order."""
        area = AREAS[self.camera]
        fence, start = shrunk(area, ROUND), shrunk(area, STEP)
        variant = replace(
            CAMERAS[self.camera],
            objects=(*objects, Product(HANDS[self.hand], anywhere(start)), Product(PAD, self.place(fence))),
            least=len(objects) + 2,
            named=("hand", "pad"),
            arena=fence,
            clearance=CLEARANCE,
            shuffled=True,
            kinds=KIND + 1,
        )
        world = self.room(variant)
        contact = Contact(world.about, world.half_width, fence=fence)
        control = Push(CONTROLS[self.control](world, Span(STEP, area)), contact)
        return self.play(world, control, PushOnto(world.about, hues))

    def place(self, fence: Rectangle) -> Distribution:
        """Where the pad lies, as x and y."""
        if self.goal == "anywhere":
            return anywhere(fence)
        x, y, half_x, half_y = shrunk(fence, PAD_RADIUS)
        return Product(Choice("x", (x - half_x,)), Choice("y", (y - half_y,)))


def shrunk(area: Rectangle, by: float) -> Rectangle:
    """A rectangle whose edges lie `by` metres farther inward."""
    return area[0], area[1], area[2] - by, area[3] - by


def anywhere(area: Rectangle) -> Distribution:
    """x and y, uniform in a rectangle."""
    x, y, half_x, half_y = area
    return Product(Uniform("x", x - half_x, x + half_x), Uniform("y", y - half_y, y + half_y))
