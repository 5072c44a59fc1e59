"""The registered ids of ours: of which environment each is a variation, by which keywords, and the page of each."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator

import objrep_gym

OURS = "ObjRep/"
VARIATIONS: tuple[Mapping[str, Any], ...] = ({"reward": "dense"}, *objrep_gym.AXES.values())


def ids() -> list[str]:
    """Every registered id of ours, in the order of registration."""
    return [name for name in gymnasium.registry if name.startswith(OURS)]


def bases() -> list[str]:
    """Those ids that are no variation of another one: one for each task."""
    return [name for name in ids() if not varied(gymnasium.spec(name))]


def varied(spec: EnvSpec) -> dict[str, Any]:
    """The keywords by which an id varies another one; none if it is an environment of its own."""
    own = {name: value for name, value in spec.kwargs.items() if name != "game"}
    return own if own in VARIATIONS else {}


def base_of(spec: EnvSpec) -> EnvSpec:
    """What an id is a variation of: the id whose keywords are its own but for those of `varied`; itself if of none."""
    changed = varied(spec)
    kept = {name: value for name, value in spec.kwargs.items() if name not in changed}
    return next((one for one in map(gymnasium.spec, bases()) if changed and one.kwargs == kept), spec)


def page(spec: EnvSpec) -> str:
    """What is written about an environment: the docstring of the file that makes it, headed, where the id is a variation,
    by what it varies."""
    text = inspect.cleandoc(sys.modules[load_env_creator(spec.kwargs["game"]).__module__].__doc__ or "")
    return f"{spec.id}: {difference(spec)}.\n\n{text}" if varied(spec) else text


def headline(spec: EnvSpec) -> str:
    """One line: what an environment is, or what it varies."""
    return difference(spec) if varied(spec) else page(spec).split("\n")[0].removeprefix(f"{spec.id}: ")


def difference(spec: EnvSpec) -> str:
    """`Reach with objects=6`, of an id that varies another one."""
    keywords = ", ".join(f"{name}={value!r}" for name, value in varied(spec).items())
    return f"{base_of(spec).name} with {keywords}"
