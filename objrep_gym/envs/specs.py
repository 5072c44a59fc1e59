"""What gymnasium knows of an environment, by an id in any form that `gym.make` takes."""

from importlib import import_module

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import UnregisteredEnv


def spec_of(env: str) -> EnvSpec:
    """The spec of an id, such as ObjRep/Reach-v0, or minigrid:MiniGrid-Empty-5x5-v0, whose module is imported first: it
    registers the rest. Raises UnregisteredEnv where there is no such module, and gymnasium's errors on an unknown id."""
    module, colon, name = env.rpartition(":")
    if colon:
        try:
            import_module(module)
        except (ImportError, ValueError, TypeError) as error:
            raise UnregisteredEnv(
                f"{env}: the module {module!r}, which should register {name}, cannot be imported ({error}). Install it, "
                "such as Minigrid, Miniworld and Atari by pip install 'objrep-gym[elsewhere]'"
            ) from error
    return gymnasium.spec(name)


def is_ours(env: str) -> bool:
    """Whether an environment is one of this package. Raises what `spec_of` raises."""
    return "game" in spec_of(env).kwargs
