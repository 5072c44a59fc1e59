"""The registered entry points: they build an environment of a game, single or vector, and give it an encoder if named.

`gym.make_vec("ObjRep/Reach-v0", num_envs=16, encoder="colour")` is the shortest way to slots: `make_vec` refuses wrappers
for native vector environments, so the encoder travels as a keyword. It is a reference of `weights.load`, or "oracle" for
true factors, or "pixels" for the plain picture in the same interface. The page of an environment is the `__doc__` of what
`unwrapped` gives.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import VectorEnv

from objrep_gym.envs.objects_room import Game, GoalRoom, ObjectsRoom
from objrep_gym.envs.pages import page_of
from objrep_gym.envs.vector import GoalRoomVector, ObjectsRoomVector

RUNNING = ("render_mode", "max_episode_steps", "autoreset_mode")
"""Keywords of the vector environment; all others are the game's."""


def single(
    game: str,
    encoder: str | Path | None = None,
    render_mode: str | None = None,
    encoding: Mapping[str, Any] | None = None,
    **parts: Any,
) -> gym.Env[Any, Any]:
    """One environment. `game` names the function that makes the parts, `parts` are its keywords; `encoding` holds further
    keywords of the wrapper, such as {"precision": "bf16"}. Raises ValueError on `encoding` without an encoder."""
    from objrep_gym.wrappers import oracle, pixels  # slots.py needs torch, and only a reference needs slots.py

    made = make_game(game, encoder, parts)
    env = (ObjectsRoom if made.goal is None else GoalRoom)(made, render_mode)
    env.__doc__ = page_of(game)
    if encoder is None:
        return refuse(env, encoding)
    if encoder in ("oracle", "pixels"):
        wrapper = oracle.OracleSlots if encoder == "oracle" else pixels.PixelObservation
        return wrapper(env, **encoding or {})
    from objrep_gym.wrappers.slots import SlotObservation

    return SlotObservation(env, encoder, **encoding or {})


def vector(
    game: str,
    num_envs: int = 1,
    encoder: str | Path | None = None,
    encoding: Mapping[str, Any] | None = None,
    **options: Any,
) -> VectorEnv[Any, Any, Any]:
    """N environments in one process; the keywords of `single`, and those of `ObjectsRoomVector`."""
    from objrep_gym.wrappers import oracle, pixels

    running = {name: options.pop(name) for name in RUNNING if name in options}
    made = make_game(game, encoder, options)
    env = (ObjectsRoomVector if made.goal is None else GoalRoomVector)(made, num_envs, **running)
    env.__doc__ = page_of(game)
    if encoder is None:
        return refuse(env, encoding)
    if encoder in ("oracle", "pixels"):
        wrapper = oracle.VectorOracleSlots if encoder == "oracle" else pixels.VectorPixelObservation
        return wrapper(env, **encoding or {})
    from objrep_gym.wrappers.slots import VectorSlotObservation

    return VectorSlotObservation(env, encoder, **encoding or {})


def make_game(name: str, encoder: str | Path | None, parts: Mapping[str, Any]) -> Game:
    """The game that `name` makes; for the oracle it puts factors into info, and draws only what info or a picture needs."""
    make: Callable[..., Game] = load_env_creator(name)  # pyright: ignore[reportAssignmentType]
    if encoder != "oracle":
        return make(**parts)
    info = parts.get("info", ())
    if isinstance(info, str):
        return make(**parts)  # which says what is wrong with it
    info = tuple(info)
    looks = any(asked != "factors" for asked in info)
    return make(**{"draws": looks, **parts, "info": info if "factors" in info else (*info, "factors")})


def refuse(env: Any, encoding: Mapping[str, Any] | None) -> Any:
    """Raises ValueError where an encoding is described and no encoder is named."""
    if encoding:
        raise ValueError(f"encoding={dict(encoding)!r} describes an encoder and none is named: add encoder=...")
    return env
