# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# (warp and mujoco-warp are an extra; mujoco ships no types of its C API)
"""The mujoco-warp engine: draw lists become one world each of mujoco-warp's batched renderer, on a GPU if there is one.

One model serves every scene: a pool of mesh geoms, which of the house's bodies each shows being a field that differs from
world to world. mujoco-warp finds what each ray meets and how far away; colours are made of that on the same device
(`warp_paint.py`), so that its pictures are those of the other engines. Without a GPU, warp's own CPU backend does all of
it, forty times as slowly as the ray caster: it is meant for tests.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import mujoco
import mujoco_warp
import numpy as np
import warp as wp

from objrep_gym.scenes import warp_kernels as kernels
from objrep_gym.scenes import warp_paint
from objrep_gym.scenes.parts import Parts, bodies, take_apart
from objrep_gym.scenes.shapes import Solids
from objrep_gym.scenes.textures import SPAN, TEXELS, TEXTURES, mip_maps
from objrep_gym.scenes.view import Cameras, Light

RAYS = 1 << 22  # at once: some 20 bytes of the device's memory each
STEP = 16  # geoms: room for them grows by as many
Drawn = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]
Struct = Any  # one of the kernels' structs, which are no types to a type checker

wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)  # or it tells stdout of every kernel, among records of JSON


class WarpRenderer:
    """Draws batches of solids at one size, with the calls of `OpenGL`.

    antialias: rays for a pixel's colour in a row and in a column; ValueError if less than 1. device: warp's name of it,
    such as "cuda:0" or "cpu"; its own choice, a GPU if there is one, if not given. What drawing needs is made at the first
    picture, and anew when the engine is unpickled."""

    def __init__(self, size: tuple[int, int], light: Light, sky: np.ndarray, antialias: int = 1, device: str | None = None):
        self.size, self.light, self.sky, self.antialias, self.device = size, light, np.asarray(sky), antialias, device
        self.stages: dict[tuple[str, int, int], Stage] = {}
        if antialias < 1:
            raise ValueError(f"antialias={antialias}: a pixel has at least one ray")

    def __getstate__(self) -> dict:
        return {**vars(self), "stages": {}}

    def render(self, solids: Solids, shadows: Solids | None, cameras: Cameras, outputs: Sequence[str]) -> Drawn:
        """Image uint8 (N, H, W, 3), and ids uint8 (N, H, W) and depth float32 (N, H, W) if `outputs` names "mask", "depth".
        `shadows` are drawn in the image alone. Raises RuntimeError on a GPU that was in use before a fork."""
        parts = take_apart(solids, cameras.position)
        own = parts.body.shape[1]
        if shadows is not None:
            parts += take_apart(shadows, cameras.position)
        n, (height, width) = len(parts.body), self.size
        image = np.empty((n, height, width, 3), np.uint8)
        ids = np.empty((n, height, width), np.uint8) if "mask" in outputs else None
        depth = np.empty((n, height, width), np.float32) if "depth" in outputs else None
        few, axes = max(1, RAYS // (height * width * self.antialias**2)), eye_axes(cameras)
        with wp.ScopedDevice(chosen_device(self.device)):
            for start in range(0, n, few):
                rows = slice(start, min(start + few, n))
                told = (None if ids is None else ids[rows], None if depth is None else depth[rows])
                self.draw(parts[rows], own, Eyes(axes[rows], cameras.fov), (image[rows], *told))
        return image, ids, depth

    def draw(self, parts: Parts, own: int, eyes: "Eyes", into: Drawn) -> None:
        """Fill in some scenes, of whose parts the first `own` are no shadows."""
        every, (image, ids, depth) = parts.body.shape[1], into
        listed, tells = on_device(parts), ids is not None or depth is not None
        if tells and self.antialias > 1:
            stage = self.stage(len(image), own, 1)
            stage.look(listed, own, eyes)
            stage.tell(listed, ids, depth)
        stage = self.stage(len(image), every, self.antialias)
        stage.look(listed, every, eyes)
        stage.paint(listed, image)
        if tells and self.antialias == 1:
            if own < every:
                stage.lift_shadows(own)
            stage.tell(listed, ids, depth)

    def stage(self, count: int, parts: int, fineness: int) -> "Stage":
        """One that has room for so many scenes and parts, made if need be: one for each power of two of scenes."""
        worlds, room = 1 << (count - 1).bit_length(), max(1, -(-parts // STEP)) * STEP
        kind = wp.get_device().alias, worlds, fineness
        if kind not in self.stages or self.stages[kind].room < parts:
            size = self.size[0] * fineness, self.size[1] * fineness
            self.stages[kind] = Stage(worlds, room, size, as_look(self.light, self.sky, fineness))
        return self.stages[kind]

    def close(self) -> None:
        """Give the device's memory back; the next picture takes it again."""
        self.stages = {}


@dataclass(frozen=True)
class Eyes:
    """Cameras in MuJoCo's convention: axes (N, 3, 3), columns right, up and backward; vertical opening in radians."""

    axes: np.ndarray
    fov: float


class Stage:
    """mujoco-warp's model, data and context for up to `worlds` scenes of up to `room` parts each, in pictures of a size."""

    def __init__(self, worlds: int, room: int, size: tuple[int, int], lights: Struct):
        self.room, self.size, self.lights, self.fov = room, size, lights, 0.0
        pool = pool_model(room)
        self.model, self.data = mujoco_warp.put_model(pool), mujoco_warp.make_data(pool, nworld=worlds)
        outputs = {"render_rgb": False, "render_depth": True, "render_seg": True, "use_textures": False}
        how = {"use_fast_math": False, "enable_vertex_normals": False}
        self.context = mujoco_warp.create_render_context(pool, worlds, cam_res=size[::-1], **outputs, **how)
        self.context.has_orthographic_camera = True  # rays begin where they are told to, at the near plane
        self.context.zfar = float(kernels.FAR - kernels.NEAR)
        self.bodies, self.meshes = body_tables()
        self.context.mesh_bvh_id = self.bodies.mesh
        self.model.geom_dataid = wp.zeros((worlds, room), dtype=int)
        self.model.geom_rgba = wp.zeros((worlds, room), dtype=wp.vec4)
        self.data.cam_xpos.zero_()  # everything is measured from the eye
        self.geoms, self.seen = self.lay_open()

    def lay_open(self) -> tuple[Struct, Struct]:
        """The fields that scenes differ in, and what rays have met, for the kernels of our own."""
        geoms, seen, context = kernels.Geoms(), kernels.Seen(), self.context
        geoms.centre, geoms.turn = self.data.geom_xpos, self.data.geom_xmat
        geoms.rgba, geoms.mesh = self.model.geom_rgba, self.model.geom_dataid
        geoms.lower, geoms.upper = context.lower, context.upper
        seen.part, seen.depth, seen.eye = context.seg_data, context.depth_data, self.data.cam_xmat
        seen.height, seen.width = self.size
        return geoms, seen

    def look(self, listed: Struct, parts: int, eyes: Eyes) -> None:
        """Send rays from every eye among the first so many parts of its scene."""
        self.data.nworld = count = len(eyes.axes)  # mujoco-warp draws as many
        if eyes.fov != self.fov:
            self.fov, (height, width) = eyes.fov, self.size
            self.seen.focal = height / 2 / float(np.tan(eyes.fov / 2))
            rays = [self.context.ray, self.context.ray_offset]
            wp.launch(kernels.aim, height * width, [self.seen.focal, height, width, *rays])
        self.data.cam_xmat[:count].assign(eyes.axes[:, None].astype(np.float32))
        wp.launch(kernels.place, (count, self.room), [listed, parts, self.geoms])
        self.grow_tree(count)
        mujoco_warp.render(self.model, self.data, self.context)

    def grow_tree(self, count: int) -> None:
        """Sort the boxes of so many scenes anew: a tree that is only refitted keeps the neighbours of an earlier batch."""
        context, boxes = self.context, count * self.room
        context.bvh = wp.Bvh(context.lower[:boxes], context.upper[:boxes], groups=context.group[:boxes])
        context.bvh_id = context.bvh.id
        wp.launch(kernels.find_roots, count, [context.bvh_id, context.group_root])

    def lift_shadows(self, own: int) -> None:
        """Have what rays have met be the nearest of the first `own` parts."""
        inputs = [self.geoms, self.bodies, self.seen, own, self.context.bvh_id, self.context.group_root]
        wp.launch(kernels.lift_shadows, (self.data.nworld, self.size[0] * self.size[1]), inputs)

    def tell(self, listed: Struct, ids: np.ndarray | None, depth: np.ndarray | None) -> None:
        """Ids and metres of what rays have met last."""
        shape = self.data.nworld, self.size[0] * self.size[1]
        if ids is not None:
            found = wp.empty(shape, dtype=wp.uint8)
            wp.launch(kernels.tell_ids, shape, [listed, self.seen, found])
            ids[:] = found.numpy().reshape(ids.shape)
        if depth is not None:
            metres = wp.empty(shape, dtype=float)
            wp.launch(kernels.tell_depth, shape, [self.seen, metres])
            depth[:] = metres.numpy().reshape(depth.shape)

    def paint(self, listed: Struct, image: np.ndarray) -> None:
        """Colours of what rays have met last."""
        pixels = image.shape[1] * image.shape[2]
        drawn = wp.empty((len(image), pixels, 3), dtype=wp.uint8)
        inputs = [listed, self.geoms, self.bodies, self.lights, self.seen, drawn]
        wp.launch(warp_paint.paint, (len(image), pixels), inputs)
        image[:] = drawn.numpy().reshape(image.shape)


@cache
def first_user() -> int:
    """The process in which warp was first used: a child that is forked later remembers its parent."""
    return os.getpid()


def chosen_device(name: str | None) -> wp.Device:
    """The device of a name, or warp's own choice. Raises RuntimeError if it is a GPU that cannot be used here."""
    device = wp.get_device(name) if name else wp.get_preferred_device()
    first_user()
    if device.is_cuda:
        check_not_forked()
    return device


def check_not_forked() -> None:
    """Raises RuntimeError if this process was forked from one that had begun to use warp: CUDA does not survive that."""
    if first_user() != os.getpid():
        raise RuntimeError(
            "engine 'warp' cannot use a GPU in a process that was forked from one that draws: start processes by spawn "
            "(context='spawn' of AsyncVectorEnv), or take a native vector environment, or engine 'raycast'"
        )


def pool_model(room: int) -> mujoco.MjModel:
    """A model of `room` mesh geoms and a camera. Its one mesh is never drawn: MuJoCo would move a mesh to its middle and
    join corners that are shaded apart, so that bodies are given to the context as they are."""
    spec = mujoco.MjSpec()
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    spec.add_mesh(name="tetrahedron", uservert=corners.ravel())
    for _ in range(room):
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="tetrahedron", contype=0, conaffinity=0)
    spec.worldbody.add_camera(name="eye")
    return spec.compile()


def body_tables() -> tuple[Struct, list[wp.Mesh]]:
    """The bodies on the device, and the meshes, which live as long as someone holds them."""
    meshes, normals = [], []
    for body in bodies():
        corners = wp.array(body.corners.astype(np.float32), dtype=wp.vec3)
        meshes.append(wp.Mesh(corners, wp.array(body.triangles.ravel(), dtype=int)))
        normals.append(body.normals[body.triangles.ravel()])
    tables = kernels.Bodies()
    tables.mesh = wp.array([mesh.id for mesh in meshes], dtype=wp.uint64)
    tables.first = wp.array(np.cumsum([0, *map(len, normals)])[:-1].astype(np.int32), dtype=int)
    tables.normals = wp.array(np.concatenate(normals).astype(np.float32), dtype=wp.vec3)
    return tables, meshes


def as_look(light: Light, sky: np.ndarray, fineness: int) -> Struct:
    """Light, sky and textures on the device."""
    look = warp_paint.Look()
    look.ambient, look.camera, look.distant, look.fineness = light.ambient, light.camera, light.distant, fineness
    look.direction, look.sky = wp.vec3(*light.direction), wp.vec3(*map(float, sky))
    levels = [mip_maps(name) for name in TEXTURES]
    texels = np.stack([np.concatenate([level.ravel() for level in maps]) for maps in levels])
    look.texels = wp.array((texels / 255).astype(np.float32), dtype=float)
    look.starts = wp.array(np.cumsum([0, *(level.size for level in levels[0])]).astype(np.int32), dtype=int)
    look.side, look.density = TEXELS, TEXELS / SPAN
    return look


def on_device(parts: Parts) -> Struct:
    """The fields of `Parts` in the types of the kernels."""
    types = {"centre": wp.vec3d, "axes": wp.mat33d, "span": wp.vec2, "rgb": wp.vec3, "entity": wp.uint8, "present": wp.bool}
    listed = kernels.Listed()
    for field in fields(parts):
        values = np.ascontiguousarray(getattr(parts, field.name))
        setattr(listed, field.name, wp.array(values, dtype=types.get(field.name, int)))
    return listed


def eye_axes(cameras: Cameras) -> np.ndarray:
    """Rotations (N, 3, 3) of cameras in MuJoCo's convention: x right, y up, z backward."""
    return np.stack([cameras.right, cameras.up, -cameras.forward], axis=-1)
