# pyright: reportAttributeAccessIssue=false
# (mujoco ships no types of its C API)
"""Contact: what a hand moves that walks into things, by MuJoCo.

A scene is its factors and nothing else, so each step of the hand starts from rest, and what was pushed lies still when it
ends: things slide as on a carpet. In the model a thing is a prism on the floor that slides along x and y and turns about
itself: a box for a cube or a frame, a circle of its footprint for everything else (MuJoCo's spheres, all at one height, are
exactly that, and its cheapest pair). The damping is mass over substep, by explicit Euler: what nothing pushes stops within
one substep. The hand is driven in the same way, along a straight line, and has HAND_MASS times a thing's mass: it falls
short by a twentieth of its step for each thing that it pushes, and what cannot give way stops it.

The model is compiled once; kinds, sizes and the walls' places are written into it for each scene (a compilation takes
700 µs). Scenes in which the hand meets nothing are not simulated at all. Measured on two busy cores: 130 µs a scene, that
is 30 µs a step of a random hand, and 70 of one that pushes; overlaps are below 2 mm after 99 of 100 of them. With two
threads `mujoco.rollout` takes two thirds of that if all scenes of a batch are simulated, but its threads do not survive a
fork.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from objrep_gym.envs.bodies import Bodies, position
from objrep_gym.scenes.things import FOOTPRINTS, KINDS, SOLID_THINGS
from objrep_gym.scenes.world import About

SUBSTEPS = 10  # of the hand's way, then
SETTLING = 2  # in which it waits, and things that overlap yet come apart
SUBSTEP = 0.02  # seconds, in name only: nothing here depends on how fast it goes
HAND_MASS = 20.0  # times that of a thing: 50 pressed things that were wedged in a corner into each other by 5 cm, 20 by 1
INERTIA = 0.05  # of a thing of mass 1, in metres²: somewhat more than a disc of its size, so that it can be pushed straight
FRICTION = 0.5  # between the hand and things; things slide along each other and along walls
CORRECTION = 0.8  # part of an overlap that one substep takes back; at 1 some jams burst
STIFFNESS = 0.9999  # MuJoCo's impedance, the largest that it allows

BOXES = {"cube": (0.74, 0.74), "frame": (0.866, 0.24)}  # half widths along their own x and y, at size 1
HALVES = np.array([BOXES.get(kind.name, (kind.footprint,) * 2) for kind in KINDS])
ROUND = np.array([kind.name not in BOXES for kind in KINDS])
HEIGHT = 0.2  # metres, of boxes; nothing depends on it
ABSENT = 0.1  # metres, the size of what is not there and meets nothing
BOX_GEOM, SPHERE_GEOM = 6, 2  # mujoco.mjtGeom's numbers, without loading it

Rectangle = tuple[float, float, float, float]
EVERYWHERE: Rectangle = (0.0, 0.0, math.inf, math.inf)


class Contact:
    """The things of a world as the `hand` meets them: all its entities but the background and what is flat, like a pad.

    Walls, `half_width` metres from the middle of the floor, stop things. `fence` is a rectangle that no thing's middle
    leaves, x and y of its own middle and its half widths in metres. Raises ValueError on a world without that hand.
    """

    def __init__(self, about: About, half_width: float, hand: str = "hand", fence: Rectangle = EVERYWHERE):
        self.hand = Bodies(about, (hand,))
        self.things = Bodies(about, [name for name in about.entities[about.background :] if name != hand])
        self.stand = np.array([*self.things.place, position("heading", about.factors, "factor")], dtype=np.intp)
        middle, half = np.array(fence[:2]), np.array(fence[2:])
        self.half_width, self.low, self.high = half_width, middle - half, middle + half
        self.made: tuple[Any, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "made": None}

    def push(self, factors: np.ndarray, start: np.ndarray) -> None:
        """The hand went from `start` (N, 2), in metres, to where it stands in `factors` (N, E, F): moves what it met, and
        takes it back as far as that held it up. In place."""
        met = np.flatnonzero(self.meets(factors, start, self.there(factors)))
        if not len(met):
            return
        prisms = self.prisms(factors[met])
        for k, i in enumerate(met):
            self.simulate(factors[i], start[i], Prisms(*(part[k] for part in prisms)))

    def there(self, factors: np.ndarray) -> np.ndarray:
        """bool (N, R): which things exist and are no marks on the floor."""
        shapes = factors[:, self.things.rows, self.things.shape]
        exists = shapes == shapes
        return exists & ~SOLID_THINGS.flat[np.where(exists, shapes, 0).astype(np.intp)]

    def meets(self, factors: np.ndarray, start: np.ndarray, there: np.ndarray) -> np.ndarray:
        """bool (N,): does the hand's circle come upon that of a thing on its way?"""
        way = self.hand.places(factors)[:, 0] - start
        away = self.things.places(factors) - start[:, None]  # (N, R, 2)
        length = (way * way).sum(axis=-1)
        share = np.einsum("nri,ni->nr", away, way) / np.where(length > 0, length, 1)[:, None]
        away = away - np.clip(share, 0, 1)[..., None] * way[:, None]
        radii = self.things.radii(factors) + self.hand.radii(factors)
        return np.asarray((there & ((away * away).sum(axis=-1) < radii * radii)).any(axis=1))

    def prisms(self, factors: np.ndarray) -> "Prisms":
        """What the model is to hold of scenes (N, E, F)."""
        there = self.there(factors)
        there = np.concatenate([np.ones((len(there), 1), bool), there], axis=1)
        entities = np.concatenate([self.hand.rows, self.things.rows])
        kinds = np.where(there, factors[:, entities, self.things.shape], 0).astype(np.intp)
        sizes = np.where(there, factors[:, entities, self.things.size], ABSENT).astype(float)
        round_, radii = ROUND[kinds], FOOTPRINTS[kinds] * sizes
        sides = np.where(round_[..., None], radii[..., None], HALVES[kinds] * sizes[..., None])
        heights = np.where(round_, radii, HEIGHT)
        halves = np.concatenate([sides, heights[..., None]], axis=-1)
        around = np.where(round_, radii, np.sqrt((halves * halves).sum(axis=-1)))
        wall = self.half_width - radii[:, 1:, None]
        spans = np.stack([np.maximum(-wall, self.low), np.minimum(wall, self.high)], axis=-1)
        return Prisms(there, round_, halves, around, np.where(there[:, 1:, None, None], spans, (-1.0, 1.0)))

    def simulate(self, scene: np.ndarray, start: np.ndarray, prisms: "Prisms") -> None:
        """The hand's step in one scene (E, F), in place."""
        import mujoco

        model, data = self.furnish(scene, start, prisms)
        hand, there = self.hand.rows[0], prisms.there[1:]
        speed = (scene[hand, self.hand.place] - start) / (SUBSTEPS * SUBSTEP)
        data.qfrc_applied[:2] = speed * HAND_MASS / SUBSTEP
        mujoco.mj_step(model, data, SUBSTEPS)
        data.qfrc_applied[:2] = 0.0
        mujoco.mj_step(model, data, SETTLING)
        things = data.qpos[2:].reshape(-1, 3)[there]
        things[:, 2] %= 2 * np.pi
        scene[hand, self.hand.place] = data.qpos[:2]
        scene[self.things.rows[there, None], self.stand] = things

    def furnish(self, scene: np.ndarray, start: np.ndarray, prisms: "Prisms") -> tuple[Any, Any]:
        """The model and its data, at rest: one scene (E, F) with the hand at `start`."""
        import mujoco

        there = prisms.there[1:]
        model, data = self.made = self.made or build(len(there))
        prisms.put(model)
        mujoco.mj_resetData(model, data)
        data.qpos[:2] = start
        data.qpos[2:].reshape(-1, 3)[there] = scene[self.things.rows[there, None], self.stand]
        return model, data


class Prisms(NamedTuple):
    """What stands on the floors of N scenes, the hand first; or of one, without the first axis.

    there bool (N, R + 1). round bool (N, R + 1). halves (N, R + 1, 3): half widths in metres. around (N, R + 1): radius of
    the ball that holds it. spans (N, R, 2, 2): least and greatest x, and y, of things' middles.
    """

    there: np.ndarray
    round: np.ndarray
    halves: np.ndarray
    around: np.ndarray
    spans: np.ndarray

    def put(self, model: Any) -> None:
        """Writes those of one scene into the model."""
        model.geom_type[:] = np.where(self.round, SPHERE_GEOM, BOX_GEOM)
        model.geom_size[:] = model.geom_aabb[:, 3:] = self.halves
        model.geom_rbound[:] = self.around
        model.geom_contype[:] = model.geom_conaffinity[:] = self.there
        model.jnt_range[2:].reshape(-1, 3, 2)[:, :2] = self.spans  # the third joint turns


def describe(things: int) -> Any:
    """MuJoCo's description of a hand and so many things, all boxes of one size, as an MjSpec."""
    import mujoco

    spec = mujoco.MjSpec()
    spec.option.timestep, spec.option.gravity = SUBSTEP, (0, 0, 0)
    spec.option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    idle = ("EULERDAMP", "GRAVITY", "WARMSTART", "SPRING", "EQUALITY", "FRICTIONLOSS")
    spec.option.disableflags = sum(int(getattr(mujoco.mjtDisableBit, f"mjDSBL_{name}")) for name in idle)
    stiff = {"solref": (-CORRECTION / SUBSTEP**2, -1 / SUBSTEP), "solimp": (STIFFNESS, STIFFNESS, 0.001, 0.5, 2)}
    for k in range(1 + things):
        mass = 1.0 if k else HAND_MASS
        body = spec.worldbody.add_body(mass=mass, inertia=[INERTIA] * 3, explicitinertial=True)
        for axis in ((1, 0, 0), (0, 1, 0)):
            joint = body.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis, damping=mass / SUBSTEP)
            joint.limited, joint.range = k > 0, (-1, 1)
            joint.solref_limit, joint.solimp_limit = stiff["solref"], stiff["solimp"]
        if k:
            body.add_joint(type=mujoco.mjtJoint.mjJNT_HINGE, axis=(0, 0, 1), damping=INERTIA / SUBSTEP)
        friction = {"condim": 1 if k else 3, "friction": (FRICTION, 0, 0)}
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(HEIGHT,) * 3, **friction, **stiff)
    return spec


def build(things: int) -> tuple[Any, Any]:
    """The model of a hand and so many things, and its data."""
    import mujoco

    model = describe(things).compile()
    return model, mujoco.MjData(model)
