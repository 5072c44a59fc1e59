# pyright: reportAttributeAccessIssue=false
# (mujoco ships no types of its C API)
"""The MuJoCo OpenGL engine: draw lists become pixels, ids and metres.

MuJoCo's own path (edit a model, update its scene, render) spends most of its time in Python edits, a sky box, shadow maps
and multisampling. Here the abstract scene's memory is written directly, one copy for each picture, and the sky is filled
in afterwards where nothing was drawn. `fast` draws exactly that; `pretty` adds MuJoCo's shadow maps and antialiasing.
"""

import atexit
import ctypes
import os
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from objrep_gym.scenes.headless import open_context
from objrep_gym.scenes.shapes import MESHES, SHAPES, Solids
from objrep_gym.scenes.textures import REPEAT, TEXELS, TEXTURES, texture_image
from objrep_gym.scenes.view import Cameras, Light

NEAR, FAR = 0.05, 30.0  # clipping planes in metres
MAX_SOLIDS = 768

GEOM = np.dtype(  # mjvGeom, as mjvisualize.h lays it out
    [(name, "i4") for name in ("type", "dataid", "objtype", "objid", "category")]
    + [(name, "i4") for name in ("matid", "texid", "texuniform", "texcoord", "segid")]
    + [("size", "f4", 3), ("pos", "f4", 3), ("mat", "f4", 9), ("rgba", "f4", 4)]
    + [(name, "f4") for name in ("emission", "specular", "shininess", "reflectance")]
    + [("texrepeat", "f4", 2), ("castshadow", "u1"), ("label", "S100"), ("camdist", "f4"), ("modelrbound", "f4")]
    + [("transparent", "u1")],
    align=True,
)
CAMERA = np.dtype([("pos", "f4", 3), ("forward", "f4", 3), ("up", "f4", 3)])  # how an mjvGLCamera begins
LAMP = np.dtype([("pos", "f4", 3), ("dir", "f4", 3)])  # what an mjvLight has behind its id
SEGMENT, IDCOLOR = int(mujoco.mjtRndFlag.mjRND_SEGMENT), int(mujoco.mjtRndFlag.mjRND_IDCOLOR)


def pool_model(size: tuple[int, int], profile: str, sky: np.ndarray) -> mujoco.MjModel:
    """One geom of every shape and texture; nothing of it is simulated, contexts borrow its meshes and textures."""
    spec = mujoco.MjSpec()
    spec.visual.global_.offheight, spec.visual.global_.offwidth = size
    spec.visual.quality.offsamples = 4 if profile == "pretty" else 0
    spec.visual.quality.shadowsize = 2048 if profile == "pretty" else 0
    spec.visual.quality.numslices, spec.visual.quality.numstacks = (32, 16) if profile == "pretty" else (16, 8)
    spec.visual.quality.numquads = 1
    spec.stat.extent = 1.0
    spec.visual.map.znear, spec.visual.map.zfar, spec.visual.map.shadowclip = NEAR, FAR, 4.5
    for name, mesh in MESHES.items():
        vertices, faces = mesh()
        spec.add_mesh(name=name, uservert=vertices.ravel(), userface=faces.ravel())
    for texture in TEXTURES:
        add_texture(spec, texture)
    if profile == "pretty":
        gradient, skybox = mujoco.mjtBuiltin.mjBUILTIN_FLAT, mujoco.mjtTexture.mjTEXTURE_SKYBOX
        spec.add_texture(name="sky", type=skybox, builtin=gradient, rgb1=sky, rgb2=sky, width=4, height=24)
    for shape in SHAPES:
        kind = "box" if shape == "cube" else "mesh" if shape in MESHES else shape
        geom = spec.worldbody.add_geom(type=getattr(mujoco.mjtGeom, f"mjGEOM_{kind.upper()}"), size=(1, 1, 1))
        if shape in MESHES:
            geom.meshname = shape
    for texture in TEXTURES:
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(1, 1, 1), material=texture)
    return spec.compile()


def add_texture(spec: mujoco.MjSpec, name: str) -> None:
    """Give the model a texture of our own pixels and a material of the same name that shows it."""
    texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=TEXELS, height=TEXELS, nchannel=3)
    texture.data = texture_image(name).tobytes()
    material = spec.add_material(name=name, texrepeat=(REPEAT, REPEAT), texuniform=True, specular=0, shininess=0)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


class OpenGL:
    """Draws batches of solids at one size. The context is made at the first picture, one for each process: a forked or
    unpickled engine makes its own. Keep to one thread, as OpenGL does; `close()` gives everything back."""

    def __init__(self, size: tuple[int, int], light: Light, sky: np.ndarray, profile: str = "fast"):
        self.size, self.light, self.sky, self.profile = size, light, np.asarray(sky), profile
        self.canvas: Canvas | None = None

    def __getstate__(self) -> dict:
        return {**vars(self), "canvas": None}

    def render(
        self, solids: Solids, shadows: Solids | None, cameras: Cameras, outputs: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Image uint8 (N, H, W, 3), and ids uint8 (N, H, W) and depth float32 (N, H, W) if `outputs` names "mask", "depth".
        `shadows` are drawn in the image alone. Raises NoOpenGL, and RuntimeError if a scene has more solids than fit."""
        canvas = self.open()
        rows, counts = canvas.rows(solids)
        drawn, drawn_counts = (rows, counts) if shadows is None else canvas.rows(solids + shadows)
        n, (height, width) = len(rows), self.size
        image, ids = np.empty((n, height, width, 3), np.uint8), np.empty((n, height, width, 3), np.uint8)
        depth = np.empty((n, height, width), np.float32)
        two_passes = "mask" in outputs or ("depth" in outputs and shadows is not None)
        views = np.empty(n, CAMERA)
        views["pos"], views["forward"], views["up"] = cameras.position, cameras.forward, cameras.up
        canvas.aim(cameras.fov)
        for i in range(n):
            canvas.look(views[i])
            canvas.draw(drawn[i], drawn_counts[i], image[i], None if two_passes else depth[i])
            if two_passes:
                canvas.draw(rows[i], counts[i], ids[i], depth[i], as_ids=True)
        image, depth, mask = image[:, ::-1], depth[:, ::-1], ids[:, ::-1, :, 0]
        if self.profile == "fast":
            image[depth <= 0] = (self.sky * 255).round().astype(np.uint8)
        metres = to_metres(depth) if "depth" in outputs else None
        return np.ascontiguousarray(image), np.ascontiguousarray(mask) if "mask" in outputs else None, metres

    def open(self) -> "Canvas":
        """The canvas of this process, made if need be."""
        if self.canvas is None or self.canvas.process != os.getpid():
            self.canvas = Canvas(self.size, self.light, self.sky, self.profile)
        self.canvas.make_current()
        return self.canvas

    def close(self) -> None:
        """Free the context; the next picture would make a new one."""
        canvas, self.canvas = self.canvas, None
        if canvas is not None:
            canvas.close()


def to_metres(reversed_z: np.ndarray) -> np.ndarray:
    """Metres along the optical axis of a reversed depth buffer (1 at the near plane, 0 at the far one); inf where 0."""
    with np.errstate(divide="ignore"):
        metres = NEAR * FAR / (NEAR + reversed_z.astype(np.float64) * (FAR - NEAR))
    return np.where(reversed_z > 0, metres, np.inf).astype(np.float32)


def memory(address: int, dtype: np.dtype, count: int) -> np.ndarray:
    """A writable array over `count` records of a C struct; only as long as its owner lives."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * (dtype.itemsize * count)).from_address(address)).view(dtype)


def offset(field: str) -> int:
    """Bytes from the start of an mjvGeom to one of its fields."""
    return GEOM.fields[field][1]  # type: ignore[index]


def address(field: np.ndarray) -> int:
    """Where a field that MuJoCo shows as an array lies in memory."""
    return field.__array_interface__["data"][0]


class Canvas:
    """One process's OpenGL context and abstract scene, with the scene's memory laid open."""

    def __init__(self, size: tuple[int, int], light: Light, sky: np.ndarray, profile: str):
        self.process = os.getpid()
        self.size = size
        self.context: Any
        self.context, self.route = open_context()
        self.model = pool_model(size, profile, sky)
        self.scene = mujoco.MjvScene(self.model, MAX_SOLIDS)
        self.resources = mujoco.MjrContext(self.model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self.resources)
        self.resources.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self.rectangle = mujoco.MjrRect(0, 0, size[1], size[0])
        self.templates = self.describe_pool()
        self.is_mesh = self.templates["type"] == mujoco.mjtGeom.mjGEOM_MESH
        self.own_axes = self.templates["mat"].reshape(-1, 3, 3).astype(float)  # MuJoCo turns a mesh to its axes of inertia
        self.fov = 0.0
        self.open_memory()
        self.set_up(light, profile)
        atexit.register(self.close)

    def make_current(self) -> None:
        """Bind the context to this thread."""
        self.context.make_current()

    def describe_pool(self) -> np.ndarray:
        """One record for each shape and texture, as MuJoCo itself fills it in."""
        data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL
        camera, perturb, option = mujoco.MjvCamera(), mujoco.MjvPerturb(), mujoco.MjvOption()
        mujoco.mjv_updateScene(self.model, data, option, perturb, camera, everything, self.scene)
        records = memory(address(self.scene.geoms[0].pos) - offset("pos"), GEOM, self.scene.ngeom).copy()
        records["specular"], records["shininess"], records["reflectance"], records["label"] = 0, 0, 0, b""
        return records

    def open_memory(self) -> None:
        """Lay the arrays over the structs; raises RuntimeError if this MuJoCo lays them out in another way than we know."""
        geoms, cameras, lights = self.scene.geoms, self.scene.camera, self.scene.lights
        strides = {
            "mjvGeom": (address(geoms[1].pos) - address(geoms[0].pos), GEOM.itemsize),
            "mjvGeom.rgba": (
                address(geoms[0].rgba) - address(geoms[0].pos),
                offset("rgba") - offset("pos"),
            ),
            "mjvGLCamera.up": (address(cameras[0].up) - address(cameras[0].pos), 24),
            "mjvLight.dir": (address(lights[0].dir) - address(lights[0].pos), 12),
        }
        wrong = {name: pair for name, pair in strides.items() if pair[0] != pair[1]}
        if wrong:
            raise RuntimeError(f"mujoco {mujoco.__version__} lays out {wrong} (found, expected): please report this")
        start = address(geoms[0].pos) - offset("pos")
        self.geoms = memory(start, np.dtype((np.void, GEOM.itemsize)), MAX_SOLIDS)
        self.cameras = [memory(address(camera.pos), CAMERA, 1) for camera in cameras]
        self.headlight = memory(address(lights[0].pos), LAMP, 1)

    def set_up(self, light: Light, profile: str) -> None:
        """Lights and flags that no picture changes."""
        pretty = profile == "pretty"
        lamps = self.scene.lights
        self.scene.nlight = 2
        for lamp, diffuse, ambient in ((lamps[0], light.camera, light.ambient), (lamps[1], light.distant, 0.0)):
            lamp.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
            lamp.ambient, lamp.diffuse, lamp.specular, lamp.attenuation = (
                [ambient] * 3,
                [diffuse] * 3,
                [0.0] * 3,
                [1.0, 0, 0],
            )
        lamps[0].headlight, lamps[1].headlight = True, False
        lamps[0].castshadow, lamps[1].castshadow = False, pretty
        lamps[1].dir, lamps[1].pos = light.direction, -4 * np.asarray(light.direction)
        self.flags = self.scene.flags
        self.flags[:] = 0
        self.flags[mujoco.mjtRndFlag.mjRND_CULL_FACE] = 1
        self.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = pretty

    def rows(self, solids: Solids) -> tuple[np.ndarray, list[int]]:
        """Records (N, G) as the scene's memory wants them, those present first, and how many they are."""
        if solids.shape.shape[1] > MAX_SOLIDS:
            raise RuntimeError(f"{solids.shape.shape[1]} solids in a scene, and room for {MAX_SOLIDS}")
        kind = np.where(solids.texture > 0, len(SHAPES) - 1 + solids.texture, solids.shape)
        rows = self.templates[kind]
        rows["size"], rows["segid"] = solids.extents, solids.entity - 1
        rows["rgba"][..., :3], rows["rgba"][..., 3] = solids.rgb, 1
        rows["castshadow"] = solids.casts
        turn = solids.axes @ self.own_axes[kind]
        turn *= np.where(self.is_mesh[kind], solids.extents[..., 0], 1.0)[..., None, None]
        rows["pos"], rows["mat"] = solids.centre, turn.reshape(*kind.shape, 9)
        count = solids.present.sum(axis=1).tolist()
        if min(count, default=0) < kind.shape[1]:
            rows = np.take_along_axis(rows, np.argsort(~solids.present, axis=1, kind="stable"), axis=1)
        return rows.view(np.dtype((np.void, GEOM.itemsize))), count

    def aim(self, fov: float) -> None:
        """Set what the cameras of a batch have in common."""
        if fov == self.fov:
            return
        self.fov = fov
        for camera in self.scene.camera:
            camera.frustum_near, camera.frustum_far = NEAR, FAR
            camera.frustum_center, camera.frustum_width = 0.0, 0.0
            camera.frustum_top = NEAR * np.tan(fov / 2)
            camera.frustum_bottom = -camera.frustum_top
            camera.orthographic = 0

    def look(self, view: np.void) -> None:
        """Move both eyes and the lamp on them."""
        self.cameras[0][0] = self.cameras[1][0] = view
        self.headlight["pos"], self.headlight["dir"] = view["pos"], view["forward"]

    def draw(
        self, rows: np.ndarray, count: int, pixels: np.ndarray, depth: np.ndarray | None, as_ids: bool = False
    ) -> None:
        """One picture into `pixels`, bottom row first, and its depth buffer."""
        self.geoms[:count] = rows[:count]
        self.scene.ngeom = count
        self.flags[SEGMENT] = self.flags[IDCOLOR] = as_ids
        mujoco.mjr_render(self.rectangle, self.scene, self.resources)
        mujoco.mjr_readPixels(pixels, depth, self.rectangle, self.resources)

    def close(self) -> None:
        """Free what this process made; a forked child leaves its parent's context alone."""
        atexit.unregister(self.close)
        if self.process == os.getpid() and self.context is not None:
            self.make_current()
            self.resources.free()
            self.context.free()
        self.context = None
