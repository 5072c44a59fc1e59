"""Looks: what pictures of one and the same scene have beside shaded solids, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from objrep_gym.scenes.palette import greyed
from objrep_gym.scenes.shapes import Solids
from objrep_gym.scenes.textures import TEXTURES
from objrep_gym.scenes.things import KINDS, Catalogue, Kind, Piece


@dataclass(frozen=True)
class Look:
    """What is drawn. `floor` and `wall`: textures by name, "" for none; `shade`: what they leave of the light on average,
    where that is much less than all, so that shadows, which have no texture, are as much darker. `shadows`: hard cast ones.
    `belts`: things are of two tones. `grey`: luminance alone."""

    floor: str = ""
    wall: str = ""
    shade: float = 1.0
    shadows: bool = False
    belts: bool = False
    grey: bool = False

    @property
    def textures(self) -> tuple[int, int]:
        """Numbers of the textures of floor and walls, as `Solids` has them."""
        return texture_number(self.floor), texture_number(self.wall)

    def tinted(self, solids: Solids) -> Solids:
        """A draw list as this look colours it."""
        return replace(solids, rgb=greyed(solids.rgb)) if self.grey else solids


def texture_number(name: str) -> int:
    """0 for none, else 1 + its place in TEXTURES."""
    return 1 + TEXTURES.index(name) if name else 0


LOOKS = {
    "published": Look("floor", "wall", shadows=True),
    "plain": Look(),
    "textured": Look("chequers", "stripes", shade=0.7, shadows=True, belts=True),
    "grey": Look("floor", "wall", shadows=True, grey=True),
}

BELTS = {  # the second piece of each solid: a little wider than the solid, about half as high
    "cube": Piece("cube", (0.76, 0.76, 0.34), (0.0, 0.0, 0.74), "opposite"),
    "sphere": Piece("cylinder", (0.92, 0.92, 0.3), (0.0, 0.0, 0.9), "opposite"),
    "cylinder": Piece("cylinder", (0.57, 0.57, 0.45), (0.0, 0.0, 1.0), "opposite"),
    "capsule": Piece("cylinder", (0.52, 0.52, 0.45), (0.0, 0.0, 1.05), "opposite"),
    "icosahedron": Piece("cylinder", (0.96, 0.96, 0.28), (0.0, 0.0, 0.85), "opposite"),
    "frame": Piece("cube", (0.7, 0.26, 0.125), (0.0, 0.0, 0.125), "opposite"),
}


def belted(kind: Kind, belts: Mapping[str, Piece] = BELTS) -> Kind:
    """A kind of one solid with a belt of the opposite hue; others as they are."""
    return replace(kind, pieces=(*kind.pieces, belts[kind.name])) if kind.name in belts else kind


BELTED_THINGS = Catalogue([belted(kind) for kind in KINDS])
