"""RecordFrames and VectorRecordFrames: the pictures that an environment shows are kept, for an encoder that learns online,
or as a data set that `objrep-gym train --data FOLDER` learns from.

    env = VectorSlotObservation(VectorRecordFrames(gym.make_vec("ObjRep/Reach-v0", num_envs=16), "data/seen"), "colour")

They go below the wrapper of slots, where pictures still are. Nothing that the agent sees is changed.
"""

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper

from objrep_gym.data.recording import Recording, check_folder
from objrep_gym.data.shards import Layout, read_layout
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About
from objrep_gym.wrappers.frames import Frames, rendering
from objrep_gym.wrappers.pixels import fit, part
from objrep_gym.wrappers.sets import last_rows, seeds_of

STREAM = 0x4EC04D  # beside the seed, so that what is kept does not follow the numbers that the environment draws from it
NOTHING = About((), (), (), 0)
TRUE = ("mask", "factors")  # what info tells of a picture


@runtime_checkable
class Buffer(Protocol):
    """What takes pictures uint8 (n, H, W, 3), such as a reservoir."""

    def add(self, frames: np.ndarray) -> Any: ...


Into = str | Path | Buffer | Callable[[np.ndarray], Any]
"""A folder of shards, a buffer with `add`, or a function, of pictures uint8 (n, H, W, 3)."""


class RecordFrames(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Keeps what one environment shows: each observation once, the last of an episode too.

    into: a folder (a string, so that the environment's spec stays JSON), in which shards grow by 1024 frames, crash-safe,
    and go on where an earlier recording ended; with the masks and factors that info has, where the environment is ours. Or
    an object with `add`, or a function, that gets pictures uint8 (n, H, W, 3) and bounds them itself. rate: the share that
    is kept, drawn from the reset's seed. most: frames kept at most, of a folder in all recordings; each is H·W·3 bytes
    before it is compressed. key: of several pictures in a Dict, which. size: (H, W) that they are brought to, as a wrapper
    of slots would; as they are if None. What waits for a shard is written by `close`, or when the process ends.

    Raises ValueError on a rate outside (0, 1], a most below 1, no or several pictures; ShardsError on a folder that holds
    something else, or is being filled by another process.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        into: Into,
        rate: float = 1.0,
        most: int | None = None,
        key: str | None = None,
        size: Sequence[int] | None = None,
    ):
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=not isinstance(into, str),
            into=into,
            rate=rate,
            most=most,
            key=key,
            size=size,
        )
        super().__init__(env)
        picked = Picked(Frames(env.observation_space, env.render_mode), key, size)
        self.recorder = Recorder(into, picked, about_of(env), rate, most)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self.recorder.seed([seed])
        self._keep(observation, info)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._keep(observation, info)
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        self.recorder.close()
        self.env.close()

    def _keep(self, observation: Any, info: dict[str, Any]) -> None:
        picked = self.recorder.picked
        pictures = rendering(self.env.render())[None] if picked.rendered else picked.alone(observation)
        self.recorder.keep(pictures, {name: np.asarray(info[name])[None] for name in TRUE if name in info})


class VectorRecordFrames(VectorWrapper[Any, Any, Any, Any, Any]):
    """Keeps what N environments show; keywords as in `RecordFrames`. Last observations of SAME_STEP are kept too, but for
    environments that only render, whose last picture is gone by then."""

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        into: Into,
        rate: float = 1.0,
        most: int | None = None,
        key: str | None = None,
        size: Sequence[int] | None = None,
    ):
        super().__init__(env)
        picked = Picked(Frames(env.single_observation_space, env.render_mode), key, size)
        self.recorder = Recorder(into, picked, about_of(env), rate, most)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        mask = (options or {}).get("reset_mask")  # now: SyncVectorEnv takes it out of the options
        rows = np.arange(self.num_envs) if mask is None else np.flatnonzero(mask)
        observations, infos = self.env.reset(seed=seed, options=options)
        self.recorder.seed(seeds_of(seed, self.num_envs))
        self._keep(observations, infos, rows)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        last = last_rows(infos, np.asarray(terminations | truncations, dtype=bool))
        picked = self.recorder.picked
        if len(last) and not picked.rendered:
            pictures = np.concatenate([picked.alone(infos["final_obs"][i]) for i in last])
            self.recorder.keep(pictures, told(infos.get("final_info", {}), last))
        self._keep(observations, infos, np.arange(self.num_envs))
        return observations, rewards, terminations, truncations, infos

    def close(self, **kwargs: Any) -> None:
        self.recorder.close()
        self.env.close(**kwargs)

    def _keep(self, observations: Any, infos: dict[str, Any], rows: np.ndarray) -> None:
        picked = self.recorder.picked
        if picked.rendered:
            frames: Any = self.env.render() or ()
            pictures = np.stack([rendering(frame) for frame in frames])
        else:
            pictures = picked.batch(observations)
        self.recorder.keep(pictures[rows], told(infos, rows))


class Picked:
    """The one picture of an observation that is kept, brought to a size (H, W) and three channels. `told` where it is the
    one that masks and factors in info are of. Raises ValueError where there are several and none is named."""

    def __init__(self, frames: Frames, key: str | None, size: Sequence[int] | None):
        keys = [*frames.formats]
        if (key is None and len(keys) > 1) or (key is not None and key not in keys):
            named = "no key is named" if key is None else f"{key!r} is none of them"
            raise ValueError(
                f"the pictures are {', '.join(map(repr, keys)) or 'rendered'}, and {named}: key says which to keep"
            )
        self.rendered, self.key = frames.rendered, key if key is not None or frames.rendered else keys[0]
        self.format = None if self.key is None else frames.formats[self.key]
        self.nested, self.told = frames.nested, len(keys) < 2 or key == "observation"
        self.size = None if size is None else part(size, 3).shape[:2]

    def batch(self, observations: Any) -> np.ndarray:
        """uint8 (N, H, W, C) of N observations."""
        pictures = np.asarray(observations[self.key] if self.nested else observations)
        return pictures if self.format is None else self.format.to_bytes(pictures)

    def alone(self, observation: Any) -> np.ndarray:
        """uint8 (1, H, W, C) of one observation."""
        picture = np.asarray(observation[self.key] if self.nested else observation)[None]
        return self.batch({self.key: picture} if self.nested else picture)

    def fitted(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures uint8 (n, H, W, 3) of the size that was asked for."""
        return fit(pictures, part(pictures.shape[1:3] if self.size is None else self.size, 3))


class Recorder:
    """Which pictures are kept, and where they go."""

    def __init__(self, into: Into, picked: Picked, about: About, rate: float, most: int | None):
        if not 0 < rate <= 1 or (most is not None and most < 1):
            raise ValueError(f"rate={rate} and most={most}: rate is in (0, 1], most at least 1, or None for no end")
        self.into = Folder(into, about if picked.told else NOTHING) if isinstance(into, str | Path) else into
        self.picked, self.rate, self.most, self.kept = picked, rate, most, 0
        self.generator = np.random.default_rng()

    def seed(self, seeds: Sequence[int | None]) -> None:
        given = [seed for seed in seeds if seed is not None]
        if given:
            self.generator = np.random.default_rng([STREAM, *given])

    def keep(self, pictures: np.ndarray, true: dict[str, np.ndarray]) -> None:
        """Keep a share of pictures (n, H, W, C), as copies, and what is true of each."""
        drawn = self.generator.random(len(pictures)) < self.rate
        done = self.into.scenes if isinstance(self.into, Folder) else self.kept
        chosen = np.flatnonzero(drawn)[: None if self.most is None else max(self.most - done, 0)]
        if not len(chosen):
            return
        frames = self.picked.fitted(pictures[chosen])
        self.kept += len(frames)
        if isinstance(self.into, Folder):
            self.into.keep(frames, {name: values[chosen] for name, values in true.items()})
        elif isinstance(self.into, Buffer):
            self.into.add(frames)
        else:
            self.into(frames)

    def close(self) -> None:
        if isinstance(self.into, Folder):
            self.into.close()


class Folder:
    """A recording that begins with its first pictures, when it is known what they are, and ends with the process."""

    def __init__(self, out: str | Path, about: About):
        check_folder(out)
        self.out, self.about = out, about
        self.recording: Recording | None = None
        self.before = sum(read_layout(path)[1] for path in Path(out).glob("*.parquet"))

    @property
    def scenes(self) -> int:
        """Frames in the folder, and those that wait."""
        return self.before if self.recording is None else self.recording.scenes

    def keep(self, frames: np.ndarray, true: dict[str, np.ndarray]) -> None:
        """Add pictures; their masks and factors too, where their world is known."""
        about, entities = self.about, len(self.about.entities)
        factors = true["factors"] if entities and "factors" in true else np.zeros((len(frames), entities, 0), np.float32)
        mask = nearest(true["mask"], frames.shape[1:3]) if entities and "mask" in true else None
        if self.recording is None:
            if not factors.shape[2]:
                about = About(about.entities, (), (), about.background)
            outputs = ("image",) if mask is None else ("image", "mask")
            self.recording = Recording(self.out, Layout(about, (frames.shape[1], frames.shape[2]), outputs))
            weakref.finalize(self, self.recording.close)  # few close their environments
        self.recording.add(View(frames, mask, None, factors))

    def close(self) -> None:
        if self.recording is not None:
            self.recording.close()


def about_of(env: Any) -> About:
    """What an environment of ours says of its scenes; of any other nothing is known."""
    about = getattr(env.unwrapped, "about", None)
    return about if isinstance(about, About) else NOTHING


def told(infos: dict[str, Any], rows: np.ndarray) -> dict[str, np.ndarray]:
    """What infos of N rows tell of pictures, of `rows`."""
    return {name: infos[name][rows] for name in TRUE if name in infos}


def nearest(mask: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Ids (n, h, w) at another size (H, W), each that of the nearest pixel."""
    if mask.shape[1:] == tuple(size):
        return mask
    down, across = ((np.arange(new) * 2 + 1) * old // (2 * new) for old, new in zip(mask.shape[1:], size, strict=True))
    return mask[:, down[:, None], across]
