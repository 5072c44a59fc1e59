"""SlotOverlay and VectorSlotOverlay: `render()` with the slots' masks drawn over the picture.

env = SlotOverlay(SlotObservation(gym.make("ObjRep/Reach-v0", render_mode="rgb_array"), "colour", masks=True))
"""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from PIL import Image

from objrep_gym.scenes.palette import SLOT_COLOURS

COLOURS = SLOT_COLOURS.astype(np.float32)

KEYS = ("slots_mask", "mask")


class SlotOverlay(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Draws masks over what one environment renders.

    key: "slots_mask" (of `SlotObservation(..., masks=True)`) or "mask" (the true ids, of info=("mask",)). height: the
    picture is enlarged to at least so many pixels. opacity: of a region's tint, in [0, 1]; its border is drawn in full.
    Raises ValueError on an environment that does not render, or whose info has no masks.
    """

    def __init__(self, env: gym.Env[Any, Any], key: str = "slots_mask", height: int = 256, opacity: float = 0.35):
        RecordConstructorArgs.__init__(self, key=key, height=height, opacity=opacity)
        super().__init__(env)
        check(env.render_mode, key, opacity)
        self.key, self.height, self.opacity = key, height, opacity
        self.mask: np.ndarray | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self.mask = mask_of(info, self.key)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.mask = mask_of(info, self.key)
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """uint8 (height, width, 3); the plain picture before the first reset."""
        frame: Any = self.env.render()
        return frame if self.mask is None else draw(frame, regions(self.mask), self.height, self.opacity)


class VectorSlotOverlay(VectorWrapper[Any, Any, Any, Any, Any]):
    """Draws masks over what N environments render; keywords as in `SlotOverlay`."""

    def __init__(self, env: VectorEnv[Any, Any, Any], key: str = "slots_mask", height: int = 256, opacity: float = 0.35):
        super().__init__(env)
        check(env.render_mode, key, opacity)
        self.key, self.height, self.opacity = key, height, opacity
        self.masks: np.ndarray | None = None

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observations, infos = self.env.reset(seed=seed, options=options)
        self.masks = mask_of(infos, self.key)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        self.masks = mask_of(infos, self.key)
        return observations, rewards, terminations, truncations, infos

    def render(self) -> Any:
        """N pictures uint8 (height, width, 3)."""
        frames: Any = self.env.render() or ()
        if self.masks is None:
            return frames
        return tuple(
            draw(frame, regions(mask), self.height, self.opacity) for frame, mask in zip(frames, self.masks, strict=True)
        )


def check(render_mode: str | None, key: str, opacity: float) -> None:
    """Raises ValueError on a render mode, a key or an opacity that cannot be drawn."""
    if render_mode != "rgb_array":
        raise ValueError(f'render_mode is {render_mode!r}: make the environment with render_mode="rgb_array"')
    if key not in KEYS or not 0 <= opacity <= 1:
        raise ValueError(f"key {key!r} with opacity {opacity}: key is one of {', '.join(KEYS)}, opacity in [0, 1]")


def mask_of(info: dict[str, Any], key: str) -> np.ndarray:
    """The mask in `info`, the first picture's where there are several; raises ValueError where there is none."""
    if key not in info:
        asked = "masks=True of the slot wrapper" if key == "slots_mask" else 'info=("mask",) of the environment'
        raise ValueError(f"no {key!r} in info, it has {', '.join(info) or 'nothing'}: ask for it by {asked}")
    found = info[key]
    return next(found[name] for name in found if not name.startswith("_")) if isinstance(found, dict) else found


def regions(mask: np.ndarray) -> np.ndarray:
    """Slot per pixel (H, W) of masks (K, H, W), the strongest; ids (H, W) as they are."""
    return mask.argmax(axis=0) if mask.ndim == 3 else mask


def draw(frame: np.ndarray, ids: np.ndarray, height: int, opacity: float) -> np.ndarray:
    """The picture uint8 (H, W, 3), enlarged by a whole factor to `height` or more, each region tinted and bordered."""
    scale = max(1, -(-height // frame.shape[0]))
    large = frame.repeat(scale, axis=0).repeat(scale, axis=1).astype(np.float32)
    size = (large.shape[1], large.shape[0])
    spread = np.asarray(Image.fromarray(ids.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
    tint, border = COLOURS[spread % len(COLOURS)], np.zeros(spread.shape, dtype=bool)
    border[1:] |= spread[1:] != spread[:-1]
    border[:, 1:] |= spread[:, 1:] != spread[:, :-1]
    mixed = np.where(border[..., None], tint, (1 - opacity) * large + opacity * tint)
    return mixed.round().astype(np.uint8)
