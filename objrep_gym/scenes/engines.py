"""The engines by name; mujoco and numba are each loaded only for the one that needs it."""

import numpy as np

from objrep_gym.scenes.view import Engine, Light
from objrep_gym.scenes.world import check_name

ENGINES = ("opengl", "raycast")
PROFILES = ("fast", "pretty")
PRETTY_RAYS = 4  # for a pixel's colour, in a row and in a column


def make_engine(name: str, size: tuple[int, int], light: Light, sky: np.ndarray, profile: str) -> Engine:
    """An engine for pictures of one size. Raises ValueError on an unknown name or profile."""
    check_name("engine", name, ENGINES)
    check_name("profile", profile, PROFILES)
    if name == "raycast":
        from objrep_gym.scenes.raycast import RayCaster

        return RayCaster(size, light, sky, antialias=PRETTY_RAYS if profile == "pretty" else 1)
    from objrep_gym.scenes.opengl import OpenGL

    return OpenGL(size, light, sky, profile)
