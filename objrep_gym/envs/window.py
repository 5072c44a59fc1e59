"""A window on the screen, by pygame: for render_mode="human", and to play in."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled

SIDE = 512  # pixels of the window's shorter side
HUMAN = 'render_mode="human"'


class NoDisplay(RuntimeError):
    """There is no screen, or it refuses a window."""


def render_modes() -> list[str]:
    """The render modes that work here: "human" wants pygame and a screen."""
    return ["rgb_array"] if refusal() else ["rgb_array", "human"]


def refusal(wanted: str = HUMAN) -> Exception | None:
    """Why no window can be opened here for what one is `wanted` for, or None."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        return NoDisplay(f"{wanted} needs a display, and none of {', '.join(screens)} is set{instead(wanted, ': ')}")
    if importlib.util.find_spec("pygame") is None:
        return DependencyNotInstalled(f'{wanted} needs pygame: pip install "objrep-gym[play]"{instead(wanted, ", or ")}')
    return None


def instead(wanted: str, join: str) -> str:
    """What else would do."""
    return f'{join}use "rgb_array"' if wanted == HUMAN else ""


def check_render_mode(mode: str | None) -> None:
    """Raises ValueError on an unknown mode, and on "human" the reason why no window can be opened."""
    if mode not in (None, "rgb_array", "human"):
        raise ValueError(f"render_mode {mode!r} is none of None, 'rgb_array', 'human'")
    reason = refusal() if mode == "human" else None
    if reason is not None:
        raise reason


class Window:
    """Opens at the first picture, follows `fps` pictures a second, and closes in `close`. What it is `wanted` for is told
    where there is no screen."""

    def __init__(self, title: str, fps: int, wanted: str = HUMAN):
        self.title, self.fps, self.wanted = title, fps, wanted
        self.screen: Any = None
        self.clock: Any = None

    def show(self, frames: Sequence[np.ndarray]) -> None:
        """Shows uint8 (H, W, 3) pictures of one size, tiled. Raises NoDisplay where the screen refuses."""
        import pygame  # pyright: ignore[reportMissingImports]  an extra

        frame = tile(frames)
        scale = max(1, round(SIDE / min(frame.shape[:2])))
        height, width = frame.shape[0] * scale, frame.shape[1] * scale
        if self.screen is None:
            # Else SDL draws by an OpenGL context of its own, and X ends the process where MuJoCo's is current already.
            os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
            try:
                pygame.display.init()
                self.screen = pygame.display.set_mode((width, height))
            except pygame.error as error:
                raise NoDisplay(f"{self.wanted} found no display ({error}){instead(self.wanted, ': ')}") from error
            pygame.display.set_caption(self.title)
            self.clock = pygame.time.Clock()
        picture = pygame.surfarray.make_surface(frame.swapaxes(0, 1))
        self.screen.blit(pygame.transform.scale(picture, (width, height)), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self.clock.tick(self.fps)

    def close(self) -> None:
        """Takes the window away; a later `show` opens a new one."""
        if self.screen is not None:
            import pygame  # pyright: ignore[reportMissingImports]

            pygame.display.quit()
            self.screen = self.clock = None


def tile(frames: Sequence[np.ndarray]) -> np.ndarray:
    """One picture of N, nearly square, row by row; what is left over is black."""
    columns = int(np.ceil(np.sqrt(len(frames))))
    rows = -(-len(frames) // columns)
    height, width, channels = frames[0].shape
    sheet = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    sheet[: len(frames)] = frames
    return (
        sheet.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )
