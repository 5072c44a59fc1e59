"""The registered ids of ours: which are variations of another one, by which keywords, and the page of each."""

import inspect
import sys
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator

OURS = "ObjRep/"


def ids() -> list[str]:
    """Every registered id of ours, in the order of registration."""
    return [name for name in gymnasium.registry if name.startswith(OURS)]


def bases() -> list[str]:
    """Those ids that are no variation of another one: one for each task."""
    return [name for name in ids() if not varied(gymnasium.spec(name))]


def base_of(spec: EnvSpec) -> EnvSpec:
    """What an id is a variation of: the id of the same game that sets no keyword; itself if there is none."""
    plain = {"game": spec.kwargs["game"]}
    return next((one for one in map(gymnasium.spec, ids()) if one.kwargs == plain), spec)


def varied(spec: EnvSpec) -> dict[str, Any]:
    """The keywords by which an id varies another one; none if it is an environment of its own."""
    own = {name: value for name, value in spec.kwargs.items() if name != "game"}
    return own if base_of(spec).id != spec.id else {}


def page(spec: EnvSpec) -> str:
    """What is written about an environment: the page of its game, headed by what the id varies if it is a variation."""
    text = page_of(spec.kwargs["game"])
    return f"{spec.id}: {difference(spec)}.\n\n{text}" if varied(spec) else text


def page_of(game: str) -> str:
    """The docstring of the file that makes a game, named as "package.file:function"."""
    return inspect.cleandoc(sys.modules[load_env_creator(game).__module__].__doc__ or "")


def headline(spec: EnvSpec) -> str:
    """One line: what an environment is, or what it varies."""
    return difference(spec) if varied(spec) else page(spec).split("\n")[0].removeprefix(f"{spec.id}: ").rstrip(".")


def difference(spec: EnvSpec) -> str:
    """`Reach with objects=6`, of an id that varies another one."""
    keywords = ", ".join(f"{name}={value!r}" for name, value in varied(spec).items())
    return f"{base_of(spec).name} with {keywords}"
