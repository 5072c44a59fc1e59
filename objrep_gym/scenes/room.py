"""Objects Room (Kabra et al. 2019; Eslami et al. 2018): a cubic room, coloured solids, a camera ring.

A scene *is* its factors: an array (E, F) with a row for each entity, numbered as in the masks, and a column for each
factor. Nothing else is kept, so an environment that moves a thing edits two numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from objrep_gym.scenes.engines import make_engine
from objrep_gym.scenes.factors import Distribution, Factors
from objrep_gym.scenes.looks import BELTED_THINGS, LOOKS, Look
from objrep_gym.scenes.palette import SKY, VIVID, greyed, rgb
from objrep_gym.scenes.placing import first_free, gaps
from objrep_gym.scenes.shapes import SYMMETRY, Solids
from objrep_gym.scenes.surfaces import HALF_WIDTH, SURFACES, draw_surfaces, shadows
from objrep_gym.scenes.things import (
    AZIMUTH,
    COLOUR,
    ELEVATION,
    FACTORS,
    KINDS,
    PLACE,
    SOLID_THINGS,
    X,
    draw_things,
    footprint,
    height,
)
from objrep_gym.scenes.variants import VARIANTS, Variant
from objrep_gym.scenes.view import Cameras, Light, View, in_pixels
from objrep_gym.scenes.world import About, Random, check_name, check_request, hold

BACKGROUND = ("sky", "floor", "wall_east", "wall_north", "wall_west", "wall_south")
LIGHT = Light(ambient=0.34, camera=0.2, distant=0.54, direction=(0.4, 0.3, -0.8660254))
LIGHTS = {  # of all, the distant lamp shines on the floor, the east wall and the north wall
    "day": LIGHT,
    "dim": Light(ambient=0.2, camera=0.1, distant=0.3, direction=LIGHT.direction),
    "evening": Light(ambient=0.22, camera=0.1, distant=0.75, direction=(0.8, 0.2, -0.5656854)),
}
PLACES = 24  # places that are tried for each object


class Room:
    """A `World` of rooms: `sample` draws scenes' factors, `render` draws pictures of them.

    variant: one of VARIANTS, or a `Variant` of your own. look: one of LOOKS: "published" (shaded, hard cast shadows, faint
    texture), "plain" (shaded, nothing else), "textured" (two-tone things, strong textures, shadows) or "grey". size: height
    and width in pixels. profile: "fast", or "pretty" with antialiasing and, in OpenGL, MuJoCo's shadow maps. light: one of
    LIGHTS. engine: "opengl"; "raycast", several times as fast and without a graphics library; or "warp", on a GPU. Raises
    ValueError on an unknown name, and NoEngine on an engine that is not installed.
    """

    half_width = HALF_WIDTH
    symmetries = tuple(SYMMETRY.get(kind.name, 0) for kind in KINDS)
    """Of each shape, how many of its headings look alike."""
    values: Mapping[str, tuple[str, ...]] = {"shape": tuple(kind.name for kind in KINDS)}
    """Names of the values of each finite factor, in the order of their numbers."""

    def __init__(
        self,
        variant: str | Variant = "train",
        look: str = "published",
        size: Sequence[int] = (64, 64),
        profile: str = "fast",
        light: str = "day",
        engine: str = "opengl",
    ):
        if isinstance(variant, str):
            check_name("variant", variant, VARIANTS)
        check_name("look", look, LOOKS)
        check_name("light", light, LIGHTS)
        self.variant = VARIANTS[variant] if isinstance(variant, str) else variant
        self.look, self.size, self.profile, self.light = look, in_pixels(size), profile, light
        self.drawn_by = engine
        plain = len(self.variant.objects) - len(self.variant.named)
        entities = (*BACKGROUND, *(f"object_{i}" for i in range(plain)), *self.variant.named)
        sizes = (self.variant.kinds,) + (0,) * (len(FACTORS) - 1)
        self.about = About(entities, FACTORS, sizes, background=len(BACKGROUND))
        self.style, sky = LOOKS[look], rgb(np.array(SKY))
        self.engine = make_engine(engine, self.size, LIGHTS[light], greyed(sky) if self.style.grey else sky, profile)
        self.presses_shadows = self.style.shadows and (engine, profile) != ("opengl", "pretty")

    def sample(self, rng: Random, n: int, fixed: Mapping[str, int | float] | None = None) -> np.ndarray:
        """Factors float32 (n, E, F) of n scenes. `fixed` holds a factor of every object ("hue") or of one entity
        ("floor.hue") at a value; what depends on it is drawn around it. Raises KeyError on a name that does not exist."""
        scenes = np.full((n, len(self.about.entities), len(FACTORS)), np.nan)
        scenes[:, 0, COLOUR] = SKY
        self.sample_surfaces(rng, scenes)
        self.sample_objects(rng, scenes)
        hold(scenes, fixed, self.about)
        tries = self.variant.mount.views(rng, n)
        scenes[:, 0, AZIMUTH], scenes[:, 0, ELEVATION] = tries[:, 0].T
        hold(scenes, fixed, self.about)
        self.sample_places(rng, scenes, fixed)
        self.choose_view(scenes, tries)
        hold(scenes, fixed, self.about)
        return scenes.astype(np.float32)

    def sample_surfaces(self, rng: Random, scenes: np.ndarray) -> None:
        """Colours of the floor and of the walls, which share theirs."""
        n = len(scenes)
        for rows in (slice(1, 2), slice(2, len(BACKGROUND))):
            colour = VIVID.sample(rng, n)
            scenes[:, rows, COLOUR] = np.stack([colour[name] for name in FACTORS[COLOUR]], axis=-1)[:, None]

    def sample_objects(self, rng: Random, scenes: np.ndarray) -> None:
        """Everything of the objects but their places; the last ones may not exist."""
        n, first = len(scenes), len(BACKGROUND)
        objects = self.variant.objects
        drawn: list[Factors] = []
        for row, one in enumerate(objects, start=first):
            drawn.append(one.sample(rng, n) if isinstance(one, Distribution) else one.beside(rng, n, drawn))
            for name, values in drawn[-1].items():
                scenes[:, row, FACTORS.index(name)] = values
        if self.variant.shuffled:
            plain = slice(first, first + len(objects) - len(self.variant.named))
            order = rng.random((n, plain.stop - first)).argsort(axis=1)
            scenes[:, plain] = np.take_along_axis(scenes[:, plain], order[..., None], axis=1)
        if self.variant.one_colour:
            scenes[:, first:, COLOUR] = scenes[:, first : first + 1, COLOUR]
        if self.variant.least < len(objects):
            count = self.variant.least + (rng.random(n) * (len(objects) - self.variant.least + 1)).astype(int)
            scenes[:, first:][np.arange(len(objects)) >= count[:, None]] = np.nan

    def sample_places(self, rng: Random, scenes: np.ndarray, fixed: Mapping[str, int | float] | None) -> None:
        """Put each object that has no place yet at the first of PLACES places that is free, or at the freest."""
        n, first = len(scenes), len(BACKGROUND)
        x, y, half_x, half_y = self.variant.arena
        drawn, taken, radii = placed_already(scenes, self.variant.mount.kept_free(scenes))
        for row in range(first, scenes.shape[1]):
            places = rng.random((n, 2 * PLACES)).reshape(n, PLACES, 2) * 2 - 1
            places = places * (half_x, half_y) + (x, y)
            own = footprint(scenes[:, row])
            chosen = first_free(gaps(places, own[:, None], taken, radii), self.variant.clearance)
            place = places[np.arange(n), chosen]
            if self.about.entities[row] in self.variant.apart:
                place = self.across(scenes, *self.variant.apart[self.about.entities[row]])
            place = np.where(drawn[:, row, None], scenes[:, row, PLACE], place)
            scenes[:, row, PLACE] = np.where(np.isnan(own)[:, None], np.nan, place)
            hold(scenes, fixed, self.about)
            taken = np.concatenate([taken, scenes[:, row, None, PLACE]], axis=1)
            radii = np.concatenate([radii, own[:, None]], axis=1)

    def across(self, scenes: np.ndarray, radius: float, angle: float) -> np.ndarray:
        """Places (N, 2), `radius` metres from the middle, `angle` radians to the right of where the camera faces."""
        camera = self.cameras(scenes).position[:, :2]
        x, y = (-radius * camera / np.linalg.norm(camera, axis=-1, keepdims=True)).T
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([x * cos + y * sin, y * cos - x * sin], axis=-1)

    def choose_view(self, scenes: np.ndarray, tries: np.ndarray) -> None:
        """Take the first of the tried views in which an object's middle is in sight, else the last."""
        if scenes.shape[1] == len(BACKGROUND) or tries.shape[1] == 1:
            return
        view = slice(AZIMUTH, ELEVATION + 1)
        scenes[:, 0, view] = tries[:, 0]
        blind = np.flatnonzero(~self.in_sight(scenes).any(axis=1))  # few: their other views are tried all at once
        more = tries.shape[1] - 1
        others = np.repeat(scenes[blind], more, axis=0)
        others[:, 0, view] = tries[blind, 1:].reshape(-1, 2)
        seen = self.in_sight(others).any(axis=1).reshape(-1, more)
        best = np.where(seen.any(axis=1), seen.argmax(axis=1), more - 1)
        scenes[blind, 0, view] = tries[blind, 1 + best]

    def in_sight(self, scenes: np.ndarray) -> np.ndarray:
        """bool (N, objects): is the object's middle inside the picture (it may still be hidden by another one)?"""
        camera, objects = self.cameras(scenes), scenes[:, len(BACKGROUND) :]
        ray = np.concatenate([objects[..., PLACE], height(objects)[..., None]], axis=-1) - camera.position[:, None]
        ahead = np.einsum("noi,ni->no", ray, camera.forward)
        reach = np.tan(camera.fov / 2) * ahead
        across, above = (np.abs(np.einsum("noi,ni->no", ray, axis)) for axis in (camera.right, camera.up))
        return (ahead > 0) & (across < reach * self.size[1] / self.size[0]) & (above < reach)

    def cameras(self, scenes: np.ndarray) -> Cameras:
        """Where each scene is looked at from."""
        return self.variant.mount.cameras(scenes)

    def render(self, factors: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """A `View` of scenes (N, E, F), with "mask" and "depth" if asked. Raises ValueError on another shape or output."""
        check_request(factors, outputs, self.about)
        surfaces, things = draw_list(factors.astype(float), self.style)
        cameras, pressed = self.cameras(factors), None
        if self.presses_shadows:
            dimmed = replace(surfaces, rgb=surfaces.rgb * self.style.shade)
            pressed = shadows(dimmed, things, cameras, LIGHTS[self.light])
        image, mask, depth = self.engine.render(surfaces + things, pressed, cameras, outputs)
        return View(image, mask, depth, factors)

    def close(self) -> None:
        """Free the engine's OpenGL context, threads, or memory on a GPU."""
        self.engine.close()


def placed_already(scenes: np.ndarray, views: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Before objects are placed: bool (N, E), which have a place by their own distribution; and what others must keep off,
    those and 1 m around `views` (N, V, 2): places (N, T, 2) and radii (N, T) in metres."""
    drawn = ~np.isnan(scenes[:, :, X])
    rows = np.flatnonzero(drawn.any(axis=0))
    places = np.concatenate([views, scenes[:, rows, PLACE]], axis=1)
    return drawn, places, np.concatenate([np.ones(views.shape[:2]), footprint(scenes[:, rows])], axis=1)


def draw_list(scenes: np.ndarray, look: Look) -> tuple[Solids, Solids]:
    """Floor and walls, and the things on the floor, of scenes (N, E, F)."""
    scenes, first = scenes.astype(float), 1 + SURFACES
    surfaces = draw_surfaces(scenes[:, 1:first], look.textures)
    things = draw_things(scenes[:, first:], first, BELTED_THINGS if look.belts else SOLID_THINGS)
    return look.tinted(surfaces), look.tinted(things)
