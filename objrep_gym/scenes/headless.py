"""OpenGL without a display: which library there is, and contexts of it."""

import importlib
import os
import sys
from typing import Any

INSTALL = "apt-get update && apt-get install -y libegl1 libgl1"


class NoOpenGL(RuntimeError):
    """No OpenGL library on this machine can draw without a display; the message says what installs one."""


def probe() -> str:
    """The first of EGL and OSMesa that really makes a context here, `MUJOCO_GL` first if it is set. Raises NoOpenGL."""
    context, route = open_context()
    context.free()
    return route


def open_context() -> tuple[Any, str]:
    """A current headless OpenGL context and the name of the library behind it. Raises NoOpenGL with the remedy."""
    # Mesa's rasteriser threads do not survive a fork, and cost more than they gain on small pictures: 15 % of CPU at 64×64.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    failures = []
    for route in routes():
        try:
            context = importlib.import_module(f"mujoco.{route}").GLContext(64, 64)
            context.make_current()
            return context, route
        except Exception as error:  # each library fails in its own way, AttributeError and OSError among them
            failures.append(f"{route}: {type(error).__name__}: {error}")
            forget_opengl()
    tried = "; ".join(failures)
    raise NoOpenGL(f"no OpenGL library here draws without a display ({tried}). On Debian or Ubuntu: {INSTALL}")


def routes() -> tuple[str, ...]:
    """The libraries to try, in order: the one that MUJOCO_GL names, else what the system may have."""
    asked = os.environ.get("MUJOCO_GL", "").lower()
    if asked in ("egl", "osmesa", "glfw", "cgl"):
        return (asked,)
    return ("cgl",) if sys.platform == "darwin" else ("egl", "osmesa")


def forget_opengl() -> None:
    """Unload PyOpenGL, which binds itself to the first library that it is imported for, so that the next can be tried."""
    os.environ.pop("PYOPENGL_PLATFORM", None)
    bound = ("OpenGL", "mujoco.egl", "mujoco.osmesa")
    for name in [name for name in sys.modules if name.startswith(bound)]:
        del sys.modules[name]
