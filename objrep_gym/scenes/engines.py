"""The engines by name; mujoco, numba and warp are each loaded only for the one that needs it."""

from importlib.util import find_spec

import numpy as np

from objrep_gym.scenes.view import Engine, Light
from objrep_gym.scenes.world import check_name

ENGINES = ("opengl", "raycast", "warp")
EXTRAS = {"warp": ("mujoco_warp", "gpu-sim")}  # engines that need more than the package itself: a module, and its extra
PROFILES = ("fast", "pretty")
PRETTY_RAYS = 4  # for a pixel's colour, in a row and in a column


class NoEngine(ImportError):
    """An engine's extra is not installed; the message says what installs it."""


def make_engine(name: str, size: tuple[int, int], light: Light, sky: np.ndarray, profile: str) -> Engine:
    """An engine for pictures of one size. Raises ValueError on an unknown name or profile, and NoEngine on an engine whose
    extra is not installed."""
    check_name("engine", name, ENGINES)
    check_name("profile", profile, PROFILES)
    check_installed(name)
    antialias = PRETTY_RAYS if profile == "pretty" else 1
    if name == "raycast":
        from objrep_gym.scenes.raycast import RayCaster

        return RayCaster(size, light, sky, antialias)
    if name == "warp":
        from objrep_gym.scenes.warp_engine import WarpRenderer

        return WarpRenderer(size, light, sky, antialias)
    from objrep_gym.scenes.opengl import OpenGL

    return OpenGL(size, light, sky, profile)


def installed() -> tuple[str, ...]:
    """The engines that this installation has all packages of."""
    return tuple(name for name in ENGINES if name not in EXTRAS or find_spec(EXTRAS[name][0]))


def check_installed(name: str) -> None:
    """Raises NoEngine, with the command that helps, if an engine's extra is missing."""
    if name not in installed():
        module, extra = EXTRAS[name]
        others = " and ".join(repr(other) for other in installed())
        raise NoEngine(
            f"engine {name!r} needs {module.replace('_', '-')}: pip install 'objrep-gym[{extra}]'; the engines {others} do "
            "without",
            name=module,
        )
