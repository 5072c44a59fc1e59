# pyright: reportAttributeAccessIssue=false
# (mujoco ships no types of its C API)
"""How fast a room becomes pixels: our engines beside `mujoco.Renderer`, as it comes and as well as it can be set.

All routes draw the same scenes, scene edits included, in turns within one process; figures are medians over rounds of the
process's CPU time, all threads together, since wall time on a busy machine says little.
"""

import importlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import mujoco
import numpy as np

from objrep_gym.scenes.engines import installed
from objrep_gym.scenes.headless import probe
from objrep_gym.scenes.looks import LOOKS
from objrep_gym.scenes.mounts import FIELD_OF_VIEW
from objrep_gym.scenes.opengl import FAR, NEAR
from objrep_gym.scenes.palette import SKY, rgb
from objrep_gym.scenes.room import LIGHT, Room, draw_list
from objrep_gym.scenes.shapes import MESHES, SHAPES
from objrep_gym.scenes.view import Cameras
from objrep_gym.scenes.world import scene_streams

PASSES = {"rgb": ("image",), "rgb+ids+depth": ("image", "mask", "depth")}
TUNED, DEFAULT = "mujoco.Renderer tuned", "mujoco.Renderer default"
MESH_SCALE = 0.36  # a mesh cannot be scaled in place: the Renderer draws all of them at the mean size
Route = Callable[[Sequence[str]], int]
GEOMS = {"cube": "BOX", "sphere": "SPHERE", "cylinder": "CYLINDER", "capsule": "CAPSULE"}


class ModelRoom:
    """A room as a MuJoCo model whose fields are edited in place, drawn by `mujoco.Renderer`."""

    def __init__(self, room: Room, tuned: bool):
        self.room = room
        self.model = self.build(len(room.variant.objects), room.size, tuned)
        self.data = mujoco.MjData(self.model)
        self.kinds = np.array([getattr(mujoco.mjtGeom, f"mjGEOM_{GEOMS.get(name, 'MESH')}") for name in SHAPES], int)
        self.meshes = np.array([self.model.mesh(name).id if name in MESHES else -1 for name in SHAPES])
        self.own_axes = np.stack([self.axes_of_inertia(mesh) for mesh in self.meshes.tolist()])
        self.is_long = np.array([name in ("cylinder", "capsule") for name in SHAPES])
        self.renderer = mujoco.Renderer(self.model, *room.size)

    def build(self, count: int, size: tuple[int, int], tuned: bool) -> mujoco.MjModel:
        """Floor, walls, sky and a pool of `count` geoms; `tuned` drops multisampling, shadows and fine tessellation."""
        spec = mujoco.MjSpec()
        spec.visual.global_.offheight, spec.visual.global_.offwidth = size
        spec.stat.extent, spec.visual.map.znear, spec.visual.map.zfar = 1.0, NEAR, FAR
        spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [LIGHT.ambient] * 3, [LIGHT.camera] * 3
        if tuned:
            spec.visual.quality.offsamples = spec.visual.quality.shadowsize = 0
            spec.visual.quality.numslices, spec.visual.quality.numstacks = 16, 8
        sky = rgb(np.array(SKY))
        flat, skybox = mujoco.mjtBuiltin.mjBUILTIN_FLAT, mujoco.mjtTexture.mjTEXTURE_SKYBOX
        spec.add_texture(name="sky", type=skybox, builtin=flat, rgb1=sky, rgb2=sky, width=4, height=24)
        for name, mesh in MESHES.items():
            vertices, faces = mesh()
            spec.add_mesh(name=name, uservert=(MESH_SCALE * vertices).ravel(), userface=faces.ravel())
        directional = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        light = spec.worldbody.add_light(type=directional, dir=LIGHT.direction, castshadow=not tuned)
        light.diffuse, light.ambient, light.specular = [LIGHT.distant] * 3, [0.0] * 3, [0.0] * 3
        spec.worldbody.add_camera(name="camera", fovy=np.degrees(FIELD_OF_VIEW))
        spec.add_material(name="matt", specular=0, shininess=0)
        for _ in range(5 + count):
            # not where the body is, or MuJoCo would take their frames for the same and pass over edits
            geom = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(1, 1, 1), material="matt")
            geom.pos, geom.quat = (1, 2, 3), (0.5, 0.5, 0.5, 0.5)
        return spec.compile()

    def axes_of_inertia(self, mesh: int) -> np.ndarray:
        """How MuJoCo turned a mesh when it was compiled, (3, 3); the identity for what is no mesh (-1)."""
        turn = np.eye(3).ravel()
        if mesh >= 0:
            mujoco.mju_quat2Mat(turn, self.model.mesh_quat[mesh])
        return turn.reshape(3, 3)

    def render(self, scenes: np.ndarray, outputs: Sequence[str]) -> list[list[np.ndarray]]:
        """Edit the model to one scene (E, F) after the other and draw each output in a pass of its own."""
        surfaces, things = draw_list(scenes, LOOKS["plain"])
        solids, cameras = surfaces + things, self.room.cameras(scenes)
        kinds, meshes = self.kinds[solids.shape], self.meshes[solids.shape]
        turns = (solids.axes @ self.own_axes[solids.shape]).reshape(*solids.shape.shape, 9)
        looks = camera_axes(cameras).reshape(-1, 9)
        sizes = solids.extents.copy()  # MjModel has radius and half length, where MjvGeom has two radii first
        sizes[self.is_long[solids.shape], 1] = sizes[self.is_long[solids.shape], 2]
        pictures, model = [], self.model
        for i in range(len(scenes)):
            model.geom_type[:], model.geom_dataid[:] = kinds[i], meshes[i]
            model.geom_pos[:], model.geom_size[:] = solids.centre[i], sizes[i]
            model.geom_rgba[:, :3], model.geom_rgba[:, 3] = solids.rgb[i], solids.present[i]
            for quaternion, turn in zip(model.geom_quat, turns[i], strict=True):
                mujoco.mju_mat2Quat(quaternion, turn)
            model.cam_pos[0] = cameras.position[i]
            mujoco.mju_mat2Quat(model.cam_quat[0], looks[i])
            pictures.append(self.draw(outputs))
        return pictures

    def draw(self, outputs: Sequence[str]) -> list[np.ndarray]:
        """The model as it is: RGB, then ids, then metres."""
        mujoco.mj_forward(self.model, self.data)
        self.renderer.update_scene(self.data, camera="camera")
        drawn = [self.renderer.render()]
        if "mask" in outputs:
            self.renderer.enable_segmentation_rendering()
            drawn.append(self.renderer.render())
            self.renderer.disable_segmentation_rendering()
        if "depth" in outputs:
            self.renderer.enable_depth_rendering()
            drawn.append(self.renderer.render())
            self.renderer.disable_depth_rendering()
        return drawn

    def close(self) -> None:
        self.renderer.close()


def camera_axes(cameras: Cameras) -> np.ndarray:
    """Rotations (N, 3, 3) of cameras in MuJoCo's convention: x right, y up, z backward."""
    return np.stack([cameras.right, cameras.up, -cameras.forward], axis=-1)


def renderers_find_opengl() -> None:
    """Have `mujoco.Renderer` use the library that works here: MuJoCo reads MUJOCO_GL only when it is imported."""
    os.environ["MUJOCO_GL"] = probe()
    importlib.reload(importlib.import_module("mujoco.rendering.classic.gl_context"))


def bench_render(size: int = 64, rounds: int = 15, frames: int = 64) -> Iterator[dict[str, Any]]:
    """One record a route and output: `route, size, look, outputs, us_per_frame, frames_per_second` and, in the plain look,
    `ratio_to_tuned_renderer` and `ratio_to_default_renderer` (> 1 is faster than that Renderer).

    All draw given scenes but `raycast` and `warp`, whose figures are from seeds to arrays: they draw the scenes' factors as
    well. What is compiled is compiled in the round that is not counted, as OpenGL's contexts are made there. `warp` is left
    out where its extra is not installed; on a GPU its figures are wall time, as one waits there for no CPU.
    frames: a round of the tuned routes; the default Renderer, a hundred times slower, draws two a round."""
    renderers_find_opengl()
    rooms = {
        (engine, look): Room(look=look, size=(size, size), engine=engine)
        for engine in installed()
        for look in ("plain", "published")
    }
    models = {name: ModelRoom(rooms["opengl", "plain"], tuned=name == TUNED) for name in (TUNED, DEFAULT)}
    try:
        times = interleave(routes_of(rooms, models, frames), rounds)
    finally:
        for drawn in (*models.values(), *rooms.values()):
            drawn.close()
    yield from records(times, size)


def routes_of(
    rooms: dict[tuple[str, str], Room], models: dict[str, ModelRoom], frames: int
) -> dict[tuple[str, str], Route]:
    """What is compared: by name and look, a function that draws and says how many pictures."""
    seeds = partial(scene_streams, 0, "test", 0, frames)
    scenes = rooms["opengl", "plain"].sample(seeds(), frames)

    def draw(room: Room, outputs: Sequence[str], at_once: int = frames) -> int:
        return sum(len(room.render(scenes[i : i + at_once], outputs).image) for i in range(0, frames, at_once))

    def sample_and_draw(room: Room, outputs: Sequence[str]) -> int:
        return len(room.render(room.sample(seeds(), frames), outputs).image)

    routes: dict[tuple[str, str], Route] = {
        (DEFAULT, "plain"): lambda outputs: len(models[DEFAULT].render(scenes[:2], outputs)),
        (TUNED, "plain"): lambda outputs: len(models[TUNED].render(scenes, outputs)),
    }
    for (engine, look), room in rooms.items():
        given = engine if engine == "opengl" else f"{engine}, scenes given"
        routes[given, look] = partial(draw, room)
        routes[f"{engine} one by one", look] = partial(draw, room, at_once=1)
        if engine != "opengl":
            routes[engine, look] = partial(sample_and_draw, room)
    return routes


def interleave(routes: dict, rounds: int) -> dict[tuple, float]:
    """Median seconds a frame of each route and output; every round runs all of them, after one that is not counted."""
    turns = [(*route, output) for route in routes for output in PASSES]
    how = [(routes[turn[:2]], PASSES[turn[2]], clock_of(turn[0])) for turn in turns]
    spent = [[seconds_per_frame(*one) for one in how] for _ in range(rounds + 1)]
    return dict(zip(turns, np.median(spent[1:], axis=0).tolist(), strict=True))


def clock_of(route: str) -> Callable[[], float]:
    """What a route's time is read from: CPU time of this process, or wall time if a GPU does the work."""
    if not route.startswith("warp"):
        return time.process_time
    from objrep_gym.scenes.warp_engine import chosen_device

    return time.perf_counter if chosen_device(None).is_cuda else time.process_time


def seconds_per_frame(run: Route, outputs: Sequence[str], clock: Callable[[], float]) -> float:
    """Seconds of one run by a clock, over the frames that it says it drew."""
    began = clock()
    frames = run(outputs)
    return (clock() - began) / frames


def records(times: dict[tuple, float], size: int) -> Iterator[dict[str, Any]]:
    """Medians as the records that `bench_render` promises."""
    for (route, look, outputs), seconds in times.items():
        record = {"route": route, "size": size, "look": look, "outputs": outputs}
        record |= {"us_per_frame": round(1e6 * seconds, 1), "frames_per_second": round(1 / seconds, 1)}
        if look == "plain":
            for name, rival in (("tuned", TUNED), ("default", DEFAULT)):
                record[f"ratio_to_{name}_renderer"] = round(times[rival, look, outputs] / seconds, 2)
        yield record
