"""Things that an agent or an encoder is not shown while it learns: sets of colours, of shapes, of combinations of both.

A held-out set is a distribution like any other. `THINGS` draws from a base without it ("seen-…") or from within it
("unseen-…"), and its `contains` says of any thing which of the two it is.
"""

from objrep_gym.scenes.factors import Choice, Distribution, Mixture, Product, Uniform, Without
from objrep_gym.scenes.shapes import SHAPES

TRIES = 32  # of draws that miss the hole: a third of all things held out are met 32 times in a row once in 10^15

# Two ranges far apart, and sets of shapes with more than one, so that held-out things too can differ from each other.
HELD_OUT: dict[str, Distribution] = {
    "colours": Mixture((Uniform("hue", 0.05, 0.2), Uniform("hue", 0.4, 0.55))),  # orange to yellow, green to cyan
    "shapes": Choice("shape", (SHAPES.index("capsule"), SHAPES.index("icosahedron"))),
    "combinations": Product(  # red to green, of shapes that are seen in all other colours
        Choice("shape", tuple(SHAPES.index(name) for name in ("cube", "cylinder", "frame"))), Uniform("hue", 0.0, 0.4)
    ),
}
THINGS = ("any", *(f"{part}-{name}" for name in HELD_OUT for part in ("seen", "unseen")))


def things(name: str, base: Distribution, *holes: Distribution) -> Distribution:
    """Things of `base`, those of THINGS[name], never those of `holes`. Raises ValueError on an unknown name."""
    if name not in THINGS:
        raise ValueError(f"things {name!r} are none of {', '.join(THINGS)}")
    part, _, which = name.partition("-")
    if part == "unseen":
        base = Product(base, HELD_OUT[which])
    if part == "seen":
        return Without(base, Mixture((*holes, HELD_OUT[which])), TRIES)
    return Without(base, Mixture(holes)) if holes else base
