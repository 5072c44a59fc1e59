"""The engines by name; mujoco and numba are each loaded only for the one that needs it."""

import numpy as np

from objrep_gym.scenes.view import Engine, Light

ENGINES = ("opengl", "raycast")
PROFILES = ("fast", "pretty")
PRETTY_RAYS = 4  # for a pixel's colour, in a row and in a column


def make_engine(name: str, size: tuple[int, int], light: Light, sky: np.ndarray, profile: str) -> Engine:
    """An engine for pictures of one size. Raises ValueError on an unknown name or profile."""
    if name not in ENGINES:
        raise ValueError(f"engine {name!r} is none of {', '.join(ENGINES)}")
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} is none of {', '.join(PROFILES)}")
    if name == "raycast":
        from objrep_gym.scenes.raycast import RayCaster

        return RayCaster(size, light, sky, antialias=PRETTY_RAYS if profile == "pretty" else 1)
    from objrep_gym.scenes.opengl import OpenGL

    return OpenGL(size, light, sky, profile)
