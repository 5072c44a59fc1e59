"""What a picture can tell of things: their true factors as the camera sees them.

A room is looked at from anywhere: whoever sees one thing alone cannot know where in the room it stands, but where in the
picture. So place, size and heading are counted from the camera; nothing else of the factors changes.

    position    across (to the right) and down, of the point that a thing stands on; 1 is half the height of the picture
    size        metres over the distance, in the same unit; the number of the class where sizes are finite
    shape, material, colour     numbers of classes; of continuous colours hue, as an angle, and saturation
    heading     against the line of sight, an angle; of a body of which k headings look alike, k times as much; NaN for a
                body of revolution

A flat world has no camera: its places, sizes and rotations are as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from objrep_gym.scenes.world import World

PROPERTIES = {
    "across": "position",
    "down": "position",
    "size": "size",
    "shape": "shape",
    "material": "material",
    "colour": "colour",
    "hue": "hue",
    "saturation": "saturation",
    "heading": "heading",
}
"""Which property of a thing each of the names tells of."""
ALIASES = {"scale": "size", "rotation": "heading", "orientation": "heading"}
ANGLES = ("hue", "heading")


@dataclass(frozen=True)
class Seen:
    """Things of N scenes: `values` (N, E, P), NaN where there is nothing; by column a name of PROPERTIES and a kind: a
    number is a "line", an angle in radians a "circle", the number of a class "classes"."""

    values: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...]


def seen(world: World, factors: np.ndarray) -> Seen:
    """The factors (N, E, F) of a world's scenes as its pictures show them. Raises ValueError on a world whose things have
    no place."""
    names = [ALIASES.get(name, name) for name in world.about.factors]
    if not {"x", "y"} <= set(names):
        raise ValueError(f"things with {', '.join(world.about.factors)} have no place x, y that could be looked for")
    known = dict(zip(names, np.moveaxis(factors.astype(np.float64), -1, 0), strict=True))
    finite = {name for name, count in zip(names, world.about.sizes, strict=True) if count}
    found = {**known, **(through(world, known, factors, finite) if hasattr(world, "cameras") else flat(known))}
    if "hue" in found:
        found["hue"] = 2 * np.pi * found["hue"]
    if "heading" in found:
        found["heading"] = as_it_looks(world, found["heading"], known.get("shape"))
    told = [name for name in PROPERTIES if name in found]
    kinds = ["classes" if name in finite else "circle" if name in ANGLES else "line" for name in told]
    return Seen(np.stack([found[name] for name in told], axis=-1), tuple(told), tuple(kinds))


def flat(known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Places in a world that is its own picture."""
    return {"across": known["x"], "down": known["y"]}


def through(world: Any, known: Mapping[str, np.ndarray], factors: np.ndarray, finite: set[str]) -> dict[str, np.ndarray]:
    """Places, sizes and headings as a camera sees them."""
    cameras = world.cameras(factors)
    place = np.stack([known["x"], known["y"], known.get("z", np.zeros_like(known["x"]))], axis=-1)
    ray = place - cameras.position[:, None]
    ahead, across, up = (np.einsum("nei,ni->ne", ray, axis) for axis in (cameras.forward, cameras.right, cameras.up))
    ahead = np.where(ahead > 0, ahead, np.nan) * np.tan(cameras.fov / 2)
    found = {"across": across / ahead, "down": -up / ahead}
    if "size" in known and "size" not in finite:
        found["size"] = known["size"] / ahead
    if "heading" in known:
        found["heading"] = known["heading"] - np.arctan2(ray[..., 1], ray[..., 0])
    return found


def as_it_looks(world: Any, heading: np.ndarray, shape: np.ndarray | None) -> np.ndarray:
    """Headings in [0, 2π) that differ where the looks of their things do."""
    alike = np.ones(heading.shape)
    if shape is not None and hasattr(world, "symmetries"):
        alike = np.asarray(world.symmetries, float)[np.nan_to_num(shape).astype(int)]
    return np.where(alike > 0, np.mod(heading * alike, 2 * np.pi), np.nan)
