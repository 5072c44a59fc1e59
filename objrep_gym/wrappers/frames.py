"""Frames: the pictures in any environment's observations, as bytes; and the wrappers' two bases, single and vector.

Found are Box spaces of pictures: (H, W), (H, W, 1 or 3), (1 or 3, H, W) or a stack of one, (1, H, W, 3), both sides of 16
pixels or more; bytes, or floats with finite bounds, which become 0 and 255; unbounded ones, such as depth, are left as they
are. In a Dict every such key is a picture. Where there is none, the environment must render: render_mode="rgb_array".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

SIDE = 16  # pixels; what is smaller is taken for a board or a vector, such as Minigrid's 7 × 7 symbols
LARGER = 32  # pixels; no board of a game that we know has so many fields a side
SYMBOLS = 16  # values of bytes; Minigrid numbers its things, colours and states from 0 to 10
CHANNELS = (1, 3)
RENDERED = "slots"  # key of the converted rendering in a Dict that has no picture of its own

Pictures = list[np.ndarray]
"""uint8 (n, H, W, C) arrays, one for each picture key; sizes may differ."""


@dataclass(frozen=True)
class Format:
    """How a space lays out a picture: `axes` "HW", "HWC", "CHW" or "1HWC", and the bounds of its values."""

    axes: str
    low: float
    high: float

    def to_bytes(self, batch: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, C) of N pictures as the space has them; values outside the bounds are clipped."""
        if self.axes == "HW":
            batch = batch[..., None]
        elif self.axes == "CHW":
            batch = np.moveaxis(batch, 1, -1)
        elif self.axes == "1HWC":
            batch = batch[:, 0]
        if batch.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return batch
        unit = (batch.astype(np.float32) - self.low) * (255 / (self.high - self.low))
        return np.clip(np.rint(unit), 0, 255).astype(np.uint8)


def find_format(space: gym.Space[Any]) -> Format | None:
    """How `space` lays out a picture, None if it is no picture, or one of unbounded floats: nothing says what is white."""
    axes = find_axes(space.shape) if isinstance(space, spaces.Box) else None
    if axes is None or not isinstance(space, spaces.Box) or not (space.dtype == np.uint8 or space.dtype.kind == "f"):
        return None
    low, high = float(space.low.min()), float(space.high.max())
    if np.isfinite([low, high]).all() and low < high:
        return Format(axes, low, high)
    return None


def find_axes(shape: Sequence[int]) -> str | None:
    """ "HW", "HWC", "CHW" or "1HWC" where `shape` is a picture's; channels last are preferred."""
    if len(shape) == 2 and min(shape) >= SIDE:
        return "HW"
    if len(shape) == 3 and shape[2] in CHANNELS and min(shape[:2]) >= SIDE:
        return "HWC"
    if len(shape) == 3 and shape[0] in CHANNELS and min(shape[1:]) >= SIDE:
        return "CHW"
    if len(shape) == 4 and shape[0] == 1 and find_axes(shape[1:]) == "HWC":
        return "1HWC"
    return None


def is_stack(space: gym.Space[Any]) -> bool:
    """Whether a space holds several frames, (n, H, W), (H, W, n) or (n, H, W, C): a picture, if n were 1."""
    if not isinstance(space, spaces.Box) or len(space.shape) not in (3, 4):
        return False
    first, last = space.shape[1:], space.shape[:-1]
    frames = [first] if len(space.shape) == 4 else [frame for frame in (first, last) if min(frame) >= LARGER]
    return min(space.shape) < SIDE and any(find_axes(frame) for frame in frames)


class Frames:
    """Where an environment's pictures are: in its observation, in keys of it, or in what it renders.

    Raises ValueError where there is neither a picture nor a renderer, and where frames are stacked: a rendering in their
    place would be one frame.
    """

    def __init__(self, space: gym.Space[Any], render_mode: str | None):
        self.space = space
        parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {"": space}
        found = {key: find_format(part) for key, part in parts.items()}
        self.formats = {key: kind for key, kind in found.items() if kind is not None}
        self.rendered = not self.formats
        self.nested = isinstance(space, spaces.Dict)
        self.small = [key for key, kind in self.formats.items() if (kind.low, kind.high) == (0, 255) and small(parts[key])]
        if self.rendered and any(is_stack(part) for part in parts.values()):
            raise ValueError(
                f"no picture in {space}, but several frames or channels: take slots of one frame, then stack those, "
                "FrameStackObservation(SlotObservation(env, encoder), n)"
            )
        if self.rendered and render_mode != "rgb_array":
            raise ValueError(
                f"no picture in {space}, and render_mode is {render_mode!r}: make the environment with "
                f'render_mode="rgb_array", or with a picture of {SIDE} pixels or more a side, 1 or 3 channels, in '
                "bounds that say what is black and white"
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the pictures; one that is no key of a Dict is ""."""
        return (RENDERED if self.nested else "",) if self.rendered else tuple(self.formats)

    def pictures(self, observations: Any) -> Pictures:
        """The pictures of a batch of observations, batched as gymnasium does."""
        parts = observations if self.nested else {"": observations}
        return [kind.to_bytes(np.asarray(parts[key])) for key, kind in self.formats.items()]

    def refuse_boards(self, observations: Any) -> None:
        """Raises ValueError where what the space calls a picture is a board of symbols: of one observation or of N."""
        parts = observations if self.nested else {"": observations}
        for key in self.small:
            brightest = int(np.max(parts[key]))
            if 0 < brightest < SYMBOLS:
                raise ValueError(
                    f"{f'{key!r} of ' if key else ''}{self.space}: no value above {brightest} in a picture of less than "
                    f"{LARGER} pixels a side, so these are symbols, one for each field of a board. Wrap the environment in "
                    "what draws it first, such as gymnasium.wrappers.AddRenderObservation or minigrid's RGBImgObsWrapper"
                )

    def replace(self, observation: Any, converted: Sequence[Any]) -> Any:
        """The observation, or the space, with its pictures replaced by what they became; a rendering is added to a Dict and
        takes the place of anything else."""
        return {**observation, **dict(zip(self.keys, converted, strict=True))} if self.nested else converted[0]

    def replace_space(self, space: gym.Space[Any], part: gym.Space[Any]) -> gym.Space[Any]:
        """`space`, of one environment or of N, where each picture became a `part`."""
        inner = dict(space.spaces) if isinstance(space, spaces.Dict) else space
        replaced = self.replace(inner, [part] * len(self.keys))
        return spaces.Dict(replaced) if isinstance(replaced, dict) else replaced

    def named(self, values: Sequence[np.ndarray]) -> Any:
        """One value for each picture, as info has it: alone, or by key."""
        return dict(zip(self.keys, values, strict=True)) if self.nested else values[0]


@dataclass(frozen=True)
class Converted:
    """What pictures became: an array (n, …) for each, and the same for everything that goes into info by name."""

    values: list[np.ndarray]
    info: Mapping[str, list[np.ndarray]]


class PictureWrapper(gym.Wrapper[Any, Any, Any, Any]):
    """Base of wrappers that convert the pictures of one environment: subclasses write `convert`."""

    def __init__(self, env: gym.Env[Any, Any], part: spaces.Box):
        super().__init__(env)
        self.frames = Frames(env.observation_space, env.render_mode)
        self.observation_space = self.frames.replace_space(env.observation_space, part)

    def convert(self, pictures: Pictures) -> Converted:
        """What the pictures become, all in one batch."""
        raise NotImplementedError(f"{type(self).__name__} does not write convert()")

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self.frames.refuse_boards(observation)
        return self._convert(observation, info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        observation, info = self._convert(observation, info)
        return observation, reward, terminated, truncated, info

    def _convert(self, observation: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        frames = self.frames
        if frames.rendered:
            pictures = [rendering(self.env.render())[None]]
        else:
            alone = (
                {key: np.asarray(observation[key])[None] for key in frames.formats} if frames.nested else observation[None]
            )
            pictures = frames.pictures(alone)
        converted = self.convert(pictures)
        extra = {name: frames.named([value[0] for value in values]) for name, values in converted.info.items()}
        return frames.replace(observation, [value[0] for value in converted.values]), {**info, **extra}


class VectorPictureWrapper(VectorWrapper[Any, Any, Any, Any, Any]):
    """Base of wrappers that convert the pictures of N environments in one batch, last observations of SAME_STEP included.

    Raises ValueError for environments without pictures under SAME_STEP: what they rendered before a reset is gone.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], part: spaces.Box):
        super().__init__(env)
        self.frames = Frames(env.single_observation_space, env.render_mode)
        if self.frames.rendered and env.metadata.get("autoreset_mode") is AutoresetMode.SAME_STEP:
            raise ValueError(
                f"{env} has no picture in its observations, and under SAME_STEP an episode's last one cannot be rendered: "
                "use NEXT_STEP, or make the picture part of each observation, "
                'gym.make_vec(..., vectorization_mode="sync", wrappers=(gymnasium.wrappers.AddRenderObservation,))'
            )
        self.single_observation_space = self.frames.replace_space(env.single_observation_space, part)
        self.observation_space = self.frames.replace_space(env.observation_space, batch_space(part, env.num_envs))
        self.last: tuple[Any, Pictures] | None = None

    def convert(self, pictures: Pictures) -> Converted:
        """What the pictures become, all in one batch."""
        raise NotImplementedError(f"{type(self).__name__} does not write convert()")

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observations, infos = self.env.reset(seed=seed, options=options)
        self.frames.refuse_boards(observations)
        return self._convert(observations, infos)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        if "final_obs" in infos and "_final_obs" not in infos:  # ale_py's vector environment says nothing of which rows
            infos = {**infos, "_final_obs": terminations | truncations}
        observations, infos = self._convert(observations, infos)
        return observations, rewards, terminations, truncations, infos

    def _convert(self, observations: Any, infos: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        frames, n = self.frames, self.num_envs
        pictures = [self._rendered()] if frames.rendered else frames.pictures(observations)
        self.last = observations, pictures
        rows = np.flatnonzero(infos.get("_final_obs", ()))
        if len(rows):
            last = stack([infos["final_obs"][i] for i in rows], frames)
            pictures = [np.concatenate(pair) for pair in zip(pictures, frames.pictures(last), strict=True)]
        converted = self.convert(pictures)
        infos = {**infos, **self._info(converted, np.arange(n), slice(None, n))}
        if len(rows):
            final = np.full(n, None, dtype=object)
            for place, i in enumerate(rows, start=n):
                final[i] = frames.replace(infos["final_obs"][i], [value[place] for value in converted.values])
            infos["final_obs"] = final
            infos["final_info"] = {**infos.get("final_info", {}), **self._info(converted, rows, slice(n, None))}
        return frames.replace(observations, [value[:n] for value in converted.values]), infos

    def again(self) -> Any:
        """The last observations of all rows, converted anew from the same pictures: nothing moves and nothing is drawn.
        Raises ResetNeeded where there are none yet."""
        if self.last is None:
            raise ResetNeeded("there is no last observation to convert again: call reset() first")
        observations, pictures = self.last
        return self.frames.replace(observations, self.convert(pictures).values)

    def _info(self, converted: Converted, rows: np.ndarray, part: slice) -> dict[str, Any]:
        """What goes into info of `rows`, which are `part` of the batch, laid out with `_` masks as gymnasium does."""
        there, found = np.zeros(self.num_envs, dtype=bool), {}
        there[rows] = True
        for name, values in converted.info.items():
            spread = [np.zeros((self.num_envs, *value.shape[1:]), value.dtype) for value in values]
            for whole, value in zip(spread, values, strict=True):
                whole[rows] = value[part]
            named = self.frames.named(spread)
            masked = {**named, **{f"_{key}": there.copy() for key in named}} if isinstance(named, dict) else named
            found |= {name: masked, f"_{name}": there}
        return found

    def _rendered(self) -> np.ndarray:
        return np.stack([rendering(frame) for frame in self.env.render() or ()])


def small(space: gym.Space[Any]) -> bool:
    """Whether a picture could be a board of symbols."""
    return space.dtype == np.uint8 and min(side for side in space.shape or () if side >= SIDE) < LARGER


def stack(observations: Sequence[Any], frames: Frames) -> Any:
    """The picture parts of single observations as one batch."""
    if not frames.nested:
        return np.stack(observations)
    return {key: np.stack([one[key] for one in observations]) for key in frames.formats}


def rendering(frame: Any) -> np.ndarray:
    """What an environment rendered; raises ValueError unless it is uint8 (H, W, 3)."""
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        what = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise ValueError(f"render() gave {what}, not a picture uint8 (H, W, 3)")
    return frame
